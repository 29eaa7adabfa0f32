-- A confirmed booking without its money, with another amount, or with money that no saga captures any more.
select b.id::text as subject,
       case when p.id is null then 'its payment does not exist'
            else format('its payment is %s (%s) of {%s %s}, its seats cost {%s %s}%s',
                        p.status, p.money, p.amount_minor, p.currency, r.amount_minor, r.currency,
                        case p.money when 'OWED' then ', its saga is ' || coalesce(s.state, 'gone') else '' end)
       end as detail
from booking.bookings b
join booking.reservations r on r.id = b.reservation_id and r.bucket = b.bucket
left join booking.payments p
    on p.id = b.payment_id and p.bucket = b.bucket and p.reservation_id = b.reservation_id
left join usher.sagas s on s.id = r.saga_id and s.bucket = r.bucket
where b.status = 'CONFIRMED'
  and (p.status is distinct from 'SUCCESS' or p.money not in ('OWED', 'CAPTURED')
       or p.amount_minor <> r.amount_minor or p.currency <> r.currency
       or (p.money = 'OWED' and coalesce(s.state in ('completed', 'unwound'), true)))
