with released as (
    update booking.reservation_seats as c
    set live = false
    where c.reservation_id = $1
        and c.bucket = $2
        and c.live
        and exists (
            select from booking.bookings as b
            where b.reservation_id = $1 and b.bucket = $2 and b.status = 'CANCELLED'
        )
        and not exists (
            select from booking.bookings as b
            where b.reservation_id = $1 and b.bucket = $2 and b.status = 'CONFIRMED'
        )
    returning c.seat_id, c.bucket, c.hold
),
freed as (
    update booking.seats as s
    set status = 'AVAILABLE', reservation_id = null
    from (select * from released order by seat_id, bucket) as own
    where s.id = own.seat_id
        and s.bucket = own.bucket
        and s.hold = own.hold
        and s.reservation_id = $1
        and s.status = 'BOOKED'
    returning s.id
)
select (select count(*) from released) as "released!", (select count(*) from freed) as "freed!"
