-- Something done to a saga without a name or a reason.
select saga_id::text as subject, '`' || action || '` at ' || at as detail
from usher.audit
where actor = '' or reason = ''
