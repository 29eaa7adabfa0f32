-- A refund that was decided, and that neither the gateway has acknowledged nor any saga works on.
select l.payment_id::text as subject, format('owes its customer {%s %s}', l.owed_minor, l.currency) as detail
from booking.ledger_sums l
join booking.payments p on p.id = l.payment_id and p.bucket = l.bucket
left join booking.reservations r on r.id = p.reservation_id and r.bucket = p.bucket
where l.owed_minor <> 0
  and not exists (
      -- The saga that ordered it, the one that took it in late, those that decided to give it back, those that try again.
      select from (
          select s.state from usher.sagas s where s.id = r.saga_id and s.bucket = p.bucket
          union all
          select s.state from usher.sagas s
          where s.workflow = 'late_payment' and s.start_key = p.gateway || ':' || p.gateway_reference and s.bucket = p.bucket
          union all
          select s.state
          from booking.ledger o
          join usher.sagas s
              on s.id = (case when o.reference ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then o.reference::uuid end)
              and s.bucket = p.bucket
          where o.payment_id = p.id and o.bucket = p.bucket and o.kind = 'refund_owed'
          union all
          select s.state
          from booking.ledger o
          join usher.sagas s
              on s.workflow = 'repayment' and s.start_key = 'refund:' || o.reference and s.bucket = p.bucket
          where o.payment_id = p.id and o.bucket = p.bucket and o.kind = 'refund_failed'
      ) as sagas
      where state not in ('completed', 'unwound')
  )
