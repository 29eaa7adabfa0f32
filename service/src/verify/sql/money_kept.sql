-- Money that we keep without a confirmed booking, and owe to nobody.
-- Money that a living saga still works on is no violation.
select p.id::text as subject,
       format('has {%s %s} for reservation %s, which is %s',
              p.amount_minor, p.currency, p.reservation_id, coalesce(r.status, 'none')) as detail
from booking.payments p
join booking.ledger_sums l on l.payment_id = p.id and l.bucket = p.bucket
left join booking.reservations r on r.id = p.reservation_id and r.bucket = p.bucket
left join booking.bookings b on b.payment_id = p.id and b.bucket = p.bucket and b.status = 'CONFIRMED'
left join usher.sagas s on s.id = r.saga_id and s.bucket = r.bucket
where l.held_minor + l.taken_minor > 0 and b.id is null
  and coalesce(s.state in ('completed', 'unwound'), true)
  -- Late money has no reservation before its seats are its own again.
  and (r.id is not null or not exists (
      select from usher.sagas late
      where late.workflow = 'late_payment' and late.bucket = p.bucket
        and late.start_key = p.gateway || ':' || p.gateway_reference
        and late.state not in ('completed', 'unwound')
  ))
