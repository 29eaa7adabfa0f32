-- A saga that is neither at rest, nor due, nor stuck, nor paused; or one that has been due for long and is not taken.
select id::text as subject,
       'is ' || state || case when due_at is null then ' and nobody will look at it' else ', due since ' || due_at end as detail
from usher.sagas
where state not in ('completed', 'unwound') and not paused
  and ((due_at is null and state <> 'stuck') or due_at < now() - interval '5 minutes')
