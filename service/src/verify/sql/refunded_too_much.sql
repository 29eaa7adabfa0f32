-- More given back, or lost in disputes, than was taken; or a REFUNDED payment whose money has not all gone back or been lost.
select p.id::text as subject,
       format('is %1$s; captured {%2$s %5$s}, gone back {%3$s %5$s}, lost {%4$s %5$s}',
              p.status, coalesce(l.captured_minor, 0), coalesce(l.refunded_minor, 0), coalesce(l.lost_minor, 0),
              p.currency) as detail
from booking.payments p
left join booking.ledger_sums l on l.payment_id = p.id and l.bucket = p.bucket
where coalesce(l.refunded_minor + l.lost_minor, 0) > coalesce(l.captured_minor, 0)
   or (p.status = 'REFUNDED' and coalesce(l.refunded_minor + l.lost_minor, 0)
       < coalesce(l.captured_minor, p.amount_minor))
