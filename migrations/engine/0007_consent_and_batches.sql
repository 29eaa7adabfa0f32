-- A second person for what moves much money, and one action on many sagas.

-- An action that one person wants and another must agree to. In its saga's bucket.
create table usher.proposals (
    id           uuid        not null,
    bucket       smallint    not null check (bucket between 0 and 1023),
    saga_id      uuid        not null,
    action       json        not null,
    actor        text        not null check (actor <> ''),
    reason       text        not null check (reason <> ''),
    -- What both have seen: the saga's version and the plan.
    etag         text        not null,
    plan_hash    text        not null,
    money        json        not null,
    state        text        not null check (state in ('open', 'consented', 'declined', 'expired')),
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    decided_by   text,
    decided_why  text,
    decided_at   timestamptz,
    primary key (id, bucket),
    check ((state in ('consented', 'declined')) = (decided_by is not null)),
    check ((state = 'open') = (decided_at is null))
);

-- Asked twice is one proposal.
create unique index proposals_open on usher.proposals (saga_id, plan_hash, bucket) where state = 'open';

comment on table usher.proposals is 'actions that wait for a second person, and what became of them';
comment on column usher.proposals.action is 'the engine''s Action as JSON';
comment on column usher.proposals.money is 'array of the engine''s Stake: what the plan moved when it was made';

-- One action on many sagas. In a bucket of its own, with its items; its sagas are anywhere.
create table usher.batches (
    id                  uuid              not null,
    bucket              smallint          not null check (bucket between 0 and 1023),
    state               text              not null check (state in
                            ('awaiting_consent', 'canary', 'ramping', 'paused', 'stopped', 'cancelled', 'done')),
    -- Why it stopped, was paused or cancelled.
    why                 text,
    filter              json              not null,
    action              json              not null,
    actor               text              not null check (actor <> ''),
    reason              text              not null check (reason <> ''),
    consented_by        text,
    consent_until       timestamptz,
    stakes              json              not null,
    canary              integer           not null check (canary > 0),
    stop_at_error_rate  double precision  not null check (stop_at_error_rate between 0 and 1),
    -- More sagas matched than one batch takes.
    capped              boolean           not null,
    -- Items, and how many have which result; those that are missing wait.
    items               integer           not null check (items >= 0),
    acted               integer           not null default 0 check (acted >= 0),
    mended              integer           not null default 0 check (mended >= 0),
    stuck_again         integer           not null default 0 check (stuck_again >= 0),
    refused             integer           not null default 0 check (refused >= 0),
    failed              integer           not null default 0 check (failed >= 0),
    -- The round that is under way has the items after the first number, up to the second; the next one has so many.
    -- 0 is a canary.
    round               integer           not null default 0 check (round >= 0),
    round_after         integer           not null default 0,
    round_to            integer           not null default 0,
    ramp                integer           not null default 0 check (ramp >= 0),
    -- Who works on it: a node, until then, under a random token. Claims that noted nothing are counted.
    node                text,
    token               bigint            not null default 0,
    leased_until        timestamptz,
    claims              smallint          not null default 0 check (claims >= 0),
    created_at          timestamptz       not null,
    updated_at          timestamptz       not null,
    primary key (id, bucket),
    check ((state = 'awaiting_consent') <= (consent_until is not null and consented_by is null)),
    check (acted + mended + stuck_again + refused + failed <= items),
    check (0 <= round_after and round_after <= round_to and round_to <= items)
) with (fillfactor = 70);

create index batches_under_way on usher.batches (id) where state in ('awaiting_consent', 'canary', 'ramping');

comment on table usher.batches is 'one row a batch: what is done to which sagas, how far it is, and who works on it';
comment on column usher.batches.filter is 'the engine''s Filter as JSON: which sagas were meant when it was made';
comment on column usher.batches.action is 'the engine''s Action as JSON: what is done to each';
comment on column usher.batches.stakes is 'array of the engine''s Stake: what was at stake in its sagas when it was made';

create table usher.batch_items (
    batch_id    uuid        not null,
    bucket      smallint    not null,
    -- From 1, in the order in which they are worked on.
    number      integer     not null check (number > 0),
    saga_id     uuid        not null,
    result      text        not null default 'waiting' check (result in
                    ('waiting', 'acted', 'mended', 'stuck_again', 'refused', 'failed')),
    why         text,
    acted_at    timestamptz,
    -- When nothing more was waited for.
    settled_at  timestamptz,
    primary key (batch_id, bucket, number),
    foreign key (batch_id, bucket) references usher.batches (id, bucket) on delete cascade,
    check ((result = 'waiting') = (acted_at is null and settled_at is null))
) with (fillfactor = 70);

comment on table usher.batch_items is 'the sagas of each batch, and what came of it';

comment on column usher.audit.saga_id is 'the saga; or the batch, where something happened to a batch itself';
