-- A start key with two sagas.
select workflow || ' / ' || start_key as subject, count(*) || ' sagas: ' || string_agg(id::text, ', ') as detail
from usher.sagas
where start_key is not null
group by workflow, start_key, bucket
having count(*) > 1
