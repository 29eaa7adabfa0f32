//! Reads events back from the gateway that no webhook brought us, however it was lost.

use super::{act, kind, park, receive};
use crate::{Service, ServiceError};
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use steps::{
    gateway::{Event, EventId},
    store::inbox,
};

/// Pages of one run. Events beyond them are older, and the next run or the reconciliation finds them.
const PAGES_MAX: usize = 40;

/// Takes in the gateway's events since `since` that are not in the inbox. Returns their number.
///
/// An event that is read back gets an id of its own, because its bytes differ from the webhook's. If the webhook still
/// comes, there are two events for one fact. This must run in a task of its own, as [`act`] must.
///
/// # Errors
/// The database or the engine failed. A gateway that doesn't answer is not an error: it is asked again later.
pub async fn read_back(service: &Service, since: DateTime<Utc>) -> Result<usize, ServiceError> {
    let (mut after, mut found): (Option<EventId>, usize) = (None, 0);
    for _ in 0..PAGES_MAX {
        let page = match service.gateway.events(since, after.as_ref()).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "events could not be read back; this is tried again later");
                return Ok(found);
            }
        };
        found += take_in(service, page.items).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
    tracing::warn!(pages = PAGES_MAX, "there are more events than one run reads back");
    Ok(found)
}

async fn take_in(service: &Service, events: Vec<Event>) -> Result<usize, ServiceError> {
    let matters = |event: &Event| event.fact.as_ref().map_or(true, |fact| kind(&fact.kind).is_some());
    let events: Vec<Event> = events.into_iter().filter(matters).collect();
    let ids = events.iter().flat_map(|event| [event.id.to_string(), ours(&event.id)]).collect::<Vec<_>>();
    let known =
        inbox::list_known(&mut *service.connection().await?, service.gateway.provider(), &ids).await?;
    let known: HashSet<String> = known.into_iter().collect();
    let mut found = 0;
    // The oldest come first, in the order in which they happened.
    for Event { id, body, fact } in events.into_iter().rev() {
        if known.contains(id.as_str()) || known.contains(&ours(&id)) {
            continue;
        }
        let mut fact = match fact {
            Ok(fact) => fact,
            Err(error) => {
                park(service, service.gateway.provider(), body.as_bytes(), &error).await?;
                continue;
            }
        };
        fact.event_id = EventId::new(ours(&id));
        let received = receive(service, fact, body.as_bytes()).await?;
        if received.to_act_on {
            found += 1;
            act(service, &received.key, &received.fact).await?;
        }
    }
    Ok(found)
}

fn ours(id: &EventId) -> String {
    format!("read:{id}")
}
