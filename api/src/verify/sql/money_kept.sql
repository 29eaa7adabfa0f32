-- Money taken and not given back, without a confirmed booking. What a living saga still works on is no violation.
select p.id::text as subject,
       'captured ' || p.amount_minor || ' ' || p.currency || ' for reservation ' || r.id || ', which is ' || r.status as detail
from booking.payments p
join booking.reservations r on r.id = p.reservation_id and r.bucket = p.bucket
left join booking.bookings b on b.payment_id = p.id and b.bucket = p.bucket and b.status = 'CONFIRMED'
left join usher.sagas s on s.id = r.saga_id and s.bucket = r.bucket
where p.status = 'SUCCESS' and b.id is null
  and coalesce(s.state in ('completed', 'unwound'), true)
