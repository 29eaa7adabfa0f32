-- Per currency: captured less refunded is the price of the confirmed bookings whose money is captured.
select currency as subject,
       'captured less refunded is ' || sum(taken) || ', captured bookings are worth ' || sum(booked) as detail
from (
    select currency,
           case kind when 'captured' then amount_minor when 'refunded' then -amount_minor else 0 end as taken,
           0 as booked
    from booking.ledger
    union all
    select p.currency, 0, p.amount_minor
    from booking.payments p
    where p.money = 'CAPTURED'
) as books
group by currency
having sum(taken) <> sum(booked)
