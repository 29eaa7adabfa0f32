-- A payment whose ledger says something else than its state.
select p.id::text as subject,
       'is ' || p.money || ', its ledger has ' || coalesce(held.balance_minor, 0) || ' held and '
           || coalesce(taken.balance_minor, 0) || ' taken' as detail
from booking.payments p
left join booking.ledger_balances held on held.payment_id = p.id and held.bucket = p.bucket and held.account = 'held'
left join booking.ledger_balances taken on taken.payment_id = p.id and taken.bucket = p.bucket and taken.account = 'taken'
where coalesce(held.balance_minor, 0) <> case when p.money in ('HELD', 'OWED') then p.amount_minor else 0 end
   or coalesce(taken.balance_minor, 0) <> case when p.money = 'CAPTURED' then p.amount_minor else 0 end
