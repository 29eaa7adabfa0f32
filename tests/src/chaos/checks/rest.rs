//! Coming to rest: every saga completed or unwound, every webhook acted on, by itself.

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

/// Waits until all is at rest, and says what is not; counted from when nothing went wrong any more.
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
    Rest {
        took: None,
        stuck: list(world.pool(), "state = 'stuck'", false).await.unwrap_or_else(unknown),
        hung: list(world.pool(), "state in ('running', 'waiting', 'unwinding')", true)
            .await
            .unwrap_or_else(unknown),
    }
}

async fn count(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let restless = "select (select count(*) from usher.sagas where state not in ('completed', 'unwound'))
        + (select count(*) from booking.inbox where state in ('PENDING', 'UNMATCHED'))";
    sqlx::query_scalar(restless).fetch_one(pool).await
}

/// Row and journal of each saga that is so, and webhooks if they count.
async fn list(pool: &PgPool, so: &'static str, with_inbox: bool) -> Result<Vec<String>, sqlx::Error> {
    let sagas = format!(
        "select 'saga ' || id || E'\\n  row ' || row_to_json(s)::text || coalesce((
            select string_agg(E'\\n  ' || j.position || ' ' || j.kind || ' ' || j.body::text || ' @ ' || j.written_at, '' order by j.position)
            from usher.journal_entries j where j.saga_id = s.id and j.bucket = s.bucket), '')
            || coalesce((select string_agg(E'\\n  letter ' || row_to_json(m)::text, '')
            from usher.mailbox m where m.saga_id = s.id and m.bucket = s.bucket), '')
        from usher.sagas s where {so} order by id"
    );
    let mut found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sagas)).fetch_all(pool).await?;
    if with_inbox {
        let inbox = "select 'webhook ' || row_to_json(i)::text from booking.inbox i where state in ('PENDING', 'UNMATCHED')";
        found.extend(sqlx::query_scalar::<_, String>(inbox).fetch_all(pool).await?);
    }
    Ok(found)
}
