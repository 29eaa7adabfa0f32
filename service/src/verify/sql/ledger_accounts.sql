-- A payment whose ledger contradicts its state.
select p.id::text as subject,
       format('is %1$s with {%2$s %7$s} of {%3$s %7$s} gone back, its ledger has {%4$s %7$s} held, {%5$s %7$s} with us and '
                  '{%6$s %7$s} gone back',
              p.money, p.refunded_minor, p.amount_minor, coalesce(l.held_minor, 0),
              coalesce(l.taken_minor + l.owed_minor + l.disputed_minor, 0), coalesce(l.refunded_minor, 0), p.currency) as detail
from booking.payments p
left join booking.ledger_sums l on l.payment_id = p.id and l.bucket = p.bucket
where coalesce(l.held_minor, 0) <> case when p.money in ('HELD', 'OWED') then p.amount_minor else 0 end
   or coalesce(l.taken_minor + l.owed_minor + l.disputed_minor, 0)
          <> case when p.money = 'CAPTURED' then p.amount_minor - p.refunded_minor - l.lost_minor else 0 end
   or coalesce(l.refunded_minor, 0) <> p.refunded_minor
