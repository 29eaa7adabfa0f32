-- Money at the gateway that carries our ids and that our books have lost: who gave it back, why, and how.

alter table booking.cases
    add column given_back_at timestamptz,
    add column given_back_by text,
    add column given_back_why text,
    add column given_back_how text,
    add constraint given_back_ties check (
        (given_back_at is null) = (given_back_by is null) and (given_back_at is null) = (given_back_why is null)
        and (given_back_at is not null or given_back_how is null)
    );
comment on column booking.cases.given_back_at is 'when somebody asked for it; the request may have left from then on, always under the same key';
comment on column booking.cases.given_back_how is 'what the gateway answered; null until it has';
comment on column booking.cases.payment_id is 'our payment; where our books have none, the one that the gateway''s metadata names';
