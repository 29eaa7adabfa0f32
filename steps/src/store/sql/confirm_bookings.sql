with wanted as materialized (
    select reservation_id, bucket, booking_id, payment_id, code
    from unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::uuid[], $5::text[])
        as w (reservation_id, bucket, booking_id, payment_id, code)
),
-- Who changes a seat of a pending reservation must lock the reservation first, so its lock keeps the seats.
held as materialized (
    select r.id, r.bucket, r.status, r.user_id, r.seat_count, r.amount_minor, r.currency
    from booking.reservations as r
    where r.id = any($1) and r.bucket = any($2)
    order by r.id, r.bucket
    for no key update skip locked
),
seen as materialized (
    select
        w.*,
        r.status,
        r.user_id,
        r.seat_count,
        r.amount_minor,
        r.currency,
        p.status as payment_status,
        p.amount_minor as paid_minor,
        p.currency as paid_currency,
        (
            select count(*)
            from booking.reservation_seats as c
            join booking.seats as s on s.id = c.seat_id and s.bucket = c.bucket
            where c.reservation_id = w.reservation_id
                and c.bucket = w.bucket
                and c.live
                and s.reservation_id = w.reservation_id
                and s.hold = c.hold
                and s.status = 'RESERVED'
        ) as seats_own
    from wanted as w
    join held as r on r.id = w.reservation_id and r.bucket = w.bucket
    left join booking.payments as p
        on p.id = w.payment_id and p.bucket = w.bucket and p.reservation_id = w.reservation_id
),
good as materialized (
    select *
    from seen
    where status = 'PENDING'
        and seats_own = seat_count
        and payment_status = 'SUCCESS'
        and paid_minor = amount_minor
        and paid_currency = currency
),
seated as (
    update booking.seats as s
    set status = 'BOOKED', reserved_until = null
    from (
        select c.seat_id, c.bucket, c.reservation_id
        from good
        join booking.reservation_seats as c on c.reservation_id = good.reservation_id and c.bucket = good.bucket
        order by c.seat_id, c.bucket
    ) as own
    where s.id = own.seat_id
        and s.bucket = own.bucket
        and s.reservation_id = own.reservation_id
        and s.status = 'RESERVED'
    returning s.id
),
owed as (
    update booking.payments as p
    set money = case p.money when 'HELD' then 'OWED' else p.money end
    from good
    where p.id = good.payment_id and p.bucket = good.bucket and p.status = 'SUCCESS'
    returning p.id
),
confirmed as (
    update booking.reservations as r
    set status = 'CONFIRMED', payment_id = good.payment_id, booking_id = good.booking_id, ended_at = $6
    from good
    where r.id = good.reservation_id and r.bucket = good.bucket and r.status = 'PENDING'
    returning r.id
),
booked as (
    insert into booking.bookings (id, bucket, reservation_id, payment_id, user_id, code, created_at)
    select booking_id, bucket, reservation_id, payment_id, user_id, code, $6
    from good
    returning id
)
select
    wanted.reservation_id as "reservation_id!",
    (r.id is not null) as "known!",
    seen.status as "status?: ReservationStatus",
    seen.seat_count as "seat_count?",
    seen.seats_own as "seats_own?",
    seen.amount_minor as "amount_minor?",
    seen.currency as "currency?: Currency",
    seen.payment_status as "payment_status?: PaymentStatus",
    seen.paid_minor as "paid_minor?",
    seen.paid_currency as "paid_currency?: Currency",
    (select count(*) from seated) as "seated!",
    (select count(*) from owed) as "owed!",
    (select count(*) from confirmed) as "confirmed!"
from wanted
left join booking.reservations as r on r.id = wanted.reservation_id and r.bucket = wanted.bucket
left join seen on seen.reservation_id = wanted.reservation_id
