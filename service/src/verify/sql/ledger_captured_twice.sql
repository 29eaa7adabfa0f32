-- A payment that was secured, captured, or given back, more than was ordered.
select l.payment_id::text as subject,
       format('captured {%1$s %3$s}, gave back {%2$s %3$s} of %4$s', l.captured_minor, l.refunded_minor, l.currency,
              case when p.id is null then 'no payment' else format('{%s %s}', p.amount_minor, p.currency) end) as detail
from booking.ledger_sums l
left join booking.payments p on p.id = l.payment_id and p.bucket = l.bucket
where p.amount_minor is null
   or l.captured_minor > p.amount_minor
   or l.refunded_minor + l.lost_minor > p.amount_minor
   or l.held_minor > p.amount_minor
