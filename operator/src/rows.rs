//! The service's own rows, and its words: what the desk can't know.

use futures_util::future::BoxFuture;
use orchestrator::{SagaId, tools::Action};
use serde_json::Value;
use sqlx::PgConnection;

/// The service's own rows: of a saga for previews, and by a word for searches.
pub trait Rows: Send + Sync + 'static {
    /// What is shown of them, in the planner's transaction.
    fn of<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
    ) -> BoxFuture<'a, Result<Value, sqlx::Error>>;

    /// The sagas that a word of the service's own names: one of its ids, somebody's name, what another system calls it. A
    /// hundred at most.
    fn find<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        word: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SagaId>, sqlx::Error>> {
        let _ = (connection, word);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// After the commit of an action, outside of its transaction: what may be lost without harm, such as hints to
    /// whoever goes by what was true before. Its failure is told to nobody but the log.
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
