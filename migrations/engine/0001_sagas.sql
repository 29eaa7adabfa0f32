-- The engine's tables. Every key carries the bucket, after the id whose UUIDv7 gives locality.
-- No triggers, no sequences, no ENUM types: all of it works on a distributed Postgres too.

create table usher.sagas (
    id            uuid        not null,
    bucket        smallint    not null check (bucket between 0 and 1023),
    workflow      text        not null,
    version       integer     not null check (version > 0),
    state         text        not null check (state in
                      ('running', 'waiting', 'unwinding', 'completed', 'unwound', 'stuck')),
    -- The next time that someone must look at this saga: lease end, deadline or retry.
    due_at        timestamptz,
    -- A call is out under a lease that ends at `due_at`.
    leased        boolean     not null default false,
    paused        boolean     not null default false,
    -- Raised by every claim, never goes back; with the batch's random token it is the fence.
    epoch         bigint      not null default 0 check (epoch >= 0),
    token         bigint      not null default 0,
    journal_len   integer     not null check (journal_len >= 0),
    -- Attempts at the step that is being tried, and since when; reset by every entry.
    attempts      integer     not null default 0 check (attempts >= 0),
    trying_since  timestamptz,
    retry_at      timestamptz,
    last_error    text,
    -- Claims after a lease ran out, since the last entry.
    claims        smallint    not null default 0 check (claims >= 0),
    stuck         json,
    node          text,
    start_key     text,
    -- W3C traceparent of the request that started it.
    trace         text,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    primary key (id, bucket),
    check ((state in ('completed', 'unwound')) <= (due_at is null and not leased)),
    check ((state in ('running', 'waiting', 'unwinding')) <= (due_at is not null or paused)),
    check ((state = 'stuck') = (stuck is not null)),
    check (leased <= (due_at is not null))
) with (fillfactor = 70);

create index sagas_due on usher.sagas (due_at) where due_at is not null;
create unique index sagas_start_key on usher.sagas (workflow, start_key, bucket) where start_key is not null;
create index sagas_stuck on usher.sagas (id) where state = 'stuck';

comment on table usher.sagas is 'one row a saga: everything that claiming, the sweep and the work-lists need';
comment on column usher.sagas.stuck is 'why a person is needed: the engine''s StuckCause as JSON';

-- One row a stretch: the entries that it added, in one array. `position` is the index of the first.
create table usher.journal (
    saga_id     uuid        not null,
    bucket      smallint    not null,
    position    integer     not null check (position >= 0),
    entries     json        not null,
    epoch       bigint      not null,
    token       bigint      not null,
    written_at  timestamptz not null,
    primary key (saga_id, bucket, position)
) partition by range (saga_id);

create table usher.journal_rest partition of usher.journal default;

comment on column usher.journal.entries is 'array of the engine''s Entry, each an object with its kind as the only key';

create view usher.journal_entries as
select j.saga_id,
       j.bucket,
       j.position + (e.ordinality - 1)::integer as position,
       k.kind,
       e.entry -> k.kind as body,
       j.epoch,
       j.token,
       j.written_at
from usher.journal j
cross join lateral json_array_elements(j.entries) with ordinality as e (entry, ordinality)
cross join lateral json_object_keys(e.entry) as k (kind);

-- Wishes from outside: signals, cancellations. Append-only; the journal says which one was chosen.
-- A letter may come before its saga's row (`orphan`), so there is no foreign key.
create table usher.mailbox (
    saga_id      uuid        not null,
    bucket       smallint    not null,
    kind         text        not null check (kind in ('signal', 'cancel')),
    name         text        not null,
    sender       text        not null,
    payload      json        not null,
    received_at  timestamptz not null,
    orphan       boolean     not null default false,
    primary key (saga_id, bucket, kind, name, sender)
);

create index mailbox_orphans on usher.mailbox (received_at) where orphan;

comment on column usher.mailbox.payload is 'the signal as its sender serialised it';

-- Messages to the outside, in the commit that decided them; in order of position within a saga.
create table usher.outbox (
    saga_id       uuid        not null,
    bucket        smallint    not null,
    position      integer     not null,
    kind          text        not null,
    payload       json        not null,
    created_at    timestamptz not null,
    delivered_at  timestamptz,
    primary key (saga_id, bucket, position)
);

create index outbox_undelivered on usher.outbox (created_at) where delivered_at is null;

comment on column usher.outbox.payload is 'the data of the message';

-- What was done to sagas besides their own course, by whom and why.
create table usher.audit (
    id        uuid        not null,
    bucket    smallint    not null,
    saga_id   uuid        not null,
    at        timestamptz not null,
    actor     text        not null,
    action    text        not null,
    reason    text        not null,
    detail    json,
    primary key (id, bucket)
);

create index audit_by_saga on usher.audit (saga_id, bucket);

comment on column usher.audit.detail is 'what the action found or changed';
