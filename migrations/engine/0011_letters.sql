-- The letters of one name in the order in which they count: of a saga that gets very many, only the next ones are read.
create index mailbox_in_order on usher.mailbox (saga_id, bucket, kind, name, received_at, sender);
