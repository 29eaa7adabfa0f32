//! What each role may do with each table, view and function, in one transaction.

use super::{Purpose, RoleName};
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Tables whose rows must stay: a role that serves may read and add.
const APPEND_ONLY: [&str; 3] = ["usher.journal", "usher.audit", "booking.ledger"];

/// Tables whose rows are added, and removed with their saga, but never changed.
const ADDED_AND_REMOVED: [&str; 2] = ["usher.attempts", "usher.labels"];

/// Tables that only migrators write.
const OF_MIGRATORS: [&str; 2] = ["usher.migrations", "booking.migrations"];

/// Tables that a role which only reads must not see, because they hold secrets.
const SECRET: [&str; 1] = ["booking.tokens"];

/// The columns of `booking.subscriptions` without the secret.
const OF_SUBSCRIPTIONS: &str = "select (id, bucket, url, types, created_at, since, failures, failing_since, retry_at, last_error, \
     disabled_at, disabled_because)";

/// Functions that run as the owner for a node that may not make or drop tables.
const FUNCTIONS: &str = "usher.create_journal_week(date), usher.drop_journal_week(date)";

/// Revokes everything from the role and grants it what it needs, in one transaction, so that it is never without rights.
pub(super) async fn renew(
    connection: &mut PgConnection,
    purpose: Purpose,
    role: &RoleName,
) -> Result<(), sqlx::Error> {
    let statements = statements(&tables(connection).await?, purpose, role.as_str());
    // One message is one transaction. Two migrators at the same time would conflict in the catalogue.
    let whole = format!(
        "select pg_advisory_xact_lock(hashtextextended('usher roles', 0));\n{}",
        statements.join(";\n")
    );
    sqlx::raw_sql(AssertSqlSafe(whole)).execute(connection).await?;
    Ok(())
}

/// A table or a view.
struct Table {
    name: String,
    is_view: bool,
}

/// The tables and views of both schemas. A partition is used through its parent.
async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, sqlx::Error> {
    let rows = sqlx::query(
        "select format('%I.%I', n.nspname, c.relname) as name, c.relkind in ('v', 'm') as is_view
         from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('usher', 'booking') and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
         order by 1",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(|row| Table { name: row.get("name"), is_view: row.get("is_view") }).collect())
}

fn statements(tables: &[Table], purpose: Purpose, role: &str) -> Vec<String> {
    let mut statements = vec![
        format!("revoke all on all tables in schema usher, booking from {role}"),
        format!("revoke all on all functions in schema usher, booking from {role}"),
        format!("grant usage on schema usher, booking to {role}"),
    ];
    for table in tables {
        let name = &table.name;
        if let Some(rights) = rights(table, purpose) {
            statements.push(format!("grant {rights} on {name} to {role}"));
        }
    }
    if purpose == Purpose::App {
        statements.push(format!("grant execute on function {FUNCTIONS} to {role}"));
    }
    statements
}

fn rights(table: &Table, purpose: Purpose) -> Option<&'static str> {
    let name = table.name.as_str();
    match purpose {
        Purpose::Read if name == "booking.subscriptions" => Some(OF_SUBSCRIPTIONS),
        Purpose::Read => (!SECRET.contains(&name)).then_some("select"),
        Purpose::App if table.is_view || OF_MIGRATORS.contains(&name) => Some("select"),
        Purpose::App if APPEND_ONLY.contains(&name) => Some("select, insert"),
        Purpose::App if ADDED_AND_REMOVED.contains(&name) => Some("select, insert, delete"),
        Purpose::App => Some("select, insert, update, delete"),
    }
}
