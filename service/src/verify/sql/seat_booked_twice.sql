-- A seat that is in two confirmed bookings.
select c.seat_id::text as subject, 'in ' || count(*) || ' confirmed bookings: ' || string_agg(b.id::text, ', ') as detail
from booking.bookings b
join booking.reservation_seats c on c.reservation_id = b.reservation_id and c.bucket = b.bucket
where b.status = 'CONFIRMED' and c.live
group by c.seat_id, c.bucket
having count(*) > 1
