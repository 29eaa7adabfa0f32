//! News that nobody brought us, or that could not be acted on when it came.

use crate::{
    Service, ServiceError, clock, news,
    rounds::{Round, reached},
};
use chrono::TimeDelta;
use std::time::{Duration, Instant};
use steps::{
    gateway::Fact,
    store::{
        inbox::{self, Waiting},
        payments, reservations,
    },
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
/// Rows that are read at once, and payments of one run: each may cost a request to the gateway.
const ROWS_MAX: i64 = 100;
/// A run that has taken so long leaves the rest to the next: before it is cut off.
const RUN_MAX: Duration = Duration::from_secs(45);

/// Acts on what has come to the inbox lately.
pub async fn sweep_inbox(service: Service) -> Result<(), ServiceError> {
    sweep(&service, &service.rounds.young, YOUNG, SETTLED_IN).await
}

/// Acts on what is in the inbox for longer: rarely, so that what can't be helped doesn't hold up the rest.
pub async fn sweep_old_inbox(service: Service) -> Result<(), ServiceError> {
    sweep(&service, &service.rounds.old, TRIED_FOR, YOUNG).await
}

/// Acts on what waits in the inbox and is at most `oldest` and at least `youngest` old: on all of it, or for as long as a
/// run may take.
async fn sweep(
    service: &Service,
    round: &Round,
    oldest: TimeDelta,
    youngest: TimeDelta,
) -> Result<(), ServiceError> {
    let began = Instant::now();
    while began.elapsed() < RUN_MAX {
        let mut connection = service.connection().await?;
        let now = clock::now(&mut connection).await?;
        let (from, before, after) = (now - oldest, now - youngest, reached(round).clone());
        let waiting = inbox::list_waiting(&mut connection, from, before, after.as_ref(), ROWS_MAX).await?;
        drop(connection);
        let is_last = (waiting.len() as i64) < ROWS_MAX;
        for row in waiting {
            // Noted first: one that takes for ever is not what the next run begins with.
            *reached(round) = Some(row.place());
            act(service, row).await;
        }
        if is_last {
            *reached(round) = None;
            break;
        }
    }
    Ok(())
}

async fn act(service: &Service, row: Waiting) {
    let fact: Fact = match serde_json::from_value(row.fact) {
        Ok(fact) => fact,
        Err(error) => {
            tracing::error!(event = row.key.event_id, %error, "a fact in the inbox can't be read");
            return;
        }
    };
    if let Err(error) = news::act(service, &row.key, &fact).await {
        tracing::warn!(event = row.key.event_id, ?error, "news stays in the inbox for now");
    }
}

/// Asks the gateway about payments of which nobody has told us anything for a while.
pub async fn ask_for_news(service: Service) -> Result<(), ServiceError> {
    let mut connection = service.connection().await?;
    let now = clock::now(&mut connection).await?;
    let silent =
        payments::list_without_news(&mut connection, now - TRIED_FOR, now - NEWS_DUE, ROWS_MAX).await?;
    drop(connection);
    for payment in silent {
        let mut connection = service.connection().await?;
        let Some(row) = payments::find(&mut connection, payment).await? else { continue };
        let Some(reservation) = reservations::find(&mut connection, row.reservation).await? else { continue };
        drop(connection);
        news::ask(&service, reservation.saga).await?;
    }
    Ok(())
}

/// Reads back from the gateway what no webhook brought.
pub async fn read_events_back(service: Service) -> Result<(), ServiceError> {
    let since = clock::now(&mut *service.connection().await?).await? - READ_BACK;
    let found = news::read_back(&service, since).await?;
    if found > 0 {
        tracing::warn!(events = found, "events came by no webhook and were read back");
    }
    Ok(())
}

/// Says what lies in the inbox and nobody could act on.
pub async fn report_parked(service: Service) -> Result<(), ServiceError> {
    let parked = super::store::count_parked(&mut *service.connection().await?).await?;
    metrics::gauge!(PARKED).set(parked as f64);
    if parked > 0 {
        tracing::error!(
            events = parked,
            "news lies in the inbox that nobody can act on; `usher verify` lists it"
        );
    }
    Ok(())
}
