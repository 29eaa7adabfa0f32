//! The migrations: they run once, and the schema that they leave follows the rules for keys and columns.

use crate::support::{database, empty_database};

#[tokio::test]
async fn two_migrators_at_once_leave_one_schema() {
    let database = empty_database().await;
    let (mut one, mut other) = (database.connect().await, database.connect().await);
    let (first, second) = tokio::join!(steps::migrate(&mut one), steps::migrate(&mut other));
    first.unwrap();
    second.unwrap();
    let applied: i64 = sqlx::query_scalar("select count(*) from booking.migrations where success")
        .fetch_one(&mut one)
        .await
        .unwrap();
    let files =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/booking")).unwrap().count();
    assert_eq!(applied, files as i64);
}

#[tokio::test]
async fn a_database_ahead_of_this_binary_is_left_alone() {
    let database = database().await;
    let mut connection = database.connect().await;
    sqlx::query(
        "insert into booking.migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, '', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    steps::migrate(&mut connection).await.unwrap();
}

#[tokio::test]
async fn every_key_names_the_bucket_and_every_jsonb_column_is_explained() {
    let database = database().await;
    let mut connection = database.connect().await;
    let without_bucket: Vec<String> = sqlx::query_scalar(
        "select i.indexrelid::regclass::text
         from pg_index as i join pg_class as c on c.oid = i.indrelid join pg_namespace as n on n.oid = c.relnamespace
         where n.nspname = 'booking' and i.indisunique and c.relname <> 'migrations'
             and not exists (
                 select from pg_attribute as a
                 where a.attrelid = c.oid and a.attnum = any (i.indkey) and a.attname = 'bucket')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(without_bucket, Vec::<String>::new());
    let unexplained: Vec<String> = sqlx::query_scalar(
        "select a.attrelid::regclass::text || '.' || a.attname
         from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
         where n.nspname = 'booking' and a.atttypid = 'jsonb'::regtype and col_description(c.oid, a.attnum) is null",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(unexplained, Vec::<String>::new());
}
