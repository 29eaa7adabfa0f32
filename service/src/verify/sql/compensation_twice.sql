-- A step that was undone twice, or undone although the saga had been decided.
select u.saga_id::text as subject, 'the step at ' || (u.body ->> 'of') || ' was undone ' || count(*) || ' times' as detail
from usher.journal_entries u
where u.kind = 'undo_ended'
group by u.saga_id, u.bucket, u.body ->> 'of'
having count(*) > 1
union all
select u.saga_id::text, 'went back after its pivot'
from usher.journal_entries u
join usher.journal_entries p
    on p.saga_id = u.saga_id and p.bucket = u.bucket and p.kind = 'ended' and p.body ->> 'pivot' = 'true'
   and p.body -> 'outcome' ->> 'done' is not null
where u.kind = 'turned_back'
