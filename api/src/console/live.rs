//! `/console/live?page=…`: the parts of a page that have changed, as server-sent events.
//!
//! The server writes the whole page again at intervals and sends the parts whose text has changed. So live parts are what a
//! reload would show, and there is no second way of writing them.

use super::{address::Address, page::Part, pages, session::Visitor};
use crate::console::Console;
use crate::http::{Problem, ProblemType};
use axum::{
    Extension,
    extract::{Query, State},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use chrono::Utc;
use futures_util::stream;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, convert::Infallible, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// The interval between two versions of a page: short enough for people, long enough for the database.
const EVERY: Duration = Duration::from_millis(1_500);
/// How long a page may take before people are told that what they see is out of date.
const PAGE_MAX: Duration = Duration::from_secs(5);
/// How long browsers wait before they reconnect after a stream has ended.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);

/// The page that is kept live.
#[derive(Debug, Deserialize)]
pub struct LiveQuery {
    page: String,
}

/// One page that is kept live.
struct Live {
    console: Console,
    visitor: Visitor,
    address: Address,
    sent: HashMap<&'static str, [u8; 32]>,
    begun: bool,
    over: bool,
    _place: OwnedSemaphorePermit,
}

/// Sends changes until the browser leaves, the session ends or this node stops.
pub async fn stream(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<LiveQuery>,
) -> Result<Response, Problem> {
    let address = Address::of(&query.page).ok_or_else(Problem::not_found)?;
    let place = console.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(ProblemType::QuotaExceeded, "this node is keeping as many pages live as it can")
            .retry_after(Duration::from_secs(30))
    })?;
    let live =
        Live { console, visitor, address, sent: HashMap::new(), begun: false, over: false, _place: place };
    let events = stream::unfold(live, async |mut live| {
        let events = live.next().await?;
        Some((stream::iter(events.into_iter().map(Ok::<_, Infallible>)), live))
    });
    Ok(Sse::new(futures_util::StreamExt::flatten(events)).into_response())
}

impl Live {
    /// The next events to send; `None` once the stream is over.
    async fn next(&mut self) -> Option<Vec<Event>> {
        if self.over {
            return None;
        }
        if !std::mem::replace(&mut self.begun, true) {
            return Some(vec![Event::default().retry(RECONNECT_AFTER).event("begun").data("")]);
        }
        let console = self.console.clone();
        console.service.while_staying(tokio::time::sleep(EVERY)).await?;
        if !self.visitor.is_still_there(&console, Utc::now()).await {
            self.over = true;
            return Some(vec![Event::default().event("signed-out").data("")]);
        }
        let page = pages::write(&console, &self.visitor, &self.address);
        let page = console.service.while_staying(tokio::time::timeout(PAGE_MAX, page)).await?;
        let parts = match page {
            Ok(Ok(page)) => page.parts,
            // The browser is told, and we try again. What is on the screen stays there.
            Ok(Err(problem)) => {
                return Some(vec![Event::default().event("trouble").data(problem.kind.title())]);
            }
            Err(_) => return Some(vec![Event::default().event("trouble").data("the page takes too long")]),
        };
        let mut events: Vec<Event> = parts.into_iter().filter_map(|part| self.changed(part)).collect();
        events.push(Event::default().event("at").data(Utc::now().format("%H:%M:%S").to_string()));
        Some(events)
    }

    fn changed(&mut self, part: Part) -> Option<Event> {
        let Part::Live(id, content) = part else { return None };
        let html = content.into_string();
        let hash = Sha256::digest(&html).into();
        if self.sent.insert(id, hash) == Some(hash) {
            return None;
        }
        let data = serde_json::json!({ "id": id, "html": html });
        Some(Event::default().event("part").data(data.to_string()))
    }
}
