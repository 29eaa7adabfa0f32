//! The one way to own a transaction.
//!
//! A future may be dropped at any `await`: a caller hangs up, or a job has used its time. sqlx sends `begin` before it
//! counts the transaction. If the future is dropped in between, the transaction stays open in the pool, and the connection's
//! next user writes into a transaction that nobody commits. A dropped commit may have happened, but what should follow it
//! does not. So all of it runs in a task that shutdown waits for, and the caller only waits for the answer.

use futures_util::future::BoxFuture;
use sqlx::{Connection, PgConnection, PgPool};
use std::panic;
use tokio_util::task::TaskTracker;

/// How a transaction ends if there was no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<T> {
    /// It is committed.
    Commit(T),
    /// It is rolled back, which is not an error.
    RollBack(T),
}

/// Does `work` in a transaction of its own, in a task of its own. An error rolls back.
///
/// The caller must not hold a connection of the same pool meanwhile. If all callers did, nobody would get a second one.
///
/// # Errors
/// The error of `work`, or the database failed.
#[expect(clippy::disallowed_methods, reason = "here it can't be dropped half-way")]
pub async fn transaction<T, E, W>(pool: &PgPool, tasks: &TaskTracker, work: W) -> Result<T, E>
where
    T: Send + 'static,
    E: From<sqlx::Error> + Send + 'static,
    W: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<Ending<T>, E>> + Send + 'static,
{
    let pool = pool.clone();
    let task = tasks.spawn(async move {
        let mut connection = pool.acquire().await?;
        let mut tx = Connection::begin(&mut *connection).await?;
        match work(&mut tx).await? {
            Ending::Commit(done) => tx.commit().await.map(|()| done).map_err(E::from),
            Ending::RollBack(done) => tx.rollback().await.map(|()| done).map_err(E::from),
        }
    });
    match task.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => panic::resume_unwind(panic),
        // Only the end of the runtime aborts it.
        Err(Err(aborted)) => Err(sqlx::Error::Io(std::io::Error::other(aborted)).into()),
    }
}
