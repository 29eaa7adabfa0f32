-- A confirmed booking without its money, or with another amount.
select b.id::text as subject,
       case when p.id is null then 'its payment does not exist'
            else format('its payment is %s (%s) of {%s %s}, its seats cost {%s %s}',
                        p.status, p.money, p.amount_minor, p.currency, r.amount_minor, r.currency)
       end as detail
from booking.bookings b
join booking.reservations r on r.id = b.reservation_id and r.bucket = b.bucket
left join booking.payments p
    on p.id = b.payment_id and p.bucket = b.bucket and p.reservation_id = b.reservation_id
where b.status = 'CONFIRMED'
  and (p.status is distinct from 'SUCCESS' or p.money not in ('OWED', 'CAPTURED')
       or p.amount_minor <> r.amount_minor or p.currency <> r.currency)
