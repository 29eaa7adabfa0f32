-- A row in another bucket than its id names.
select id::text as subject, 'of `' || place || '` is in bucket ' || bucket as detail
from (
    select 'users' as place, id, bucket from booking.users
    union all select 'events', id, bucket from booking.events
    union all select 'seats', id, bucket from booking.seats
    union all select 'reservations', id, bucket from booking.reservations
    union all select 'payments', id, bucket from booking.payments
    union all select 'bookings', id, bucket from booking.bookings
    union all select 'sagas', id, bucket from usher.sagas
) as placed
-- The bucket is the last ten bits of the id: the last two bits of byte 14, and byte 15.
where ((get_byte(uuid_send(id), 14) & 3) << 8 | get_byte(uuid_send(id), 15)) <> bucket
