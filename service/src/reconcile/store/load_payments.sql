select
    p.id,
    p.reservation_id,
    p.gateway_reference,
    p.currency as "currency: steps::gateway::Currency",
    coalesce(l.held, 0) as "held!",
    coalesce(l.captured, 0) as "captured!",
    coalesce(l.refunded, 0) as "refunded!",
    coalesce(l.lost, 0) as "lost!",
    coalesce(l.disputed, 0) as "disputed!",
    coalesce(l.owed, 0) as "owed!",
    (p.money = 'VOIDED') as "voided!",
    b.id as "booking_id?",
    greatest(p.created_at, p.settled_at, l.changed_at, b.created_at, b.cancelled_at) as "changed_at!"
from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
join booking.payments p on p.id = wanted.id and p.bucket = wanted.bucket
left join booking.reservations r on r.id = p.reservation_id and r.bucket = p.bucket
-- A reservation's booking may have been paid by another payment than this one.
left join booking.bookings b
    on b.id = r.booking_id and b.bucket = p.bucket and b.payment_id = p.id and b.status = 'CONFIRMED'
left join lateral (
    select
        sum(case 'held' when to_account then amount_minor when from_account then -amount_minor end)::bigint as held,
        sum(case 'owed' when to_account then amount_minor when from_account then -amount_minor end)::bigint as owed,
        sum(amount_minor) filter (where kind = 'captured')::bigint as captured,
        sum(
            case
                when kind in ('refunded', 'refund_excess') then amount_minor
                when kind in ('refund_failed', 'refund_excess_failed') then -amount_minor
            end
        )::bigint as refunded,
        sum(amount_minor) filter (where kind in ('dispute_lost', 'set_off'))::bigint as lost,
        sum(case 'disputed' when to_account then amount_minor when from_account then -amount_minor end)::bigint as disputed,
        max(at) as changed_at
    from booking.ledger
    where payment_id = p.id and bucket = p.bucket
) as l on true
