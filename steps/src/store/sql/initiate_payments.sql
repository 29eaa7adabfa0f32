with wanted as materialized (
    select id, bucket, reservation_id, amount_minor, currency, gateway
    from unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[])
        as w (id, bucket, reservation_id, amount_minor, currency, gateway)
),
made as (
    insert into booking.payments (id, bucket, reservation_id, amount_minor, currency, gateway, created_at)
    select id, bucket, reservation_id, amount_minor, currency, gateway, $7
    from wanted
    on conflict do nothing
    returning id, bucket, reservation_id
),
noted as (
    update booking.reservations as r
    set payment_id = made.id
    from made
    where r.id = made.reservation_id and r.bucket = made.bucket and r.status = 'PENDING'
    returning r.id
)
select count(*) as "made!" from made
