//! Coming to rest: every saga completed or unwound, every webhook acted on, by itself.

use super::saga::sagas_that;
use crate::chaos::{pace, world::World};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::Instant;

/// After the last fault everything is at rest within this, by itself.
pub(in super::super) const REST_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A webhook may be on its way between two looks, so it takes more than one.
const LOOKS: usize = 3;

/// How it came to rest, or did not.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Rest {
    /// How long it took; none if it never did.
    pub took: Option<Duration>,
    /// Sagas that need a person. Nothing that a run does is a reason to need one: the gateway tells no lies, and every step
    /// ends once what it needs is back.
    pub stuck: Vec<String>,
    /// Sagas that are neither at rest nor stuck, and webhooks that nobody acted on.
    pub hung: Vec<String>,
}

/// Waits until all is at rest, at most [`REST_MAX`] from `healed` on, and says what is not.
pub(in super::super) async fn come_to_rest(world: &World, healed: Instant) -> Rest {
    let mut quiet = 0;
    while healed.elapsed() < REST_MAX {
        let restless = count(world.pool()).await;
        quiet = if restless.is_ok_and(|count| count == 0) { quiet + 1 } else { 0 };
        if quiet == LOOKS {
            return Rest { took: Some(healed.elapsed()), ..Rest::default() };
        }
        pace::pass(LOOK_EVERY).await;
    }
    let unknown = |error: sqlx::Error| vec![format!("the database could not be asked: {error}")];
    let pool = world.pool();
    let stuck = sagas_that(pool, "s.state = 'stuck'").await.unwrap_or_else(unknown);
    let moving = "s.state in ('running', 'waiting', 'unwinding')";
    let mut hung = sagas_that(pool, moving).await.unwrap_or_else(unknown);
    hung.extend(webhooks(pool).await.unwrap_or_else(unknown));
    Rest { took: None, stuck, hung }
}

async fn count(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let restless = "select (select count(*) from usher.sagas where state not in ('completed', 'unwound'))
        + (select count(*) from booking.inbox where state in ('PENDING', 'UNMATCHED'))";
    sqlx::query_scalar(restless).fetch_one(pool).await
}

/// Webhooks that nobody acted on.
async fn webhooks(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let waiting = "select 'webhook ' || row_to_json(i)::text
        from booking.inbox i where state in ('PENDING', 'UNMATCHED')";
    sqlx::query_scalar(waiting).fetch_all(pool).await
}
