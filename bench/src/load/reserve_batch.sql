with wanted as materialized (
    select bucket, saga_id, seat_id, reservation_id, user_id
    from unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[])
        as w (bucket, saga_id, seat_id, reservation_id, user_id)
),
begun as (
    insert into usher.sagas (id, bucket, workflow, version, state, due_at, journal_len, created_at, updated_at)
    select saga_id, bucket, 'booking', 1, 'waiting', now() + interval '5 minutes', 0, now(), now()
    from wanted
),
taken as (
    update booking.seats as s
    set status = 'RESERVED', hold = s.hold + 1, reservation_id = w.reservation_id,
        reserved_until = now() + interval '5 minutes'
    from wanted as w
    where s.id = w.seat_id and s.bucket = w.bucket and s.status = 'AVAILABLE' and not s.blocked
    returning s.id, s.bucket, s.event_id, s.price_minor, s.hold, s.reserved_until, w.saga_id, w.reservation_id, w.user_id
),
claimed as (
    insert into booking.reservation_seats (reservation_id, seat_id, hold, bucket)
    select reservation_id, id, hold, bucket
    from taken
)
insert into booking.reservations
    (id, bucket, event_id, user_id, saga_id, amount_minor, currency, seat_count, reserved_until, created_at)
select reservation_id, bucket, event_id, user_id, saga_id, price_minor, $6, 1, reserved_until, now()
from taken
