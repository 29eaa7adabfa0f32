-- A step may emit too, and several messages at once: `ordinal` numbers those of one journal entry. A saga's messages
-- are in order of (position, ordinal). A binary that knows nothing of it writes one message an entry: ordinal 0.

alter table usher.outbox add column ordinal integer not null default 0 check (ordinal >= 0);
alter table usher.outbox drop constraint outbox_pkey;
alter table usher.outbox add primary key (saga_id, bucket, position, ordinal);
