-- A journal with a gap, or of another length than its saga's row says.
select coalesce(s.id, j.saga_id)::text as subject,
       'row says ' || coalesce(s.journal_len::text, '(no row)') || ' entries, journal has ' || coalesce(j.entries, 0)
           || case when coalesce(j.gap, false) then ' with a gap' else '' end as detail
from usher.sagas s
full join (
    select saga_id, bucket, sum(length)::integer as entries, bool_or(position <> expected) as gap
    from (
        select saga_id, bucket, position, json_array_length(entries) as length,
               coalesce(sum(json_array_length(entries)) over (
                   partition by saga_id, bucket order by position rows between unbounded preceding and 1 preceding
               ), 0) as expected
        from usher.journal
    ) as stretches
    group by saga_id, bucket
) as j on j.saga_id = s.id and j.bucket = s.bucket
where s.journal_len is distinct from coalesce(j.entries, 0) or coalesce(j.gap, false)
