-- What each node has seen, every ten seconds: for the console's plots, so that nobody needs another system to see whether
-- things get better or worse. A row costs one insert and is deleted after a day.

create table booking.samples (
    node text not null check (node <> ''),
    at timestamptz not null,
    bucket smallint not null,
    -- How long the counts below were counted for.
    seconds double precision not null check (seconds > 0),
    ended bigint not null check (ended >= 0),
    takeovers bigint not null check (takeovers >= 0),
    stuck bigint not null check (stuck >= 0),
    in_doubt bigint not null check (in_doubt >= 0),
    seats_overdue bigint not null check (seats_overdue >= 0),
    owed bigint not null check (owed >= 0),
    oldest_due_s double precision not null check (oldest_due_s >= 0),
    database_ms double precision not null check (database_ms >= 0),
    degraded text[] not null,
    steps jsonb not null,
    primary key (node, at, bucket)
);
create index samples_by_age on booking.samples (at);
comment on column booking.samples.bucket is 'that of the node''s name';
comment on column booking.samples.ended is 'sagas that ended on this node in these seconds; so are takeovers counted';
comment on column booking.samples.stuck is 'of the whole database, as this node saw it at the end; so are the columns after it';
comment on column booking.samples.steps is
    'array of {step, ran, le: [seconds], counts: [≤ le, cumulative]}: how long steps took in these seconds, here';
