select
    s.id,
    s.event_id,
    s.price_minor,
    s.status as "status: SeatStatus",
    s.hold,
    s.reservation_id,
    s.reserved_until,
    s.blocked,
    e.currency as "currency: Currency",
    e.sale as "sale: SaleStatus",
    e.hold_ms,
    e.seats_max
from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
join booking.seats as s on s.id = wanted.id and s.bucket = wanted.bucket
join booking.events as e on e.id = s.event_id and e.bucket = s.bucket
