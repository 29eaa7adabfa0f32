-- A message that a subscription waits for: five minutes to be handed over, an hour to arrive; or one that was given up.
select m.saga_id || ' #' || m.position || '.' || m.ordinal as subject,
       '`' || m.kind || '` is not handed over since ' || m.created_at as detail
from usher.outbox m
where m.delivered_at is null
  and m.created_at < now() - interval '5 minutes'
  and m.created_at > (select min(since) from booking.subscriptions where disabled_at is null)
union all
select d.saga_id || ' #' || d.position || '.' || d.ordinal,
       case when d.failed_at is null then 'on its way to ' else 'given up for ' end || s.id || ' since ' || d.decided_at
       || coalesce(': ' || d.last_error, '')
from booking.deliveries d
join booking.subscriptions s on s.id = d.subscription_id and s.disabled_at is null
where d.failed_at is not null
   or (d.due_at is not null and d.decided_at < now() - interval '1 hour')
