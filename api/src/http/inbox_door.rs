//! What webhooks may take of this node: bounds of their own beside those of customers' requests.
//!
//! A gateway that catches up after an outage sends hundreds of webhooks at once, and anybody may send forged ones. None
//! is lost by being refused, for the sender comes again; a database that is drowned in inserts would hurt everyone. So
//! there are three gates, each cheaper to be refused at than the next is to pass: being read (memory), being stored
//! (connections), and being acted on (connections and the gateway). What isn't acted on at once is in the inbox, where
//! the sweep finds it.

use super::{
    problem::{Problem, ProblemType},
    telemetry,
};
use service::{
    Service,
    news::{self, Received},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

/// Webhooks in memory at once: with the largest bodies 64 MiB.
const READING_MAX: usize = 256;

/// The part of the node's connections that may store webhooks at once, and again that may act on them: a quarter each,
/// so that half are left for customers.
const CONNECTIONS_PART: usize = 4;
/// More than so many at once is no faster.
const CONNECTIONS_MAX: usize = 8;

/// How long a webhook waits for its turn to be stored; senders wait ten seconds and more for an answer.
const TURN_MAX: Duration = Duration::from_secs(2);

/// Facts that wait in memory to be acted on. More are left to the sweep of the inbox.
const WAITING_MAX: usize = 4096;

/// When a refused sender should come back.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The gates.
#[derive(Debug)]
pub struct InboxDoor {
    reading: Semaphore,
    storing: Semaphore,
    acting: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl InboxDoor {
    /// Gates for a node with so many connections for requests and jobs.
    pub fn new(connections: u32) -> Self {
        let part = (connections as usize / CONNECTIONS_PART).clamp(1, CONNECTIONS_MAX);
        Self {
            reading: Semaphore::new(READING_MAX),
            storing: Semaphore::new(part),
            acting: Arc::new(Semaphore::new(part)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// The right to be read.
    ///
    /// # Errors
    /// 503 if too many are; not a byte of the body has been read.
    pub fn enter(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.reading.try_acquire().map_err(|_| flooded("reading"))
    }

    /// The right to be stored, after a moment's wait.
    ///
    /// # Errors
    /// 503 if it takes too long; the body has been proven, not parsed.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        match timeout(TURN_MAX, self.storing.acquire()).await {
            Ok(turn) => Ok(turn.expect("the gates are never closed")),
            Err(_) => Err(flooded("storing")),
        }
    }

    /// Acts on a fact that was stored, soon. If this fails, or the node dies here, the sweep of the inbox does it.
    pub fn act_soon(&self, service: &Service, received: Received) {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else { return };
        let (worker, acting) = (service.clone(), Arc::clone(&self.acting));
        service.tasks.spawn(act(worker, acting, received, place));
    }
}

async fn act(service: Service, acting: Arc<Semaphore>, received: Received, place: OwnedSemaphorePermit) {
    let Some(Ok(_turn)) = service.while_staying(acting.acquire()).await else { return };
    if let Err(problem) = news::act(&service, &received.key, &received.fact).await {
        tracing::warn!(event = %received.fact.event_id, ?problem, "news stays in the inbox for now");
    }
    drop(place);
}

/// The sender shall come again.
pub fn unavailable(detail: &str) -> Problem {
    Problem::new(ProblemType::InboxUnavailable, detail).retry_after(RETRY_AFTER)
}

fn flooded(gate: &'static str) -> Problem {
    metrics::counter!(telemetry::WEBHOOKS_FLOODED, "gate" => gate).increment(1);
    unavailable("more webhooks are coming than can be stored now")
}
