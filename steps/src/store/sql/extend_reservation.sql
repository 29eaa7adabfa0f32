with moved as (
    update booking.reservations as r
    set reserved_until = greatest(r.reserved_until, $3)
    where r.id = $1 and r.bucket = $2 and r.status = 'PENDING'
    returning r.id, r.bucket, r.reserved_until
),
seats as (
    update booking.seats as s
    set reserved_until = moved.reserved_until
    from moved
    join booking.reservation_seats as c on c.reservation_id = moved.id and c.bucket = moved.bucket and c.live
    where s.id = c.seat_id
        and s.bucket = c.bucket
        and s.reservation_id = moved.id
        and s.hold = c.hold
        and s.status = 'RESERVED'
    returning s.id
)
select
    exists (select from moved) as "moved!",
    (select count(*) from seats) as "seats!"
