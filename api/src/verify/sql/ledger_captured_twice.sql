-- A payment that was captured, or given back, more than was ordered.
select l.payment_id::text as subject, l.kind || ' ' || sum(l.amount_minor) || ' of ' || p.amount_minor as detail
from booking.ledger l
left join booking.payments p on p.id = l.payment_id and p.bucket = l.bucket
group by l.payment_id, l.bucket, l.kind, p.amount_minor
having p.amount_minor is null or sum(l.amount_minor) > p.amount_minor
