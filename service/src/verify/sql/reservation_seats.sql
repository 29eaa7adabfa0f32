-- A live reservation without all of its seats, or an ended one that still claims some.
select r.id::text as subject,
       'is ' || r.status || ' with ' || count(s.id) || ' of ' || r.seat_count || ' seats its own and '
           || count(c.seat_id) filter (where c.live) || ' claims alive' as detail
from booking.reservations r
left join booking.reservation_seats c on c.reservation_id = r.id and c.bucket = r.bucket
left join booking.seats s
    on s.id = c.seat_id and s.bucket = c.bucket and s.reservation_id = r.id and s.hold = c.hold and c.live
left join booking.bookings b on b.reservation_id = r.id and b.bucket = r.bucket and b.status = 'CANCELLED'
where b.id is null
group by r.id, r.bucket, r.status, r.seat_count
having case when r.status in ('PENDING', 'CONFIRMED')
            then count(s.id) <> r.seat_count or count(c.seat_id) filter (where c.live) <> r.seat_count
            else count(c.seat_id) filter (where c.live) > 0
       end
