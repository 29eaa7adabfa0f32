with wanted as materialized (
    select r.id, r.bucket, r.saga_id, r.payment_id
    from unnest($1::uuid[], $2::smallint[]) as w (id, bucket)
    join booking.reservations r on r.id = w.id and r.bucket = w.bucket
),
-- Money that came in late for one of them pays for a reservation of its own, whose saga took it in.
late as (
    select again.saga_id, again.payment_id, again.bucket
    from wanted w
    join booking.payments p on p.late_for = w.id and p.bucket = w.bucket
    join booking.reservations again on again.id = p.reservation_id and again.bucket = p.bucket
),
paid as (
    select payment_id, bucket from wanted
    union
    select payment_id, bucket from late
)
select saga_id as "saga_id?", null::uuid as payment_id, null::text as gateway, null::text as gateway_reference,
       null::text[] as decided_by, null::text[] as failed_refunds
from wanted
union all
select saga_id, null, null, null, null, null from late
union all
-- The late money may be taken in, and without its seats yet. Whoever decided that money goes back has its name in the ledger.
select null, p.id, p.gateway, p.gateway_reference, l.decided_by, l.failed_refunds
from paid
join booking.payments p on p.id = paid.payment_id and p.bucket = paid.bucket
cross join lateral (
    select
        array_agg(distinct reference) filter (where kind = 'refund_owed') as decided_by,
        array_agg(distinct reference) filter (where kind = 'refund_failed') as failed_refunds
    from booking.ledger
    where payment_id = p.id and bucket = p.bucket
) as l
