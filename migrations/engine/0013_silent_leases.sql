-- A work-list of sagas whose lease is renewed and that nobody writes: the call under it has come to nothing, and nobody says so.
-- Found by `due_at`, which lies ahead for as long as somebody renews.

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
         where $1 = 'overdue' and s.due_at < now() - interval '1 minute' and not s.paused and s.id < $10
         order by s.id desc limit $11)
        union all
        (select s.* from usher.sagas s
         where $1 = 'silent' and s.leased and s.due_at >= now() - interval '1 minute'
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
                  found.leased and found.due_at >= now() - interval '1 minute'
                  and found.updated_at < now() - usher.lease_silence()
              when 'overdue' then found.due_at < now() - interval '1 minute' and not found.paused
              else found.trouble = $8
          end)
      and ($9 is null or found.updated_at < now() - $9 * interval '1 second')
$$;
