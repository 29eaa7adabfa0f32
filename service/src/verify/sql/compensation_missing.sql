-- An unwound saga with a step that was begun, not refused, and never undone.
select b.saga_id::text as subject, 'step `' || b.step || '` at ' || b.first || ' was not undone' as detail
from (
    select e.saga_id, e.bucket, e.body ->> 'step' as step, min(e.position) as first,
           bool_or(e.kind = 'ended' and e.body -> 'outcome' ->> 'rejected' is not null) as refused
    from usher.journal_entries e
    where e.kind in ('started', 'ended')
    group by e.saga_id, e.bucket, e.body ->> 'step', e.body ->> 'ask'
) as b
join usher.sagas s on s.id = b.saga_id and s.bucket = b.bucket
where s.state = 'unwound' and not b.refused
  and not exists (
      select from usher.journal_entries u
      where u.saga_id = b.saga_id and u.bucket = b.bucket and u.kind = 'undo_ended' and (u.body ->> 'of')::integer = b.first
  )
