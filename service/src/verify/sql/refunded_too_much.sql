-- More given back, or lost in disputes, than was taken; or a REFUNDED payment whose money has not all gone back.
select p.id::text as subject,
       'is ' || p.status || '; captured ' || coalesce(l.captured_minor, 0) || ', gone back '
           || coalesce(l.refunded_minor, 0) || ', lost ' || coalesce(l.lost_minor, 0) as detail
from booking.payments p
left join booking.ledger_sums l on l.payment_id = p.id and l.bucket = p.bucket
where coalesce(l.refunded_minor + l.lost_minor, 0) > coalesce(l.captured_minor, 0)
   or (p.status = 'REFUNDED' and coalesce(l.refunded_minor, 0) < coalesce(l.captured_minor, p.amount_minor))
