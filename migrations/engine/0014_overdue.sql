-- *Overdue* in one place: the metric, the work-list, the first page of the console and the API ask the same function. A saga that is
-- stuck is never overdue, though the engine may try it again: it is on a list of its own, and no node passes it over.

create function usher.overdue_after() returns interval
language sql immutable
as $$ select interval '1 minute' $$;
comment on function usher.overdue_after is 'how long a saga is due before that says something: every sweep of every node has passed it over many times';

-- A lease that is renewed ends in the future, and is `due_at`: one that ended a minute ago was taken over by nobody.
create function usher.is_overdue(due_at timestamptz, state text, paused boolean) returns boolean
language sql stable
as $$ select $1 < now() - usher.overdue_after() and $2 <> 'stuck' and not $3 $$;
comment on function usher.is_overdue is 'whether a saga has been due for longer than usher.overdue_after() and no lane has taken it; written so that it can be inlined and found by sagas_due_in_order';

-- As before, with the minute from its place.
create or replace function usher.cause_of(
    cause text, workflow text, version integer, paused boolean, paused_by text, due_at timestamptz
) returns text
language sql stable
as $$
    select coalesce($1, $2 || ' v' || $3 || case
        when $4 then ': paused by ' || coalesce($5, 'somebody')
        when $6 < now() - usher.overdue_after() then ': due, and no node takes it'
        else ': no trouble'
    end)
$$;

-- The sagas of one work-list before an id, newest first. `list` names the index to go by: each branch but one is shut by its
-- first condition, so none is planned by what is true of another. What the filter says besides narrows what was found:
-- at most `scanned` rows are looked at. What is over has no trouble, even if a binary that knows of none left it marked.
create or replace function usher.work_list(
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
         where $1 = 'overdue' and usher.is_overdue(s.due_at, s.state, s.paused) and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'silent' and s.leased and s.due_at >= now() - usher.overdue_after()
           and s.updated_at < now() - usher.lease_silence() and s.id < $10
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
              when 'silent' then
                  found.leased and found.due_at >= now() - usher.overdue_after()
                  and found.updated_at < now() - usher.lease_silence()
              when 'overdue' then usher.is_overdue(found.due_at, found.state, found.paused)
              else found.trouble = $8
          end)
      and ($9 is null or found.updated_at < now() - $9 * interval '1 second')
$$;
