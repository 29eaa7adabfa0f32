//! The loop: claim, send, settle.
//!
//! Each node has one loop. Only the loop talks to the database, for everything that is ready at once; requests run in tasks
//! of it. An attempt is settled before anything else of its subscription is claimed, so a slot is free only when its row
//! says so.

use super::{
    Settings, SubscriptionId,
    send::{Sender, Sent},
    store::{
        deliveries::{self, Attempted, Claimed, DeliveryKey},
        subscriptions::{self, Active, Failed},
    },
    telemetry,
};
use crate::config::BatchScope;
use futures_util::FutureExt;
use orchestrator::{
    Bucket,
    outbox::{self, Message, MessageKey},
};
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long shutdown waits for requests that are out. If one is cut off, another node sends the message again.
const DRAIN: Duration = Duration::from_secs(5);

/// Delivery on one node. If it is dropped, it ends at once, as if the node had died.
pub struct Outbox {
    stop: CancellationToken,
    running: JoinSet<()>,
}

impl Outbox {
    /// Starts to deliver messages that were handed over. `handed` tells that there are new ones.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn start(pool: PgPool, settings: Settings, handed: Arc<Notify>) -> anyhow::Result<Self> {
        let deliverer = Deliverer {
            sender: Sender::new(settings.private, settings.deadline)?,
            pool,
            settings,
            handed,
            out: JoinSet::new(),
            busy: HashMap::new(),
            ended: Vec::new(),
        };
        let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
        running.spawn(deliverer.run(stop.clone()));
        Ok(Self { stop, running })
    }

    /// Claims nothing more, waits a little for requests that are out, and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the delivery of messages panicked");
            }
        }
    }
}

struct Deliverer {
    pool: PgPool,
    sender: Sender,
    settings: Settings,
    handed: Arc<Notify>,
    out: JoinSet<Ended>,
    /// Requests to each subscription that are out, or answered and not settled.
    busy: HashMap<SubscriptionId, usize>,
    ended: Vec<Ended>,
}

/// An attempt that has ended.
struct Ended {
    key: DeliveryKey,
    attempt: i32,
    /// The subscription's failures when it was claimed.
    seen: i32,
    sent: Sent,
}

