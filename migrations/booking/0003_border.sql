-- What stands at the border: webhooks received, gateways' names for payments, tokens, idempotency keys.

create table booking.inbox (
    provider text not null check (provider <> ''),
    event_id text not null check (event_id <> ''),
    bucket smallint not null,
    received_at timestamptz not null,
    body bytea not null,
    body_hash bytea not null check (length(body_hash) = 32),
    state text not null,
    kind text,
    payment_id uuid,
    gateway_reference text,
    amount_minor bigint,
    currency text,
    occurred_at timestamptz,
    fact jsonb,
    applied_at timestamptz,
    primary key (provider, event_id, bucket),
    constraint state_ties check (
        case state
            when 'PENDING' then kind is not null and payment_id is not null and applied_at is null
            when 'UNMATCHED' then kind is not null and payment_id is null and applied_at is null
            when 'APPLIED' then kind is not null and payment_id is not null and applied_at is not null
            when 'IGNORED' then applied_at is null
            else false
        end
    ),
    constraint fact_ties check (kind is null or (fact is not null and occurred_at is not null)),
    constraint money_ties check ((amount_minor is null) = (currency is null))
);
create index inbox_waiting on booking.inbox (received_at, bucket) where state in ('PENDING', 'UNMATCHED');
comment on table booking.inbox is
    'a webhook is stored here before it is answered, in the bucket of the payment that its metadata names, else in that of provider and event';
comment on column booking.inbox.body is 'exactly the bytes that were signed';
comment on column booking.inbox.fact is
    'the whole fact as the gateway''s adapter wrote it; the columns beside it are for lists and for matching';
comment on column booking.inbox.kind is 'what the event says, in our words; null for a kind that we do not act on';

-- The same event with another body: a lie or a fault of the sender's. Never acted on.
create table booking.inbox_variants (
    provider text not null,
    event_id text not null,
    body_hash bytea not null check (length(body_hash) = 32),
    bucket smallint not null,
    received_at timestamptz not null,
    body bytea not null,
    primary key (provider, event_id, body_hash, bucket)
);

create table booking.gateway_references (
    gateway text not null check (gateway <> ''),
    reference text not null check (reference <> ''),
    bucket smallint not null,
    payment_id uuid not null,
    primary key (gateway, reference, bucket)
);
comment on table booking.gateway_references is
    'which payment a gateway means, for events without our id in them; in the bucket of gateway and reference';

create table booking.tokens (
    hash bytea not null check (length(hash) = 32),
    bucket smallint not null,
    role text not null,
    subject text not null check (subject <> ''),
    user_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (hash, bucket),
    constraint role_ties check (
        case role
            when 'customer' then user_id is not null
            when 'service' then user_id is null
            when 'operator' then user_id is null
            when 'auditor' then user_id is null
            else false
        end
    )
);
comment on table booking.tokens is 'bearer tokens by their SHA-256; the token itself is shown once and kept nowhere';

create table booking.idempotency_keys (
    principal text not null check (principal <> ''),
    key text not null check (length(key) between 1 and 255),
    bucket smallint not null,
    request_hash bytea not null check (length(request_hash) = 32),
    effect_id uuid not null,
    created_at timestamptz not null,
    state text not null default 'CLAIMED',
    claimed_until timestamptz,
    status smallint,
    location text,
    body text,
    primary key (principal, key, bucket),
    constraint state_ties check (
        case state
            when 'CLAIMED' then claimed_until is not null and status is null and location is null and body is null
            when 'ANSWERED' then claimed_until is null and status between 200 and 599 and body is not null
            else false
        end
    )
) with (fillfactor = 80);
-- Rows come in the order of time and leave by it; a btree would cost every request more than the daily delete saves.
create index idempotency_keys_by_age on booking.idempotency_keys using brin (created_at) with (autosummarize = on);
comment on column booking.idempotency_keys.effect_id is 'the id that the effect has or will have: whoever completes a claim starts under it';
comment on column booking.idempotency_keys.claimed_until is 'until then the first request is taken to be running; afterwards the next one completes it';
