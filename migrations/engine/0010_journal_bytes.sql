-- How long a saga's journal is in bytes of JSON: a bound must be known before the journal is read. Journals that began
-- before this column count from where they are now.
alter table usher.sagas add column journal_bytes bigint not null default 0;
