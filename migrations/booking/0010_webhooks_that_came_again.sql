-- How often the same webhook came again: for whoever looks at one saga, and wonders what its gateway does.

alter table booking.inbox
    add column duplicates integer not null default 0 check (duplicates >= 0),
    add column last_duplicate_at timestamptz,
    add constraint duplicates_tie check ((duplicates = 0) = (last_duplicate_at is null));

comment on column booking.inbox.duplicates is 'how often the same event came again with the same body; nothing was done about it';
