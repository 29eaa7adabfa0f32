-- The sweep reads what is due a page at a time, and goes on where the last page ended. Many sagas are due at one moment:
-- ends of leases lie on a grid, and a transaction has one `now()`. So their order needs the id too. `bucket` stays out:
-- one look serves all lanes of a node. The first column is that of the index that goes, so an older binary keeps its plan.
--
-- Not `concurrently`: it would wait for every other migrator, which waits for this one.
create index sagas_due_in_order on usher.sagas (due_at, id) where due_at is not null;
drop index usher.sagas_due;

-- The same for letters that came before their sagas.
create index mailbox_orphans_in_order on usher.mailbox (received_at, saga_id) where orphan;
drop index usher.mailbox_orphans;

-- Each saga's row is written some ten times in its life, and each time that `due_at` changes leaves a dead entry in the
-- index above, over which every look has to climb. Postgres's own default waits until a fifth of the table is dead.
alter table usher.sagas set (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_limit = 2000
);
alter table usher.outbox set (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_limit = 2000
);
