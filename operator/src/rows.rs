//! The service's own rows and words, which the desk can't know.

use futures_util::future::BoxFuture;
use orchestrator::{SagaId, tools::Action};
use serde_json::Value;
use sqlx::PgConnection;

/// The service's own rows: those of a saga for previews, and a search by a word.
pub trait Rows: Send + Sync + 'static {
    /// The rows of a saga as they are shown, read in the planner's transaction.
    fn of<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
    ) -> BoxFuture<'a, Result<Value, sqlx::Error>>;

    /// The sagas that a word of the service names, at most a hundred: one of its ids, somebody's name, or a name from another
    /// system.
    fn find<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        word: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SagaId>, sqlx::Error>> {
        let _ = (connection, word);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Runs after the commit of an action, outside its transaction. It may be lost without harm: for example hints to those who
    /// know the old state. If it fails, that is only logged.
    fn acted<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
        action: &'a Action,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        let _ = (connection, saga, action);
        Box::pin(async { Ok(()) })
    }
}
