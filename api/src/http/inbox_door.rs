//! Bounds on webhooks, apart from the bounds on customers' requests.
//!
//! A gateway that catches up after an outage sends hundreds of webhooks at once, and anybody may send forged ones. A
//! refused webhook is not lost, because its sender tries again; but a database that drowns in inserts would hurt everyone.
//! So there are three gates, and a refusal at one costs less than passing the next: reading (memory), storing
//! (connections), and acting (connections and the gateway). A webhook that isn't acted on at once stays in the inbox,
//! where the sweep finds it.

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

/// Webhooks in memory at once: 64 MiB if all have the largest body.
const READING_MAX: usize = 256;

/// The share of the node's connections that may store webhooks, and the share that may act on them: a quarter each,
/// so that half of them are left for customers.
const CONNECTIONS_PART: usize = 4;
/// The most webhooks that are stored or acted on at once: more would not be faster.
const CONNECTIONS_MAX: usize = 8;

/// How long a webhook waits to be stored. Senders wait ten seconds or more for an answer.
const TURN_MAX: Duration = Duration::from_secs(2);

/// Facts that wait in memory to be acted on. The sweep of the inbox takes the rest.
const WAITING_MAX: usize = 4096;

/// `Retry-After` of a refused webhook.
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
    /// Gates for a node with this many connections for requests and jobs.
    pub fn new(connections: u32) -> Self {
        let part = (connections as usize / CONNECTIONS_PART).clamp(1, CONNECTIONS_MAX);
        Self {
            reading: Semaphore::new(READING_MAX),
            storing: Semaphore::new(part),
            acting: Arc::new(Semaphore::new(part)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// A permit to read a webhook.
    ///
    /// # Errors
    /// 503 if too many are being read. Not a byte of the body has been read then.
    pub fn enter(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.reading.try_acquire().map_err(|_| flooded("reading"))
    }

    /// A permit to store a webhook, after a short wait.
    ///
    /// # Errors
    /// 503 if it takes too long. The body's signature has been checked then, but it has not been parsed.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        match timeout(TURN_MAX, self.storing.acquire()).await {
            Ok(turn) => Ok(turn.expect("the gates are never closed")),
            Err(_) => Err(flooded("storing")),
        }
    }

    /// Acts soon on a fact that was stored. If this fails, or the node dies here, the sweep of the inbox does it.
    pub fn act_soon(&self, service: &Service, received: Received) {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else { return };
        let (worker, acting) = (service.clone(), Arc::clone(&self.acting));
        service.tasks.spawn(act(worker, acting, received, place));
    }
}

async fn act(service: Service, acting: Arc<Semaphore>, received: Received, place: OwnedSemaphorePermit) {
    let Some(Ok(_turn)) = service.while_staying(acting.acquire()).await else { return };
    if let Err(problem) = news::act(&service, &received.key, &received.fact).await {
        tracing::warn!(event = %received.fact.event_id, ?problem, "a webhook could not be acted on and stays in the inbox for now");
    }
    drop(place);
}

/// The refusal that makes the sender try again.
pub fn unavailable(detail: &str) -> Problem {
    Problem::new(ProblemType::InboxUnavailable, detail).retry_after(RETRY_AFTER)
}

fn flooded(gate: &'static str) -> Problem {
    metrics::counter!(telemetry::WEBHOOKS_FLOODED, "gate" => gate).increment(1);
    unavailable("more webhooks are coming in than can be stored now")
}
