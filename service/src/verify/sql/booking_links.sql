-- A booking and its reservation that don't name each other.
select coalesce(b.id, r.booking_id)::text as subject,
       'reservation ' || coalesce(r.id::text, '(none)') || ' is ' || coalesce(r.status, 'unknown')
           || ' and names booking ' || coalesce(r.booking_id::text, '(none)') as detail
from booking.bookings b
full join booking.reservations r on r.id = b.reservation_id and r.bucket = b.bucket
where (b.id is not null or r.status = 'CONFIRMED')
  and (r.status is distinct from 'CONFIRMED' or r.booking_id is distinct from b.id)
