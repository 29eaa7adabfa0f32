with confirmed as materialized (
    select b.id, b.bucket, b.payment_id, b.reservation_id, r.saga_id, r.amount_minor
    from booking.bookings as b
    join booking.reservations as r on r.id = b.reservation_id and r.bucket = b.bucket
    where b.status = 'CONFIRMED' and r.status = 'CONFIRMED' and r.booking_id = b.id
),
sold as materialized (
    select c.id, c.bucket, c.reservation_id, s.seat_id
    from confirmed as c
    join booking.reservation_seats as s on s.reservation_id = c.reservation_id and s.bucket = c.bucket
    where s.live
),
told as materialized (
    select id from unnest($1::uuid[]) as t (id)
)
select
    (select count(*) from usher.sagas where state <> 'completed') as "restless!",
    (
        select count(*)
        from usher.sagas as g
        left join (select saga_id, count(*) as bookings from confirmed group by saga_id) as c on c.saga_id = g.id
        where coalesce(c.bookings, 0) <> 1
    ) as "bookings_differ!",
    (select count(*) from told left join confirmed as c on c.id = told.id where c.id is null) as "told_missing!",
    (select count(*) from confirmed as c left join told on told.id = c.id where told.id is null) as "untold!",
    (
        select count(*)
        from (select seat_id from sold group by seat_id having count(*) > 1) as doubled
    ) as "seats_doubled!",
    (
        select count(*)
        from confirmed as c
        left join sold on sold.id = c.id
        left join booking.seats as s
            on s.id = sold.seat_id and s.bucket = sold.bucket
            and s.reservation_id = c.reservation_id and s.status = 'BOOKED'
        where s.id is null
    ) as "seats_not_owned!",
    (
        select count(*)
        from confirmed as c
        left join booking.payments as p
            on p.id = c.payment_id and p.bucket = c.bucket and p.reservation_id = c.reservation_id
            and p.status = 'SUCCESS' and p.money = 'CAPTURED' and p.amount_minor = c.amount_minor
        where p.id is null or c.amount_minor <> $2
    ) as "unpaid!",
    (
        select count(*)
        from confirmed as c
        left join (
            select payment_id, array_agg(kind order by kind) as kinds
            from booking.ledger
            group by payment_id
        ) as l on l.payment_id = c.payment_id
        where l.kinds is distinct from array['authorised', 'captured']
    ) as "ledger_differs!"
