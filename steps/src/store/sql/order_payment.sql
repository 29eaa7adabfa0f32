with reservation as materialized (
    select id, bucket, user_id, saga_id, status, reserved_until, payment_id, amount_minor, currency
    from booking.reservations
    where id = $1 and bucket = $2
    for no key update
),
good as materialized (
    select *
    from reservation as r
    where r.status = 'PENDING'
        and r.reserved_until >= $6
        and r.amount_minor = coalesce($4, r.amount_minor)
        and r.currency = coalesce($5, r.currency)
        and not exists (
            select from booking.payments as p where p.reservation_id = r.id and p.bucket = r.bucket and p.live
        )
),
made as (
    insert into booking.payments (id, bucket, reservation_id, amount_minor, currency, gateway, created_at)
    select $3, bucket, id, amount_minor, currency, $7, $6
    from good
    on conflict do nothing
    returning id
),
noted as (
    update booking.reservations as r
    set payment_id = made.id
    from made
    where r.id = $1 and r.bucket = $2
    returning r.id
)
select
    status as "status: ReservationStatus",
    reserved_until,
    payment_id,
    saga_id,
    amount_minor,
    currency as "currency: Currency",
    exists (select from noted) as "ordered!"
from reservation
