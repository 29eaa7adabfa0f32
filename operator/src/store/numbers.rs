//! Numbers: how many sagas are in trouble, and how late lanes are. They are read through small partial indexes and counted
//! to a bound, so that looking at them never costs a scan.
//!
//! A saga is *overdue* if it has been due for more than a minute, is neither paused nor stuck, and no lane has taken it. That
//! is `usher.is_overdue`, and nothing else: the work-list, these numbers and everything made from them use that function.

use chrono::{DateTime, Utc};
use orchestrator::{SagaId, Stake};
use serde::Serialize;
use sqlx::PgConnection;

/// Sagas in trouble. A saga may be stuck and owe something, but none is stuck and overdue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubled {
    /// The number of sagas that need a person.
    pub stuck: i64,
    /// The number of sagas that no lane takes.
    pub overdue: i64,
    /// The number of sagas that owe a compensation which has failed.
    pub owed: i64,
}

/// Calls whose outcome is unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InDoubt {
    /// The number of sagas with such a call.
    pub sagas: i64,
    /// The money at stake in them, a sum for each currency.
    pub stakes: Vec<Stake>,
    /// When the oldest of them came in doubt.
    pub oldest: Option<DateTime<Utc>>,
}

/// Counts sagas in trouble, each kind to `at_most`.
///
/// # Errors
/// The database failed.
pub async fn count_troubled(connection: &mut PgConnection, at_most: i64) -> Result<Troubled, sqlx::Error> {
    sqlx::query_as!(
        Troubled,
        r#"
        select
            (select count(*) from (
                select from usher.sagas where state = 'stuck' limit $1
             ) as stuck) as "stuck!",
            (select count(*) from (
                select from usher.sagas where usher.is_overdue(due_at, state, paused) limit $1
             ) as late) as "overdue!",
            (select count(*) from (
                select from usher.sagas where trouble = 'owed' limit $1
             ) as owed) as "owed!"
        "#,
        at_most,
    )
    .fetch_one(connection)
    .await
}

/// Counts sagas in doubt to `at_most`, and adds up what is at stake in them.
///
/// # Errors
/// The database failed.
pub async fn count_in_doubt(connection: &mut PgConnection, at_most: i64) -> Result<InDoubt, sqlx::Error> {
    let counted = sqlx::query!(
        r#"
        select count(*) as "sagas!", min(troubled_at) as oldest
        from (select troubled_at from usher.sagas where trouble = 'in_doubt' limit $1) as doubtful
        "#,
        at_most,
    )
    .fetch_one(&mut *connection)
    .await?;
    let money = sqlx::query!(
        r#"
        select stake -> 'money' ->> 'currency' as "currency!", sum((stake -> 'money' ->> 'minor')::bigint)::bigint as "minor!"
        from (
            select stakes from usher.sagas where trouble = 'in_doubt' and stakes is not null limit $1
        ) as doubtful
        cross join lateral json_array_elements(stakes) as stake
        where stake -> 'money' is not null
        group by 1
        order by 1
        "#,
        at_most,
    )
    .fetch_all(connection)
    .await?;
    let stakes = money.into_iter().map(|sum| Stake::Money { minor: sum.minor, currency: sum.currency });
    Ok(InDoubt { sagas: counted.sagas, stakes: stakes.collect(), oldest: counted.oldest })
}

/// How long the oldest due saga has waited for a lane, in seconds; zero if none waits.
///
/// # Errors
/// The database failed.
pub async fn oldest_due_s(connection: &mut PgConnection) -> Result<f64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select coalesce(extract(epoch from now() - (
            select due_at from usher.sagas
            where due_at < now() and not paused and not leased
            order by due_at
            limit 1
        ))::double precision, 0) as "oldest!"
        "#
    )
    .fetch_one(connection)
    .await
}

/// The sagas of a workflow that don't move: stuck, paused, in trouble or overdue. At most `at_most` of each kind.
///
/// # Errors
/// The database failed.
pub async fn list_standing_still(
    connection: &mut PgConnection,
    workflow: &str,
    at_most: i64,
) -> Result<Vec<SagaId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        (select id as "id!" from usher.sagas where workflow = $1 and state = 'stuck' limit $2)
        union
        (select id from usher.sagas where workflow = $1 and paused limit $2)
        union
        (select id from usher.sagas where workflow = $1 and trouble is not null limit $2)
        union
        (select id from usher.sagas where workflow = $1 and usher.is_overdue(due_at, state, paused) limit $2)
        "#,
        workflow,
        at_most,
    )
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(SagaId::from_uuid).collect())
}
