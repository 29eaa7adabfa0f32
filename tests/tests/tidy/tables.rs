//! Tables: the bucket in every key, and nothing that a distributed Postgres refuses.

use sqlx::PgPool;
use tests::support::Database;

/// The service's schemas, without the list of its migrations.
const OURS: &str = "n.nspname in ('usher', 'booking') and c.relname <> 'migrations'";

async fn assert_none(what: &str, query: String) {
    let database = Database::fresh().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&pool).await.unwrap();
    assert!(found.is_empty(), "{what}: {found:#?}");
}

#[tokio::test]
async fn every_table_has_the_bucket_in_its_primary_key() {
    let query = format!(
        "select c.oid::regclass::text
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where {OURS} and c.relkind in ('r', 'p') and not exists (
            select from pg_index i
            join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) and a.attname = 'bucket'
            where i.indrelid = c.oid and i.indisprimary
        )"
    );
    assert_none("no bucket in the primary key", query).await;
}

#[tokio::test]
async fn every_unique_index_has_the_bucket() {
    let query = format!(
        "select i.indexrelid::regclass::text
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_namespace n on n.oid = c.relnamespace
        where {OURS} and i.indisunique and not exists (
            select from pg_attribute a
            where a.attrelid = c.oid and a.attnum = any(i.indkey) and a.attname = 'bucket'
        )"
    );
    assert_none("no bucket in a unique index", query).await;
}

#[tokio::test]
async fn every_foreign_key_stays_in_its_bucket() {
    let query = format!(
        "select k.conname::text
        from pg_constraint k
        join pg_class c on c.oid = k.conrelid
        join pg_namespace n on n.oid = c.relnamespace
        where {OURS} and k.contype = 'f' and not exists (
            select
            from unnest(k.conkey, k.confkey) as pair (own, theirs)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.own and a.attname = 'bucket'
            join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.theirs and b.attname = 'bucket'
        )"
    );
    assert_none("a foreign key that crosses buckets", query).await;
}

#[tokio::test]
async fn there_is_nothing_that_a_distributed_postgres_refuses() {
    let query = "select 'trigger ' || t.tgname from pg_trigger t where not t.tgisinternal
        union all
        select 'sequence ' || c.oid::regclass::text from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'S' and n.nspname in ('usher', 'booking')
        union all
        select 'enum ' || t.typname from pg_type t where t.typtype = 'e'";
    assert_none("refused by a distributed Postgres", query.to_owned()).await;
}

#[tokio::test]
async fn every_column_of_json_says_what_is_in_it() {
    let query = format!(
        "select c.oid::regclass::text || '.' || a.attname
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where {OURS} and c.relkind in ('r', 'p') and not c.relispartition
          and a.atttypid in ('json'::regtype, 'jsonb'::regtype)
          and col_description(c.oid, a.attnum) is null"
    );
    assert_none("no comment on a json column", query).await;
}
