-- What operators look at first: work-lists that an index finds, attempts that left no entry, labels to search by. All of
-- it is written by statements of its own, for sagas that are in trouble or steps that declare labels; only `at_step`
-- and the journal's `node` ride in what every saga writes.

alter table usher.sagas
    -- The step or signal that it is at. In no index, so that it costs no index entry.
    add column at_step     text,
    -- What is wrong besides its state, since when, and the other side's code for it. Those that are stuck may have one.
    add column trouble     text,
    add column troubled_at timestamptz,
    add column code        text,
    add column stakes      json,
    add constraint sagas_trouble check (trouble in ('in_doubt', 'owed', 'retrying')) not valid;

comment on column usher.sagas.stakes is 'array of the engine''s Stake: the sum of what steps that are not undone say is at stake';

create index sagas_trouble on usher.sagas (trouble, id) where trouble is not null;

-- Attempts that ended without an entry: at a step, or (`undo`) at its compensation. Rows are added and, with their saga or
-- past its bound, removed; never changed.
create table usher.attempts (
    saga_id   uuid        not null,
    bucket    smallint    not null,
    -- The claim that it was made under. One claim may fail at a step of ours and then at a compensation.
    epoch     bigint      not null,
    position  integer     not null check (position >= 0),
    undo      boolean     not null,
    number    integer     not null check (number >= 0),
    node      text        not null,
    began_at  timestamptz not null,
    ended_at  timestamptz not null,
    error     text        not null,
    code      text,
    in_doubt  boolean     not null,
    primary key (saga_id, bucket, epoch, position)
);

-- Words by which a person finds a saga, of steps that declare any.
create table usher.labels (
    saga_id   uuid        not null,
    bucket    smallint    not null,
    key       text        not null,
    value     text        not null,
    primary key (saga_id, bucket, key, value)
);

create index labels_by_value on usher.labels (value, saga_id);

-- The node that wrote each stretch. None where a node wrote it that doesn't say.
alter table usher.journal add column node text;

create or replace view usher.journal_entries as
select j.saga_id,
       j.bucket,
       j.position + (e.ordinality - 1)::integer as position,
       k.kind,
       e.entry -> k.kind as body,
       j.epoch,
       j.token,
       j.written_at,
       j.node
from usher.journal j
cross join lateral json_array_elements(j.entries) with ordinality as e (entry, ordinality)
cross join lateral json_object_keys(e.entry) as k (kind);

-- What a saga has in common with others: as it was marked, or, where nothing failed, which list it is on.
create function usher.cause_of(
    cause text, workflow text, version integer, paused boolean, paused_by text, due_at timestamptz
) returns text
language sql stable
as $$
    select coalesce($1, $2 || ' v' || $3 || case
        when $4 then ': paused by ' || coalesce($5, 'somebody')
        when $6 < now() - interval '1 minute' then ': due, and no node takes it'
        else ': no trouble'
    end)
$$;
comment on function usher.cause_of is 'what a saga has in common with others, in words';

-- The sagas of one work-list before an id, newest first. `list` names the index to go by: each branch but one is shut by its
-- first condition, so none is planned by what is true of another. What the filter says besides narrows what was found:
-- at most `scanned` rows are looked at. What is over has no trouble, even if a binary that knows of none left it marked.
create function usher.work_list(
    list text, value text, ids uuid[], status text, workflow text, step text, cause text, trouble text,
    older_than_s bigint, before uuid, scanned bigint
) returns setof usher.sagas
language sql stable
as $$
    select found.*
    from (
        (select s.* from usher.sagas s
         where $1 = 'all' and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'ids' and s.id = any($3) and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'stuck' and s.state = 'stuck' and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'trouble' and s.trouble = $2 and s.state not in ('completed', 'unwound') and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'cause' and s.fingerprint = decode($2, 'hex') and s.state not in ('completed', 'unwound') and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'caused' and s.fingerprint is not null and s.state not in ('completed', 'unwound') and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'paused' and s.paused and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'overdue' and s.due_at < now() - interval '1 minute' and not s.paused and s.id < $10
         order by s.id desc limit $11)
    ) as found
    where ($4 is null or found.state = $4)
      and ($5 is null or found.workflow = $5)
      and ($6 is null or found.at_step = $6)
      and ($7 is null or encode(sha256(convert_to(usher.cause_of(
              found.cause, found.workflow, found.version, found.paused, found.paused_by, found.due_at
          ), 'utf8')), 'hex') = $7)
      and ($8 is null or case $8
              when 'stuck' then found.state = 'stuck'
              when 'paused' then found.paused
              when 'overdue' then found.due_at < now() - interval '1 minute' and not found.paused
              else found.trouble = $8
          end)
      and ($9 is null or found.updated_at < now() - $9 * interval '1 second')
$$;
comment on function usher.work_list is 'the sagas of one work-list: $1 to $3 say which index finds them, $4 to $9 narrow that';
