with wanted as materialized (
    select bucket, saga_id, seat_id, reservation_id, payment_id, booking_id, reference, code
    from unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[])
        as w (bucket, saga_id, seat_id, reservation_id, payment_id, booking_id, reference, code)
),
confirmed as (
    update booking.reservations as r
    set status = 'CONFIRMED', payment_id = w.payment_id, booking_id = w.booking_id, ended_at = now()
    from wanted as w
    where r.id = w.reservation_id and r.bucket = w.bucket and r.status = 'PENDING' and r.amount_minor = $9
    returning w.*, r.user_id, r.amount_minor, r.currency
),
seated as (
    update booking.seats as s
    set status = 'BOOKED', reserved_until = null
    from confirmed as c
    where s.id = c.seat_id and s.bucket = c.bucket and s.reservation_id = c.reservation_id and s.status = 'RESERVED'
    returning c.*
),
paid as (
    insert into booking.payments
        (id, bucket, reservation_id, amount_minor, currency, gateway, status, money, gateway_reference, created_at,
        settled_at)
    select payment_id, bucket, reservation_id, amount_minor, currency, 'gateway', 'SUCCESS', 'CAPTURED', reference,
        now(), now()
    from seated
),
entered as (
    insert into booking.ledger
        (payment_id, bucket, kind, reference, from_account, to_account, amount_minor, currency, at)
    select s.payment_id, s.bucket, e.kind, s.reference, e.from_account, e.to_account, s.amount_minor, s.currency, now()
    from seated as s
    cross join (values ('authorised', 'customer', 'held'), ('captured', 'held', 'taken'))
        as e (kind, from_account, to_account)
),
booked as (
    insert into booking.bookings (id, bucket, reservation_id, payment_id, user_id, code, created_at)
    select booking_id, bucket, reservation_id, payment_id, user_id, code, now()
    from seated
)
update usher.sagas as g
set state = 'completed', due_at = null, epoch = g.epoch + 1, updated_at = now()
from seated as s
where g.id = s.saga_id and g.bucket = s.bucket
