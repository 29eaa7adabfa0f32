-- A webhook that was not acted on within its bound: five minutes, a day for one whose payment is unknown.
select provider || ' / ' || event_id as subject, '`' || kind || '` is ' || state || ' since ' || received_at as detail
from booking.inbox
where (state = 'PENDING' and received_at < now() - interval '5 minutes')
   or (state = 'UNMATCHED' and received_at < now() - interval '24 hours')
