//! Rows that the transaction under way has changed, by Postgres's own count.

use crate::plan::Touched;
use sqlx::PgConnection;

/// The number of rows that this transaction has changed so far, by table, by Postgres's own count.
pub(crate) async fn read(connection: &mut PgConnection) -> Result<Vec<Touched>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select schemaname || '.' || relname as "table!", n_tup_ins as "inserted!", n_tup_upd as "updated!",
               n_tup_del as "deleted!"
        from pg_stat_xact_user_tables
        where n_tup_ins + n_tup_upd + n_tup_del > 0
        order by 1
        "#
    )
    .fetch_all(connection)
    .await?;
    let touched = rows.into_iter().map(|row| Touched {
        table: row.table,
        inserted: row.inserted,
        updated: row.updated,
        deleted: row.deleted,
    });
    Ok(touched.collect())
}
