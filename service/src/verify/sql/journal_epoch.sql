-- Epochs that go back, are above the saga's own, or were held by two lanes.
select j.saga_id::text as subject,
       'entry ' || j.position || ' was written in epoch ' || j.epoch || ', before it ' || coalesce(j.before::text, '(none)')
           || ', the saga is in ' || s.epoch as detail
from (
    select saga_id, bucket, position, epoch, token,
           lag(epoch) over w as before,
           lag(token) over w as token_before
    from usher.journal
    window w as (partition by saga_id, bucket order by position)
) as j
join usher.sagas s on s.id = j.saga_id and s.bucket = j.bucket
where j.epoch > s.epoch or j.epoch < j.before or (j.epoch = j.before and j.token <> j.token_before)
