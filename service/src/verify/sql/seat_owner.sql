-- A seat and its owner that contradict each other.
select s.id::text as subject,
       'is ' || s.status || ' for reservation ' || s.reservation_id || ', which is ' || coalesce(r.status, 'unknown') as detail
from booking.seats s
left join booking.reservations r on r.id = s.reservation_id and r.bucket = s.bucket
left join booking.reservation_seats c
    on c.seat_id = s.id and c.reservation_id = s.reservation_id and c.bucket = s.bucket and c.live and c.hold = s.hold
where s.status <> 'AVAILABLE'
  and (c.seat_id is null
       or r.status is distinct from case s.status when 'RESERVED' then 'PENDING' else 'CONFIRMED' end)
