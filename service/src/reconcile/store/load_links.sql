select p.id, p.gateway, p.gateway_reference, r.saga_id as "saga_id?", l.decided_by, l.failed_refunds
from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
join booking.payments p on p.id = wanted.id and p.bucket = wanted.bucket
left join booking.reservations r on r.id = p.reservation_id and r.bucket = p.bucket
cross join lateral (
    select
        array_agg(distinct reference) filter (where kind = 'refund_owed') as decided_by,
        array_agg(distinct reference) filter (where kind = 'refund_failed') as failed_refunds
    from booking.ledger
    where payment_id = p.id and bucket = p.bucket
) as l
