-- A gateway's event that came under one id with two bodies, or was stored in two buckets.
select provider || ' / ' || event_id as subject, 'came with ' || count(distinct body_hash) || ' bodies' as detail
from (
    select provider, event_id, body_hash, bucket from booking.inbox
    union all
    select provider, event_id, body_hash, bucket from booking.inbox_variants
) as came
group by provider, event_id
having count(distinct body_hash) > 1 or count(distinct bucket) > 1
