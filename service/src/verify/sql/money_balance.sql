-- A currency in which captured less refunded less lost in disputes is not what is left of the payments that we keep.
select currency as subject,
       format('captured less refunded is {%1$s %3$s}, the captured payments are worth {%2$s %3$s}',
              sum(taken), sum(left_over), currency) as detail
from (
    select currency, captured_minor - refunded_minor - lost_minor as taken, 0 as left_over
    from booking.ledger_sums
    union all
    select p.currency, 0, p.amount_minor - p.refunded_minor - coalesce(l.lost_minor, 0)
    from booking.payments p
    left join booking.ledger_sums l on l.payment_id = p.id and l.bucket = p.bucket
    where p.money = 'CAPTURED'
) as books
group by currency
having sum(taken) <> sum(left_over)
