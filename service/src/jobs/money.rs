//! News that no webhook brought, or that could not be acted on when it came.

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

/// Counts news in the inbox that could not be acted on within its bound and needs a person.
const PARKED: &str = "usher_inbox_parked";

/// How long news is tried again before only a person can help.
const TRIED_FOR: TimeDelta = TimeDelta::hours(24);
/// News that is older than this is tried less often.
const YOUNG: TimeDelta = TimeDelta::minutes(3);
/// News that is younger than this is still being acted on by the node that took it.
const SETTLED_IN: TimeDelta = TimeDelta::seconds(3);
/// How long we wait for a webhook before we ask. It usually comes within seconds, and asking sooner would only duplicate it.
const NEWS_DUE: TimeDelta = TimeDelta::seconds(20);
/// How far back events are read. The reconciliation finds what was lost earlier.
const READ_BACK: TimeDelta = TimeDelta::hours(1);
/// Rows of one statement, and payments of one run: each may cost a request to the gateway.
const ROWS_MAX: i64 = 100;
/// A run that has taken this long leaves the rest to the next run, before it is cut off.
const RUN_MAX: Duration = Duration::from_secs(45);

/// Acts on news that came to the inbox lately.
pub async fn sweep_inbox(service: Service) -> Result<(), ServiceError> {
    sweep(&service, &service.rounds.young, YOUNG, SETTLED_IN).await
}

/// Acts on older news in the inbox. It runs rarely, so that news that nobody can act on doesn't hold up the rest.
pub async fn sweep_old_inbox(service: Service) -> Result<(), ServiceError> {
    sweep(&service, &service.rounds.old, TRIED_FOR, YOUNG).await
}

/// Acts on news that waits in the inbox and is between `youngest` and `oldest` old: on all of it, or for as long as a
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
            // The position is noted first, so that the next run doesn't begin with news that takes for ever.
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
    if let Err(error) = news::act_again(service, &row.key, &fact).await {
        tracing::warn!(
            event = row.key.event_id,
            ?error,
            "a webhook could not be acted on and stays in the inbox for now"
        );
    }
}

/// Asks the gateway about payments that we have heard nothing of for a while.
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

/// Reads back events that no webhook brought.
pub async fn read_events_back(service: Service) -> Result<(), ServiceError> {
    let since = clock::now(&mut *service.connection().await?).await? - READ_BACK;
    let found = news::read_back(&service, since).await?;
    if found > 0 {
        tracing::warn!(events = found, "events were read back because no webhook brought them");
    }
    Ok(())
}

/// Reports news in the inbox that nobody could act on.
pub async fn report_parked(service: Service) -> Result<(), ServiceError> {
    let parked = super::store::count_parked(&mut *service.connection().await?).await?;
    metrics::gauge!(PARKED).set(parked as f64);
    if parked > 0 {
        tracing::error!(
            events = parked,
            "the inbox has news that nobody can act on; `usher verify` lists it"
        );
    }
    Ok(())
}
