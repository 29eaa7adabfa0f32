-- A saga that has been due and untouched for a lease and ten seconds, while a node that knows its version is ready.
select s.id::text as subject,
       'is due since ' || s.due_at || ', and node ' || n.name || ' knows `' || s.workflow || '` version ' || s.version as detail
from usher.sagas s
cross join lateral (
    select min(n.name) as name
    from usher.nodes n
    where n.seen_at > now() - interval '15 seconds'
      and (s.workflow, s.version) in (select * from unnest(n.workflows, n.versions))
      and greatest(s.due_at, s.updated_at, n.started_at)
          < now() - greatest(n.lease_ms * interval '1 millisecond', interval '10 seconds')
) as n
where s.due_at < now() - interval '10 seconds' and not s.paused and n.name is not null
