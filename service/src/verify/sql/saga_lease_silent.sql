-- A leased saga to which nothing was written for longer than the longest call and a lease may take together.
select s.id::text as subject,
       'is leased by ' || coalesce(s.node, 'a node') || ' at `' || coalesce(s.at_step, 'its step')
       || '`, and was written last at ' || s.updated_at as detail
from usher.sagas s
where s.leased and s.due_at >= now() - interval '1 minute' and s.updated_at < now() - usher.lease_silence()
