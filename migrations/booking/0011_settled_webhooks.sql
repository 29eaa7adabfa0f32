-- A webhook that nobody can act on and that a person has dealt with: by whom, and how. It leaves the work-list and moves no
-- money. A binary that doesn't know the state passes it over.

alter table booking.inbox
    add column settled_by text,
    add column settled_why text,
    drop constraint state_ties,
    add constraint state_ties check (
        case state
            when 'PENDING' then kind is not null and payment_id is not null and applied_at is null
            when 'UNMATCHED' then kind is not null and payment_id is null and applied_at is null
            when 'APPLIED' then kind is not null and payment_id is not null and applied_at is not null
            when 'IGNORED' then applied_at is null
            when 'SETTLED' then applied_at is not null and settled_by <> '' and settled_why <> ''
            else false
        end
    ),
    add constraint settled_ties check ((state = 'SETTLED') = (settled_by is not null) and (settled_by is null) = (settled_why is null));
comment on column booking.inbox.applied_at is 'when it was acted on, or settled by a person';
