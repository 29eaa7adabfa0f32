-- A caller who got the answer that a booking was made, which does not exist.
select k.principal || ' / ' || k.key as subject, 'was told of booking ' || (k.body::json ->> 'booking_id') as detail
from booking.idempotency_keys k
where k.state = 'ANSWERED' and k.status < 300 and k.body::json ->> 'booking_id' is not null
  and not exists (select from booking.bookings b where b.id::text = k.body::json ->> 'booking_id')
