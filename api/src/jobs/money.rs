//! News that nobody brought us, or that could not be acted on when it came.

use crate::{
    http::{App, Problem, store},
    news,
};
use chrono::TimeDelta;
use steps::{
    gateway::Fact,
    store::{inbox, payments, reservations},
};

/// News in the inbox that could not be acted on within its bound, and needs a person.
const PARKED: &str = "usher_inbox_parked";

/// How long news is tried again before only a person can help.
const TRIED_FOR: TimeDelta = TimeDelta::hours(24);
/// News that is older is no longer a matter of seconds.
const YOUNG: TimeDelta = TimeDelta::minutes(3);
/// News that came just now is being acted on by whoever took it.
const SETTLED_IN: TimeDelta = TimeDelta::seconds(3);
/// A webhook is usually there within seconds; asking sooner would only double it.
const NEWS_DUE: TimeDelta = TimeDelta::seconds(20);
/// Events are read back for so long; what was lost longer ago the reconciliation finds.
const READ_BACK: TimeDelta = TimeDelta::hours(1);
/// Rows of one run: each may cost a request to the gateway.
const ROWS_MAX: i64 = 100;

/// Acts on what has come to the inbox lately.
pub async fn sweep_inbox(app: App) -> Result<(), Problem> {
    sweep(&app, YOUNG, SETTLED_IN).await
}

/// Acts on what is in the inbox for longer: rarely, so that what can't be helped doesn't hold up the rest.
pub async fn sweep_old_inbox(app: App) -> Result<(), Problem> {
    sweep(&app, TRIED_FOR, YOUNG).await
}

/// Acts on what waits in the inbox and is at most `oldest` and at least `youngest` old.
async fn sweep(app: &App, oldest: TimeDelta, youngest: TimeDelta) -> Result<(), Problem> {
    let mut connection = app.connection().await?;
    let now = store::now(&mut connection).await?;
    let waiting = inbox::list_waiting(&mut connection, now - oldest, now - youngest, ROWS_MAX).await?;
    drop(connection);
    for row in waiting {
        let fact: Fact = match serde_json::from_value(row.fact) {
            Ok(fact) => fact,
            Err(error) => {
                tracing::error!(event = row.key.event_id, %error, "a fact in the inbox can't be read");
                continue;
            }
        };
        if let Err(problem) = news::act(app, &row.key, &fact).await {
            tracing::warn!(event = row.key.event_id, ?problem, "news stays in the inbox for now");
        }
    }
    Ok(())
}

/// Asks the gateway about payments of which nobody has told us anything for a while.
pub async fn ask_for_news(app: App) -> Result<(), Problem> {
    let mut connection = app.connection().await?;
    let now = store::now(&mut connection).await?;
    let silent =
        payments::list_without_news(&mut connection, now - TRIED_FOR, now - NEWS_DUE, ROWS_MAX).await?;
    drop(connection);
    for payment in silent {
        let mut connection = app.connection().await?;
        let Some(row) = payments::find(&mut connection, payment).await? else { continue };
        let Some(reservation) = reservations::find(&mut connection, row.reservation).await? else { continue };
        drop(connection);
        news::ask(&app, reservation.saga).await?;
    }
    Ok(())
}

/// Reads back from the gateway what no webhook brought.
pub async fn read_events_back(app: App) -> Result<(), Problem> {
    let since = store::now(&mut *app.connection().await?).await? - READ_BACK;
    let found = news::read_back(&app, since).await?;
    if found > 0 {
        tracing::warn!(events = found, "events came by no webhook and were read back");
    }
    Ok(())
}

/// Says what lies in the inbox and nobody could act on.
pub async fn report_parked(app: App) -> Result<(), Problem> {
    let parked = super::store::count_parked(&mut *app.connection().await?).await?;
    metrics::gauge!(PARKED).set(parked as f64);
    if parked > 0 {
        tracing::error!(
            events = parked,
            "news lies in the inbox that nobody can act on; `usher verify` lists it"
        );
    }
    Ok(())
}
