-- Money on its way back: refunds that are owed, parts of them, disputes, and money that came in late.
--
-- Expand only. The binary before this one goes on writing `refunded` straight from `taken`, so both shapes of it are
-- allowed, and what balances is what the columns say and not what the kind implies. Rows that exist satisfy the new
-- CHECKs, which are wider than the old ones: they come in as `not valid`, so that nobody waits for a scan.

alter table booking.payments
    add column refunded_minor bigint not null default 0,
    add column disputed boolean not null default false,
    add column late_for uuid;
-- Few rows, and nothing else could tell them from payments that nothing went back of.
update booking.payments set refunded_minor = amount_minor where status = 'REFUNDED';
alter table booking.payments
    add constraint refunded_bounds check (refunded_minor between 0 and amount_minor) not valid;
create index late_payments on booking.payments (late_for, bucket) where late_for is not null;
comment on column booking.payments.refunded_minor is
    'refunds that the gateway has acknowledged, whoever asked for them, less those that failed afterwards';
comment on column booking.payments.disputed is 'the customer''s bank disputes the charge: refunds are frozen';
comment on column booking.payments.late_for is
    'the reservation that this money was meant for; it came too late or twice, and `reservation_id` is its own';

alter table booking.ledger
    drop constraint kind_ties,
    add constraint kind_ties check (
        case kind
            when 'authorised' then from_account = 'customer' and to_account = 'held'
            when 'captured' then from_account = 'held' and to_account = 'taken'
            when 'voided' then from_account = 'held' and to_account = 'customer'
            when 'refund_owed' then from_account = 'taken' and to_account = 'owed'
            when 'refunded' then from_account in ('owed', 'taken') and to_account = 'customer'
            when 'refund_failed' then from_account = 'customer' and to_account = 'owed'
            when 'disputed' then from_account = 'taken' and to_account = 'disputed'
            when 'dispute_won' then from_account = 'disputed' and to_account = 'taken'
            when 'dispute_lost' then from_account = 'disputed' and to_account = 'customer'
            else false
        end
    ) not valid;
comment on column booking.ledger.reference is
    'the gateway''s object: the payment, the refund or the dispute; for a decision of ours, the saga that took it';

create view booking.ledger_sums as
select
    payment_id,
    bucket,
    currency,
    coalesce(sum(amount_minor) filter (where kind = 'captured'), 0)::bigint as captured_minor,
    coalesce(sum(case kind when 'refunded' then amount_minor when 'refund_failed' then -amount_minor end), 0)::bigint
        as refunded_minor,
    coalesce(sum(amount_minor) filter (where kind = 'dispute_lost'), 0)::bigint as lost_minor,
    coalesce(sum(case 'held' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as held_minor,
    coalesce(sum(case 'taken' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as taken_minor,
    coalesce(sum(case 'owed' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as owed_minor,
    coalesce(sum(case 'disputed' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as disputed_minor
from booking.ledger
group by payment_id, bucket, currency;
comment on view booking.ledger_sums is
    'one row a payment: what came in, what went back (less refunds that failed), what a dispute cost, and where the rest is';

create view booking.ledger_imbalance as
select
    p.id as payment_id,
    p.bucket,
    p.currency,
    wrong.account,
    wrong.balance_minor,
    wrong.expected_minor
from booking.payments as p
left join booking.ledger_sums as l on l.payment_id = p.id and l.bucket = p.bucket
cross join lateral (
    values
        ('held', coalesce(l.held_minor, 0), 0::bigint),
        ('owed', coalesce(l.owed_minor, 0), 0),
        ('refunded', coalesce(l.refunded_minor, 0), p.refunded_minor),
        (
            'taken',
            coalesce(l.taken_minor + l.owed_minor + l.disputed_minor, 0),
            case p.money when 'CAPTURED' then p.amount_minor - p.refunded_minor - l.lost_minor else 0 end
        )
) as wrong (account, balance_minor, expected_minor)
where wrong.balance_minor is distinct from wrong.expected_minor;
comment on view booking.ledger_imbalance is
    'empty at rest: money still set aside, a refund still owed, or a payment that says something else than its ledger';

create view booking.money_by_currency as
with booked as (
    select p.currency, sum(p.amount_minor - p.refunded_minor - coalesce(l.lost_minor, 0)) as booked_minor
    from booking.bookings as b
    join booking.payments as p on p.id = b.payment_id and p.bucket = b.bucket
    left join booking.ledger_sums as l on l.payment_id = p.id and l.bucket = p.bucket
    where b.status = 'CONFIRMED'
    group by p.currency
),
moved as (
    select
        currency,
        sum(captured_minor) as captured_minor,
        sum(refunded_minor) as refunded_minor,
        sum(lost_minor) as lost_minor
    from booking.ledger_sums
    group by currency
)
select
    currency,
    coalesce(moved.captured_minor, 0)::bigint as captured_minor,
    coalesce(moved.refunded_minor, 0)::bigint as refunded_minor,
    coalesce(moved.lost_minor, 0)::bigint as lost_minor,
    coalesce(booked.booked_minor, 0)::bigint as booked_minor,
    (
        coalesce(moved.captured_minor - moved.refunded_minor - moved.lost_minor, 0)
        - coalesce(booked.booked_minor, 0)
    )::bigint as difference_minor
from moved
full join booked using (currency);
comment on view booking.money_by_currency is
    'captured less refunded less disputes lost is the price of the confirmed bookings, less what was given back on them elsewhere; the difference is zero once nothing is in flight';
