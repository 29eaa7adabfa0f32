-- A step may emit too, and several messages at once: `ordinal` numbers those of one journal entry. A saga's messages
-- are in order of (position, ordinal). A binary that knows nothing of it writes one message an entry: ordinal 0.

alter table usher.outbox add column ordinal integer not null default 0 check (ordinal >= 0);
alter table usher.outbox drop constraint outbox_pkey;
alter table usher.outbox add primary key (saga_id, bucket, position, ordinal);

-- Messages come in the order of time, and are read and deleted by it.
create index outbox_by_age on usher.outbox using brin (created_at) with (autosummarize = on);

comment on column usher.outbox.delivered_at is
    'when it was handed to whoever delivers it; how far that is, is not the engine''s to know';
