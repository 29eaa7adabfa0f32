//! `usher events tail --failed`: what did not arrive, to whom, and why.

use super::{
    super::{moment::Moment, out},
    tail::{TailError, in_a_line, json, print},
};
use chrono::{DateTime, Utc};
use orchestrator::{SagaId, outbox::Which};
use service::clock::now;
use service::outbox::{
    event::CloudEvent,
    store::undelivered::{self, Undelivered},
};
use sqlx::PgConnection;

/// The most lines that are printed. Somebody is called long before there are more.
const LINES_MAX: usize = 1_000;

/// Prints the messages that are late or were given up, oldest first.
pub(super) async fn print_failed(
    connection: &mut PgConnection,
    types: &[String],
    saga: Option<SagaId>,
    since: Option<Moment>,
    as_json: bool,
) -> Result<(), TailError> {
    let now = now(connection).await?;
    let from = since.map_or(DateTime::<Utc>::UNIX_EPOCH, |since| since.from(now));
    for one in undelivered::read(connection, &Which { kinds: types, saga }, from, LINES_MAX).await? {
        let Undelivered { message, subscription, url, attempts, last_error, failed_at } = &one;
        let event = CloudEvent::of(message);
        let state = if failed_at.is_some() { "given up" } else { "late" };
        if as_json {
            let line = serde_json::json!({
                "event": event, "subscription": subscription, "url": url, "state": state, "attempts": attempts,
                "last_error": last_error, "failed_at": failed_at,
            });
            print(&json(&line))?;
        } else {
            let line = in_a_line(&event, message.decided_at);
            let error = last_error.as_deref().unwrap_or("not tried yet");
            let tries = out::count(usize::try_from(*attempts).unwrap_or_default(), "attempt");
            print(&format!("{line}  {state} after {tries}, to {url}: {error}"))?;
        }
    }
    Ok(())
}
