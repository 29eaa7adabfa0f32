with stored as (
    insert into booking.inbox
        (provider, event_id, bucket, received_at, body, body_hash, state, kind, payment_id, gateway_reference,
        amount_minor, currency, occurred_at, fact)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (provider, event_id, bucket) do nothing
    returning 1
),
variant as (
    insert into booking.inbox_variants (provider, event_id, body_hash, bucket, received_at, body)
    select provider, event_id, $6, bucket, $4, $5
    from booking.inbox
    where provider = $1 and event_id = $2 and bucket = $3 and body_hash <> $6
    on conflict do nothing
),
duplicate as (
    -- A row that was just stored is not seen here: the statement has the snapshot from before.
    update booking.inbox
    set duplicates = duplicates + 1, last_duplicate_at = $4
    where provider = $1 and event_id = $2 and bucket = $3 and body_hash = $6
),
seen as (
    select body_hash <> $6 as differs
    from booking.inbox
    where provider = $1 and event_id = $2 and bucket = $3
)
select
    exists (select from stored) as "new!",
    coalesce((select differs from seen), false) as "differs!"
