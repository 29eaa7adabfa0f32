with reservation as (
    update booking.reservations
    set status = 'CONFIRMED', payment_id = $5, booking_id = $6, ended_at = now()
    where id = $4 and bucket = $1 and status = 'PENDING' and amount_minor = $9
    returning id, bucket, user_id, amount_minor, currency
),
seat as (
    update booking.seats
    set status = 'BOOKED', reserved_until = null
    where id = $3 and bucket = $1 and reservation_id = $4 and status = 'RESERVED'
    returning id
),
paid as (
    insert into booking.payments
        (id, bucket, reservation_id, amount_minor, currency, gateway, status, money, gateway_reference, created_at,
        settled_at)
    select $5, bucket, id, amount_minor, currency, 'gateway', 'SUCCESS', 'CAPTURED', $7, now(), now()
    from reservation
),
entered as (
    insert into booking.ledger
        (payment_id, bucket, kind, reference, from_account, to_account, amount_minor, currency, at)
    select $5, r.bucket, e.kind, $7, e.from_account, e.to_account, r.amount_minor, r.currency, now()
    from reservation as r
    cross join (values ('authorised', 'customer', 'held'), ('captured', 'held', 'taken'))
        as e (kind, from_account, to_account)
),
booked as (
    insert into booking.bookings (id, bucket, reservation_id, payment_id, user_id, code, created_at)
    select $6, bucket, id, $5, user_id, $8, now()
    from reservation
)
update usher.sagas
set state = 'completed', due_at = null, epoch = epoch + 1, updated_at = now()
where id = $2 and bucket = $1 and exists (select from reservation) and exists (select from seat)
