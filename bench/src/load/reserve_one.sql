with begun as (
    insert into usher.sagas (id, bucket, workflow, version, state, due_at, journal_len, created_at, updated_at)
    values ($2, $1, 'booking', 1, 'waiting', now() + interval '5 minutes', 0, now(), now())
),
seat as (
    update booking.seats
    set status = 'RESERVED', hold = hold + 1, reservation_id = $4, reserved_until = now() + interval '5 minutes'
    where id = $3 and bucket = $1 and status = 'AVAILABLE' and not blocked
    returning id, bucket, event_id, price_minor, hold, reserved_until
),
claimed as (
    insert into booking.reservation_seats (reservation_id, seat_id, hold, bucket)
    select $4, id, hold, bucket
    from seat
)
insert into booking.reservations
    (id, bucket, event_id, user_id, saga_id, amount_minor, currency, seat_count, reserved_until, created_at)
select $4, bucket, event_id, $5, $2, price_minor, $6, 1, reserved_until, now()
from seat
