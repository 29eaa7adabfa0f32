-- A payment that was secured, captured, or given back, more than was ordered.
select l.payment_id::text as subject,
       'captured ' || l.captured_minor || ', gave back ' || l.refunded_minor || ' of '
           || coalesce(p.amount_minor::text, 'no payment') as detail
from booking.ledger_sums l
left join booking.payments p on p.id = l.payment_id and p.bucket = l.bucket
where p.amount_minor is null
   or l.captured_minor > p.amount_minor
   or l.refunded_minor + l.lost_minor > p.amount_minor
   or l.held_minor > p.amount_minor
