-- A saga whose state and whose journal's end disagree, or that went on after its end.
select s.id::text as subject, 'is ' || s.state || ', its journal has ' || e.returned || ' returns and '
           || e.turned || ' turnings back, the last entry is `' || e.last_kind || '`' as detail
from usher.sagas s
join (
    select saga_id, bucket,
           count(*) filter (where kind = 'returned') as returned,
           count(*) filter (where kind = 'turned_back') as turned,
           (array_agg(kind order by position desc))[1] as last_kind
    from usher.journal_entries
    group by saga_id, bucket
) as e on e.saga_id = s.id and e.bucket = s.bucket
where e.returned > 1 or e.turned > 1 or (e.returned = 1 and (e.last_kind <> 'returned' or e.turned = 1))
   or (s.state = 'completed') <> (e.returned = 1)
   or (s.state in ('unwinding', 'unwound') and e.turned = 0)
