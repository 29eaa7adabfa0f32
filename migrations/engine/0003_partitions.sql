-- The journal's weeks are made and dropped by two functions that run as whoever owns the tables. So a node can be a
-- role that may do nothing but read and add: it needs no DDL, and can neither change nor delete an entry.
--
-- What the functions refuse is the guard: a week that still has a saga, or isn't over, is not dropped.

create function usher.first_id_of(moment timestamptz) returns uuid
language sql immutable parallel safe
as $$
    select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
comment on function usher.first_id_of is 'the smallest UUID whose UUIDv7 time is this moment';

create function usher.create_journal_week(monday date) returns boolean
language plpgsql security definer set search_path = pg_catalog
as $$
declare
    week text := 'journal_' || to_char(monday, 'IYYY"w"IW');
    begins timestamptz := monday::timestamp at time zone 'UTC';
begin
    if extract(isodow from monday) <> 1 then
        raise exception 'a week begins on a Monday, and % is none', monday using errcode = 'invalid_parameter_value';
    end if;
    if begins > now() + interval '1 year' then
        raise exception 'the week of % is too far ahead', monday using errcode = 'invalid_parameter_value';
    end if;
    -- Two nodes may do this at once; the look below alone would let them collide in the catalogue.
    perform pg_advisory_xact_lock(hashtextextended('usher.journal partitions', 0));
    if to_regclass('usher.' || week) is not null then
        return false;
    end if;
    execute format(
        'create table usher.%I partition of usher.journal for values from (%L) to (%L)',
        week, usher.first_id_of(begins), usher.first_id_of(begins + interval '7 days')
    );
    return true;
end
$$;
comment on function usher.create_journal_week is 'makes the partition of the week that begins on this Monday; false if it is there';

create function usher.drop_journal_week(monday date) returns boolean
language plpgsql security definer set search_path = pg_catalog
as $$
declare
    week text := 'journal_' || to_char(monday, 'IYYY"w"IW');
    begins timestamptz := monday::timestamp at time zone 'UTC';
    ends timestamptz := begins + interval '7 days';
begin
    if extract(isodow from monday) <> 1 then
        raise exception 'a week begins on a Monday, and % is none', monday using errcode = 'invalid_parameter_value';
    end if;
    if ends > now() then
        raise exception 'the week of % is not over', monday using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('usher.journal partitions', 0));
    if to_regclass('usher.' || week) is null then
        return false;
    end if;
    if exists (
        select from usher.sagas where id >= usher.first_id_of(begins) and id < usher.first_id_of(ends)
    ) then
        return false;
    end if;
    execute format('drop table usher.%I', week);
    return true;
end
$$;
comment on function usher.drop_journal_week is
    'drops the partition of the week that began on this Monday; false if it is gone, or a saga of that week is not';

-- Everybody may call a new function unless that is said.
revoke execute on function usher.create_journal_week(date), usher.drop_journal_week(date) from public;
