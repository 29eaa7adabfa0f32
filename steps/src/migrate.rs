//! Brings the schema `booking` up to date.

use sqlx::PgConnection;
use sqlx::migrate::{MigrateError, Migrator};

/// Applies the booking's migrations that the database lacks, each in a transaction of its own.
///
/// Two callers at once are safe: the second waits on the migrator's advisory lock and then finds nothing to
/// do. A database that is ahead of this binary is left alone, because migrations expand before they contract
/// and an old binary goes on working. Give it a connection of its own: after an error the lock is kept until
/// the connection is closed.
///
/// # Errors
/// A migration that fails or was changed after it had been applied, or a lost connection.
pub async fn migrate(connection: &mut PgConnection) -> Result<(), MigrateError> {
    migrator().run_direct(None, connection, false).await
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../migrations/booking");
    migrator.create_schema("booking");
    migrator.dangerous_set_table_name("booking.migrations"); // the engine's are apart: it can be migrated alone
    migrator.set_ignore_missing(true);
    migrator
}
