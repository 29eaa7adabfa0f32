-- A reservation that is still PENDING long after its time, although no saga works on it.
select r.id::text as subject,
       'is PENDING since ' || r.reserved_until || ', its saga is ' || coalesce(s.state, 'unknown') as detail
from booking.reservations r
left join usher.sagas s on s.id = r.saga_id and s.bucket = r.bucket
where r.status = 'PENDING'
  and r.reserved_until < now() - interval '2 minutes'
  and coalesce(s.state in ('completed', 'unwound') or s.due_at is null or s.due_at < now() - interval '2 minutes', true)
