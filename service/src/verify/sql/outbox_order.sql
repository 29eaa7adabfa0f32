-- A message that arrived while an earlier one of its saga, to the same subscription, was not settled.
select later.saga_id || ' #' || later.position || '.' || later.ordinal as subject,
       'arrived at ' || later.subscription_id || ' before #' || earlier.position || '.' || earlier.ordinal as detail
from booking.deliveries later
join booking.deliveries earlier
    on earlier.saga_id = later.saga_id and earlier.bucket = later.bucket
   and earlier.subscription_id = later.subscription_id
   and (earlier.position, earlier.ordinal) < (later.position, later.ordinal)
where later.delivered_at is not null
  and (earlier.due_at is not null or coalesce(earlier.delivered_at, earlier.failed_at) > later.delivered_at)
