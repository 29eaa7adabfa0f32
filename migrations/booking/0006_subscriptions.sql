-- Who is told of what, and how far that is. The messages themselves are the engine's: `usher.outbox`.

create table booking.subscriptions (
    id uuid not null,
    bucket smallint not null,
    url text not null check (url ~ '^https?://'),
    types text[] not null,
    secret text not null check (secret ~ '^whsec_'),
    created_at timestamptz not null,
    since timestamptz not null,
    failures integer not null default 0 check (failures >= 0),
    failing_since timestamptz,
    retry_at timestamptz,
    last_error text,
    disabled_at timestamptz,
    disabled_because text,
    primary key (id, bucket),
    constraint failing_ties check ((failures = 0) = (failing_since is null) and (failures = 0) = (retry_at is null)),
    constraint disabled_ties check ((disabled_at is null) = (disabled_because is null))
);
comment on table booking.subscriptions is 'URLs that are told what was decided; each in the bucket of its own id';
comment on column booking.subscriptions.types is 'the types it is told of; empty for all';
comment on column booking.subscriptions.secret is 'signs what is sent, so it is kept as it is: who may read it may speak for us';
comment on column booking.subscriptions.since is 'it is told of what was decided after this';
comment on column booking.subscriptions.failures is 'attempts in a row that failed';
comment on column booking.subscriptions.retry_at is 'until then nothing is sent to it';

-- A message on its way to one subscription, in the bucket of its saga. No foreign keys: the subscription lives in another
-- bucket, and a message may leave before its deliveries.
create table booking.deliveries (
    saga_id uuid not null,
    bucket smallint not null,
    position integer not null,
    ordinal integer not null,
    subscription_id uuid not null,
    decided_at timestamptz not null,
    due_at timestamptz,
    attempts integer not null default 0 check (attempts >= 0),
    last_error text,
    delivered_at timestamptz,
    failed_at timestamptz,
    primary key (saga_id, bucket, position, ordinal, subscription_id),
    constraint state_ties check (num_nonnulls(due_at, delivered_at, failed_at) = 1),
    constraint failed_ties check (failed_at is null or last_error is not null)
) with (fillfactor = 80);
create index deliveries_due on booking.deliveries (subscription_id, due_at, bucket) where due_at is not null;
create index deliveries_failed on booking.deliveries (failed_at, bucket) where failed_at is not null;
comment on column booking.deliveries.due_at is 'the next time that someone must look: the first attempt, the next one, or the end of a lease; null once it is settled';
comment on column booking.deliveries.attempts is 'attempts begun; with it a claim is told from a later one';
comment on column booking.deliveries.failed_at is 'it was given up';