impl Deliverer {
    async fn run(mut self, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let round = self.round().await;
            if let (Err(error), false) = (&round, failing) {
                tracing::warn!(%error, "messages have to wait, because the database failed");
            }
            failing = round.is_err();
            // If settling failed, it is not tried again at once, however many attempts have ended.
            let ends = !failing && !self.out.is_empty();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.out.join_next(), if ends => self.note_ended(ended),
                // This is a hint: the next round finds what another node handed over, or what we were not told of.
                () = self.handed.notified(), if !failing => {}
                () = tokio::time::sleep(self.settings.poll) => {}
            }
            while let Some(ended) = self.out.try_join_next() {
                self.note_ended(ended);
            }
        }
        self.drain().await;
    }

    fn note_ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        match ended {
            Ok(ended) => self.ended.push(ended),
            Err(error) => tracing::error!(%error, "an attempt to deliver a message was aborted"),
        }
    }

    async fn drain(mut self) {
        let all = async {
            while let Some(ended) = self.out.join_next().await {
                self.note_ended(ended);
            }
        };
        let _ = timeout(DRAIN, all).await;
        let settled = async {
            let mut connection = self.pool.acquire().await?;
            self.settle(&mut connection).await
        };
        if let Err(error) = settled.await {
            tracing::warn!(%error, "the last deliveries could not be recorded; these messages are sent again");
        }
    }

    /// Does one round.
    async fn round(&mut self) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        self.settle(&mut connection).await?;
        let active = subscriptions::read_audience(&mut connection).await?;
        self.claim(&mut connection, active).await
    }

    async fn claim(
        &mut self,
        connection: &mut PoolConnection<Postgres>,
        active: Vec<Active>,
    ) -> Result<(), sqlx::Error> {
        let wanted: Vec<_> = active
            .iter()
            .map(|one| (one.id, self.slots(one) as i64))
            .filter(|(_, slots)| *slots > 0)
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        // This is by the monotonic clock: an attempt that starts later could outlive its lease, so it doesn't start.
        let leave_by = Instant::now() + self.settings.lease.saturating_sub(self.settings.deadline);
        let due = deliveries::list_due(connection, &wanted).await?;
        for keys in self.batches(&due, |key| key.message.bucket()) {
            let claimed = deliveries::claim(connection, &keys, self.settings.lease).await?;
            let messages: Vec<MessageKey> = claimed.iter().map(|claimed| claimed.key.message).collect();
            let messages = outbox::read(connection, &messages).await?;
            let messages: HashMap<MessageKey, &Message> =
                messages.iter().map(|message| (message.key, message)).collect();
            for claimed in claimed {
                let to = active.iter().find(|one| one.id == claimed.key.subscription);
                // If its message is gone, the delivery is too old and is about to be deleted too.
                if let (Some(to), Some(message)) = (to, messages.get(&claimed.key.message)) {
                    self.send(to.clone(), claimed, (*message).clone(), leave_by);
                }
            }
        }
        Ok(())
    }

    /// The number of requests that may leave now. A subscription that has failed gets a single one, to see whether it works again.
    fn slots(&self, to: &Active) -> usize {
        let most = match to {
            Active { rests: true, .. } => 0,
            Active { failures: 0, .. } => self.settings.out_max,
            Active { .. } => 1,
        };
        most.saturating_sub(self.busy.get(&to.id).copied().unwrap_or_default())
    }

    fn send(&mut self, to: Active, claimed: Claimed, message: Message, leave_by: Instant) {
        *self.busy.entry(to.id).or_default() += 1;
        let sender = self.sender.clone();
        self.out.spawn(async move {
            metrics::gauge!(telemetry::OUT).increment(1.0);
            let began = Instant::now();
            // A task that panicked must free its slot.
            let attempt = AssertUnwindSafe(sender.send(&to, &message, leave_by)).catch_unwind();
            let sent = attempt.await.unwrap_or_else(|_| Sent::failed("the attempt panicked"));
            metrics::gauge!(telemetry::OUT).decrement(1.0);
            metrics::histogram!(telemetry::ATTEMPT_SECONDS).record(began.elapsed().as_secs_f64());
            let outcome = match &sent {
                Sent::Arrived => "arrived",
                Sent::Failed { .. } => "failed",
                Sent::Gone => "gone",
            };
            metrics::counter!(telemetry::ATTEMPTS, "outcome" => outcome).increment(1);
            Ended { key: claimed.key, attempt: claimed.attempt, seen: to.failures, sent }
        });
    }

    /// Records the attempts that have ended. On an error they are kept, and recorded the next time.
    async fn settle(&mut self, connection: &mut PoolConnection<Postgres>) -> Result<(), sqlx::Error> {
        if self.ended.is_empty() {
            return Ok(());
        }
        self.judge(connection).await?;
        for ended in self.batches_of(&self.ended) {
            let attempts: Vec<Attempted> = ended.iter().map(|ended| self.attempted(ended)).collect();
            for key in deliveries::settle(connection, &attempts, self.settings.given_up_after).await? {
                let (saga, subscription) = (key.message.saga, key.subscription);
                tracing::error!(%saga, %subscription, "a message was given up; `usher events tail --failed` shows it");
            }
        }
        for ended in std::mem::take(&mut self.ended) {
            if let Some(busy) = self.busy.get_mut(&ended.key.subscription) {
                *busy = busy.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn attempted(&self, ended: &Ended) -> Attempted {
        let (key, attempt) = (ended.key, ended.attempt);
        let own = self.settings.wait_after(attempt);
        let failed = match &ended.sent {
            Sent::Arrived => None,
            Sent::Failed { error, wait } => Some((error.clone(), wait.unwrap_or_default().max(own))),
            Sent::Gone => Some((GONE.to_owned(), own)),
        };
        Attempted { key, attempt, failed }
    }

    /// Updates subscriptions by the results of attempts. The last attempt to end counts.
    async fn judge(&self, connection: &mut PoolConnection<Postgres>) -> Result<(), sqlx::Error> {
        let last: BTreeMap<SubscriptionId, &Ended> =
            self.ended.iter().map(|ended| (ended.key.subscription, ended)).collect();
        for (id, ended) in last {
            match &ended.sent {
                Sent::Arrived if ended.seen > 0 => {
                    tracing::info!(subscription = %id, "a subscription works again");
                    subscriptions::mark_well(connection, id).await?;
                }
                Sent::Arrived => {}
                Sent::Failed { error, wait } => {
                    if ended.seen == 0 {
                        tracing::warn!(subscription = %id, %error, "a subscription fails and rests for a while");
                    }
                    let wait = wait.unwrap_or_default().max(self.settings.wait_after(ended.seen + 1));
                    let failed = Failed { id, seen: ended.seen, wait, error: error.clone() };
                    subscriptions::mark_failed(connection, &failed).await?;
                }
                Sent::Gone => {
                    if subscriptions::disable(connection, id, GONE).await? {
                        tracing::warn!(subscription = %id, "a subscription's receiver wants no more messages; it is disabled");
                    }
                }
            }
        }
        Ok(())
    }

    fn batches_of<'a>(&self, ended: &'a [Ended]) -> Vec<Vec<&'a Ended>> {
        let all: Vec<&Ended> = ended.iter().collect();
        self.batches(&all, |ended| ended.key.message.bucket())
    }

    /// Groups items for statements: all together, or bucket by bucket.
    fn batches<T: Copy>(&self, items: &[T], bucket: impl Fn(&T) -> Bucket) -> Vec<Vec<T>> {
        let mut batches: BTreeMap<Option<Bucket>, Vec<T>> = BTreeMap::new();
        for item in items {
            let of = match self.settings.scope {
                BatchScope::Database => None,
                BatchScope::Bucket => Some(bucket(item)),
            };
            batches.entry(of).or_default().push(*item);
        }
        batches.into_values().collect()
    }
}

const GONE: &str = "answered 410: it wants no more";
