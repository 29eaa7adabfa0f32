-- A payment whose ledger contradicts its state.
select p.id::text as subject,
       'is ' || p.money || ' with ' || p.refunded_minor || ' of ' || p.amount_minor || ' gone back, its ledger has '
           || coalesce(l.held_minor, 0) || ' held, '
           || coalesce(l.taken_minor + l.owed_minor + l.disputed_minor, 0) || ' with us and '
           || coalesce(l.refunded_minor, 0) || ' gone back' as detail
from booking.payments p
left join booking.ledger_sums l on l.payment_id = p.id and l.bucket = p.bucket
where coalesce(l.held_minor, 0) <> case when p.money in ('HELD', 'OWED') then p.amount_minor else 0 end
   or coalesce(l.taken_minor + l.owed_minor + l.disputed_minor, 0)
          <> case when p.money = 'CAPTURED' then p.amount_minor - p.refunded_minor - l.lost_minor else 0 end
   or coalesce(l.refunded_minor, 0) <> p.refunded_minor
