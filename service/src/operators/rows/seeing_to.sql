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
select saga_id as "id!" from wanted
union
select saga_id from late
union
-- Taken in, and without its seats yet.
select s.id
from paid
join booking.payments p on p.id = paid.payment_id and p.bucket = paid.bucket
join usher.sagas s
    on s.workflow = 'late_payment' and s.start_key = p.gateway || ':' || p.gateway_reference and s.bucket = p.bucket
union
-- Whoever decided that money goes back has its name in the ledger.
select s.id
from paid
join booking.ledger l on l.payment_id = paid.payment_id and l.bucket = paid.bucket and l.kind = 'refund_owed'
join usher.sagas s
    on s.id = (case when l.reference ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then l.reference::uuid end)
    and s.bucket = l.bucket
union
select s.id
from paid
join booking.ledger l on l.payment_id = paid.payment_id and l.bucket = paid.bucket and l.kind = 'refund_failed'
join usher.sagas s
    on s.workflow = 'repayment' and s.start_key = 'refund:' || l.reference and s.bucket = l.bucket
