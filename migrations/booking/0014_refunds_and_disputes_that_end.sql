-- Refunds and disputes that end: what was refunded by hand and failed, what a dispute takes after the money had gone back or
-- while it is owed, and what went back too much.
--
-- Two accounts more. `own` is our own pocket: what leaves it was never this payment's. `withheld` is what a bank has taken
-- out of it while a dispute runs. Neither counts among the payment's money.

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
            when 'refund_withdrawn' then from_account = 'owed' and to_account = 'taken'
            when 'refund_excess' then from_account = 'own' and to_account = 'customer'
            when 'refund_excess_failed' then from_account = 'customer' and to_account = 'own'
            when 'disputed' then from_account = 'taken' and to_account = 'disputed'
            when 'dispute_won' then from_account = 'disputed' and to_account = 'taken'
            when 'dispute_lost' then from_account = 'disputed' and to_account = 'customer'
            when 'dispute_withheld' then from_account = 'own' and to_account = 'withheld'
            when 'dispute_released' then from_account = 'withheld' and to_account = 'own'
            when 'dispute_paid' then from_account = 'withheld' and to_account = 'customer'
            when 'set_off' then from_account = 'owed' and to_account = 'own'
            else false
        end
    ) not valid;

create or replace view booking.ledger_sums as
select
    payment_id,
    bucket,
    currency,
    coalesce(sum(amount_minor) filter (where kind = 'captured'), 0)::bigint as captured_minor,
    coalesce(sum(case kind when 'refunded' then amount_minor when 'refund_failed' then -amount_minor end), 0)::bigint
        as refunded_minor,
    coalesce(sum(amount_minor) filter (where kind in ('dispute_lost', 'set_off')), 0)::bigint as lost_minor,
    coalesce(sum(case 'held' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as held_minor,
    coalesce(sum(case 'taken' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as taken_minor,
    coalesce(sum(case 'owed' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as owed_minor,
    coalesce(sum(case 'disputed' when to_account then amount_minor when from_account then -amount_minor end), 0)::bigint
        as disputed_minor,
    coalesce(sum(case 'own' when from_account then amount_minor when to_account then -amount_minor end), 0)::bigint
        as own_minor,
    coalesce(sum(case kind when 'refund_excess' then amount_minor when 'refund_excess_failed' then -amount_minor end), 0)::bigint
        as excess_minor
from booking.ledger
group by payment_id, bucket, currency;
comment on view booking.ledger_sums is
    'one row a payment: what came in, what went back (less refunds that failed), what disputes cost of it, where the rest is, what left our own pocket beside it, and what of that were refunds too many';

alter table booking.cases
    drop constraint cases_class_check,
    add constraint cases_class_check check (
        class in (
            'money-without-booking', 'booking-without-money', 'amount-differs', 'refund-missing', 'refund-too-much',
            'unknown-payment'
        )
    );
