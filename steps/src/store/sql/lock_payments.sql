select
    p.id,
    p.status as "status: PaymentStatus",
    p.money as "money: MoneyState",
    p.amount_minor,
    p.currency as "currency: Currency",
    p.gateway_reference,
    p.refunded_minor,
    p.disputed
from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
join booking.payments as p on p.id = wanted.id and p.bucket = wanted.bucket
order by p.id, p.bucket
for no key update of p
