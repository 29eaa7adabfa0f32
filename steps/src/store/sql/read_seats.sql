with wanted as materialized (
    select w.id, w.bucket from unnest($1::uuid[], $2::smallint[]) as w (id, bucket)
),
locked as materialized (
    select s.id, s.bucket, s.price_minor, s.hold
    from booking.seats as s
    where s.id = any($1)
        and s.bucket = any($2)
        and not s.blocked
        and s.status = 'AVAILABLE'
        and $3
        and not exists (
            select from wanted as o
            join booking.seats as t on t.id = o.id and t.bucket = o.bucket
            where t.blocked or t.status <> 'AVAILABLE'
        )
    order by s.id, s.bucket
    for no key update skip locked
)
select
    s.id,
    s.event_id,
    coalesce(l.price_minor, s.price_minor) as "price_minor!",
    s.status as "status: SeatStatus",
    coalesce(l.hold, s.hold) as "hold!",
    s.reservation_id,
    s.reserved_until,
    s.blocked,
    e.currency as "currency: Currency",
    e.sale as "sale: SaleStatus",
    e.hold_ms,
    e.seats_max,
    l.id is not null as "locked!"
from wanted as w
join booking.seats as s on s.id = w.id and s.bucket = w.bucket
join booking.events as e on e.id = s.event_id and e.bucket = s.bucket
left join locked as l on l.id = s.id and l.bucket = s.bucket
