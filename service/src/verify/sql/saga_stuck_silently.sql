-- A stuck saga without a row in the audit that says so.
select s.id::text as subject, 'is stuck: ' || s.stuck::text as detail
from usher.sagas s
where s.state = 'stuck'
  and not exists (select from usher.audit a where a.saga_id = s.id and a.bucket = s.bucket)
