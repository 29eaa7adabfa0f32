with advanced as (
    update booking.payments as p
    set status = w.status,
        money = w.money,
        gateway_reference = coalesce(p.gateway_reference, w.gateway_reference),
        failure = w.failure,
        settled_at = coalesce(p.settled_at, $15),
        refunded_minor = w.refunded_minor,
        disputed = w.disputed
    from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $16::bigint[], $17::boolean[])
        as w (id, bucket, status, money, gateway_reference, failure, refunded_minor, disputed)
    where p.id = w.id and p.bucket = w.bucket
    returning p.id
),
entered as (
    insert into booking.ledger
        (payment_id, bucket, kind, reference, from_account, to_account, amount_minor, currency, at)
    select payment_id, bucket, kind, reference, from_account, to_account, amount_minor, currency, $15
    from unnest($7::uuid[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[])
        as w (payment_id, bucket, kind, reference, from_account, to_account, amount_minor, currency)
    returning 1
)
select (select count(*) from advanced) as "advanced!", (select count(*) from entered) as "entered!"
