-- A saga is shown with the webhooks about its payments. One entry a webhook, about 40 bytes of log; a row that is
-- acted on changes its state, which is in the predicate of another index already, so no update is made dearer.
create index inbox_by_payment on booking.inbox (payment_id) where payment_id is not null;
