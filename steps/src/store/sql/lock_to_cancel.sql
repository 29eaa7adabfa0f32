with booking as materialized (
    select b.id, b.bucket, b.reservation_id, b.payment_id, b.status, b.created_at
    from booking.bookings as b
    where b.id = $1 and b.bucket = $2
    for no key update skip locked
),
payment as materialized (
    select p.id, p.bucket, p.money, p.amount_minor, p.currency, p.gateway_reference, p.disputed
    from booking.payments as p
    where p.id = (select payment_id from booking) and p.bucket = $2
    for no key update skip locked
)
select
    b.reservation_id,
    b.payment_id,
    b.status as "status: BookingStatus",
    p.money as "money: MoneyState",
    p.amount_minor,
    p.currency as "currency: Currency",
    p.gateway_reference,
    p.disputed,
    e.starts_at,
    b.created_at
from booking as b
join payment as p on p.id = b.payment_id
join booking.reservations as r on r.id = b.reservation_id and r.bucket = b.bucket
join booking.events as e on e.id = r.event_id and e.bucket = r.bucket
