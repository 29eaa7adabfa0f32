-- What operators do: pauses that say who and why, causes that can be grouped, and an audit that can't be changed unseen.

alter table usher.sagas
    add column paused_by      text,
    add column paused_why     text,
    -- What stuck sagas have in common: step, kind of error, version. Hashed for lists, in words for people.
    add column fingerprint    bytea,
    add column cause          text,
    add column first_stuck_at timestamptz;

create index sagas_fingerprint on usher.sagas (fingerprint, id) where fingerprint is not null;
create index sagas_paused on usher.sagas (id) where paused;

-- Each row's hash covers the row and the hash before it, in its bucket. Rows of a node that doesn't chain yet have none.
alter table usher.audit
    add column seq       bigint check (seq > 0),
    add column prev_hash bytea,
    add column hash      bytea,
    add constraint audit_chained check ((seq is null) = (hash is null) and (seq is null) = (prev_hash is null));

create unique index audit_chain on usher.audit (seq, bucket) where seq is not null;

-- The end of each bucket's chain, locked by whoever adds to it.
create table usher.audit_heads (
    bucket  smallint  not null check (bucket between 0 and 1023),
    seq     bigint    not null check (seq >= 0),
    hash    bytea     not null,
    primary key (bucket)
);
comment on table usher.audit_heads is 'the last row of the audit''s chain in each bucket';
