select s.id, s.price_minor, s.status as "status: SeatStatus", s.hold
from booking.seats as s
where s.id = any($1)
    and s.bucket = any($2)
    and not s.blocked
    and (s.status = 'AVAILABLE' or (s.status = 'RESERVED' and s.reservation_id = any($3)))
order by s.id, s.bucket
for no key update skip locked
