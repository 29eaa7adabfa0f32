-- Cases: where our books and the gateway's say different things, one row a difference, for a person.
--
-- A case lives in the bucket of gateway and reference, as `gateway_references` do: it must be found again by what
-- the gateway says, also where no payment of ours is known.

create table booking.cases (
    id uuid not null,
    bucket smallint not null,
    gateway text not null check (gateway <> ''),
    reference text not null check (reference <> ''),
    class text not null check (
        class in (
            'money-without-booking', 'booking-without-money', 'amount-differs', 'refund-missing', 'unknown-payment'
        )
    ),
    payment_id uuid,
    reservation_id uuid,
    currency text not null check (length(currency) = 3),
    ours_minor bigint not null,
    theirs_minor bigint not null,
    what text not null check (what <> ''),
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    state text not null default 'OPEN',
    resolved_at timestamptz,
    resolved_by text,
    how text,
    note text,
    primary key (id, bucket),
    constraint seen_in_order check (first_seen_at <= last_seen_at),
    constraint state_ties check (
        case state
            when 'OPEN' then resolved_at is null and resolved_by is null and how is null and note is null
            when 'RESOLVED' then resolved_at is not null and resolved_by <> '' and note <> '' and how in ('vanished', 'settled')
            else false
        end
    )
) with (fillfactor = 80);
create unique index one_open_case_a_difference
    on booking.cases (gateway, reference, class, bucket) where state = 'OPEN';
create index cases_open on booking.cases (id, bucket) where state = 'OPEN';
comment on table booking.cases is
    'differences between our books and the gateway''s; opened, seen again and, if they vanish, resolved by reconciliation';
comment on column booking.cases.reference is 'the gateway''s name for the payment; ours where it has none';
comment on column booking.cases.ours_minor is 'what our books say: money that is with us or held for us, or refunds where they are what differs';
comment on column booking.cases.theirs_minor is 'the same, as the gateway says it';
comment on column booking.cases.how is 'vanished: the next look found no difference; settled: a person says so';

-- How far the job has compared the books of a gateway, and until when somebody is at it.
create table booking.reconciled (
    gateway text not null check (gateway <> ''),
    look text not null check (look in ('soon', 'day-after')),
    bucket smallint not null,
    until timestamptz not null,
    claimed_until timestamptz not null,
    primary key (gateway, look, bucket)
);
comment on column booking.reconciled.until is 'everything that either side wrote down before this was compared';
comment on column booking.reconciled.look is 'everything is compared twice, the second time when nothing should be in flight';

-- Movements come in the order of time, so it costs next to nothing.
create index ledger_by_time on booking.ledger using brin (at) with (autosummarize = on);
