-- Which nodes have lanes, what they know, and how long one of them may say nothing about a saga. Each writes its own row
-- every few seconds and takes it away when it drains; the row of one that died is removed by another.

create table usher.nodes (
    id           uuid        not null,
    bucket       smallint    not null check (bucket between 0 and 1023),
    -- For people: two nodes may have one name.
    name         text        not null,
    started_at   timestamptz not null,
    seen_at      timestamptz not null,
    lease_ms     bigint      not null check (lease_ms > 0),
    -- The longest that one call of its steps may take.
    call_max_ms  bigint      not null check (call_max_ms >= 0),
    -- What its lanes run: names, and the version of each.
    workflows    text[]      not null,
    versions     integer[]   not null check (cardinality(versions) = cardinality(workflows)),
    primary key (id, bucket)
);

-- How long a saga may be leased without being written: the longest call and a lease. A minute where no node says.
create function usher.lease_silence() returns interval
language sql stable
as $$
    select coalesce(max(lease_ms + call_max_ms), 60000) * interval '1 millisecond' from usher.nodes
$$;
comment on function usher.lease_silence is 'how long a saga may be leased without being written, by what the nodes say of themselves';
