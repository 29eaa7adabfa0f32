-- Payments, bookings and the ledger: what is owed, what was sold, and where the money went.

create table booking.payments (
    id uuid not null,
    reservation_id uuid not null,
    amount_minor bigint not null check (amount_minor > 0),
    created_at timestamptz not null,
    bucket smallint not null,
    currency text not null check (length(currency) = 3),
    gateway text not null check (gateway <> ''),
    status text not null default 'INITIATED',
    money text not null default 'UNSECURED',
    gateway_reference text,
    failure text,
    settled_at timestamptz,
    live boolean not null generated always as (status in ('INITIATED', 'SUCCESS')) stored,
    primary key (id, bucket),
    constraint status_ties check (
        case status
            when 'INITIATED' then money = 'UNSECURED' and settled_at is null
            when 'SUCCESS' then money in ('HELD', 'OWED', 'CAPTURED') and gateway_reference is not null and settled_at is not null
            when 'FAILED' then money in ('UNSECURED', 'VOIDED') and settled_at is not null
            when 'REFUNDED' then money = 'REFUNDED' and gateway_reference is not null and settled_at is not null
            else false
        end
    ),
    constraint failure_ties check (failure is null or status = 'FAILED')
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
-- On the stored column and not on `status`: from INITIATED to SUCCESS it doesn't change, so the update stays HOT.
create unique index one_live_payment_a_reservation on booking.payments (reservation_id, bucket) where live;
-- For the job that asks after payments without news; rows come in the order of time, so it costs next to nothing.
create index payments_by_age on booking.payments using brin (created_at) with (autosummarize = on);
comment on column booking.payments.money is
    'UNSECURED, HELD (authorised), OWED (booked, capture to come), CAPTURED, VOIDED, REFUNDED';
comment on column booking.payments.settled_at is 'when the gateway''s first definite answer was written down';
comment on column booking.payments.failure is 'the gateway''s reason, in its own code';

create table booking.bookings (
    id uuid not null,
    reservation_id uuid not null,
    payment_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null,
    bucket smallint not null,
    code text not null check (length(code) = 12),
    status text not null default 'CONFIRMED',
    cancelled_at timestamptz,
    primary key (id, bucket),
    constraint status_ties check (
        case status
            when 'CONFIRMED' then cancelled_at is null
            when 'CANCELLED' then cancelled_at is not null
            else false
        end
    )
);
create unique index one_confirmed_booking_a_reservation
    on booking.bookings (reservation_id, bucket) where status = 'CONFIRMED';
comment on column booking.bookings.code is
    'what the customer shows at the door: 60 random bits, unlike the id, which others may see';

-- One row moves an amount from one account to another, so every row balances and so does any set of them.
-- `customer` is the customer's bank, `held` is set aside there for us, `taken` is with us.
create table booking.ledger (
    payment_id uuid not null,
    bucket smallint not null,
    kind text not null,
    reference text not null,
    from_account text not null,
    to_account text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null check (length(currency) = 3),
    at timestamptz not null,
    primary key (payment_id, kind, reference, bucket),
    constraint kind_ties check (
        case kind
            when 'authorised' then from_account = 'customer' and to_account = 'held'
            when 'captured' then from_account = 'held' and to_account = 'taken'
            when 'voided' then from_account = 'held' and to_account = 'customer'
            when 'refunded' then from_account = 'taken' and to_account = 'customer'
            else false
        end
    )
);
comment on table booking.ledger is 'append-only: a mistake is corrected by another row';
comment on column booking.ledger.reference is 'the gateway''s object: the payment, or the refund, of which there may be several';

create view booking.ledger_balances as
select
    payment_id,
    bucket,
    account,
    currency,
    sum(amount_minor)::bigint as balance_minor
from (
    select payment_id, bucket, to_account as account, currency, amount_minor from booking.ledger
    union all
    select payment_id, bucket, from_account, currency, -amount_minor from booking.ledger
) as legs
group by payment_id, bucket, account, currency;
comment on view booking.ledger_balances is 'what each payment has on each account; `held` is zero at rest';
