with taken as (
    update booking.seats as s
    set status = 'RESERVED', hold = w.hold, reservation_id = w.reservation_id, reserved_until = w.reserved_until
    from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::uuid[], $5::timestamptz[])
        as w (id, bucket, hold, reservation_id, reserved_until)
    where s.id = w.id
        and s.bucket = w.bucket
        and s.hold = w.hold - 1
        and s.status = 'AVAILABLE'
        and not s.blocked
    returning s.id
),
claimed as (
    insert into booking.reservation_seats (reservation_id, seat_id, hold, bucket)
    select w.reservation_id, w.id, w.hold, w.bucket
    from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::uuid[]) as w (id, bucket, hold, reservation_id)
),
made as (
    insert into booking.reservations
        (id, bucket, event_id, user_id, saga_id, amount_minor, currency, seat_count, reserved_until, revives, created_at)
    select w.id, w.bucket, w.event_id, w.user_id, w.saga_id, w.amount_minor, w.currency, w.seat_count,
        w.reserved_until, w.revives, $16
    from unnest($6::uuid[], $7::smallint[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bigint[], $12::text[],
        $13::smallint[], $14::timestamptz[], $15::uuid[])
        as w (id, bucket, event_id, user_id, saga_id, amount_minor, currency, seat_count, reserved_until, revives)
)
select count(*) as "taken!" from taken
