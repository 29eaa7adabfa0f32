//! The loop: hand over, claim, send, settle.
//!
//! One loop a node. It alone talks to the database, for all that is ready at once; requests are out in tasks of its own. An
//! attempt is settled before anything else of its subscription is claimed, so a slot is free only when its row says so.

use super::{
    Settings, SubscriptionId,
    send::{Sender, Sent},
    store::{
        MessageKey,
        deliveries::{self, Attempted, Claimed, DeliveryKey},
        messages,
        subscriptions::{self, Active, Audience, Failed},
    },
    telemetry,
};
use crate::config::BatchScope;
use futures_util::FutureExt;
use orchestrator::Bucket;
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long requests that are out are waited for when the node leaves. What is cut off is sent again by another.
const DRAIN: Duration = Duration::from_secs(5);

/// Delivery on one node. Dropped, it ends at once, as if the node had died.
pub struct Outbox {
    stop: CancellationToken,
    running: JoinSet<()>,
}

impl Outbox {
    /// Starts to deliver.
    ///
    /// # Errors
    /// The HTTP client's.
    pub fn start(pool: PgPool, settings: Settings) -> anyhow::Result<Self> {
        let deliverer = Deliverer {
            sender: Sender::new(settings.private, settings.deadline)?,
            pool,
            settings,
            out: JoinSet::new(),
            busy: HashMap::new(),
            ended: Vec::new(),
        };
        let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
        running.spawn(deliverer.run(stop.clone()));
        Ok(Self { stop, running })
    }

    /// Claims no more, waits a little for what is out, and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the delivery of messages died");
            }
        }
    }
}

struct Deliverer {
    pool: PgPool,
    sender: Sender,
    settings: Settings,
    out: JoinSet<Ended>,
    /// Requests out to each subscription, or answered and not settled.
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
            let more = match self.round().await {
                Ok(more) => {
                    failing = false;
                    more
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "messages wait: the database refuses");
                    }
                    failing = true;
                    false
                }
            };
            // Whoever failed to settle doesn't try again at once, however much has ended.
            let ends = !failing && !self.out.is_empty();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = std::future::ready(()), if more => {}
                Some(ended) = self.out.join_next(), if ends => self.take(ended),
                () = tokio::time::sleep(self.settings.poll) => {}
            }
            while let Some(ended) = self.out.try_join_next() {
                self.take(ended);
            }
        }
        self.leave().await;
    }

    fn take(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        match ended {
            Ok(ended) => self.ended.push(ended),
            Err(error) => tracing::error!(%error, "an attempt to deliver a message was aborted"),
        }
    }

    async fn leave(mut self) {
        let all = async {
            while let Some(ended) = self.out.join_next().await {
                self.take(ended);
            }
        };
        let _ = timeout(DRAIN, all).await;
        let settled = async {
            let mut connection = self.pool.acquire().await?;
            self.settle(&mut connection).await
        };
        if let Err(error) = settled.await {
            tracing::warn!(%error, "what was delivered last could not be noted and is sent again");
        }
    }

    /// Does what is to be done now; whether there is more of it.
    async fn round(&mut self) -> Result<bool, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        self.settle(&mut connection).await?;
        let Some(audience) = subscriptions::read_audience(&mut connection).await? else { return Ok(false) };
        let handed = self.hand_over(&mut connection, &audience).await?;
        self.claim(&mut connection, audience.active).await?;
        Ok(handed)
    }

    /// Hands over what was decided before the subscriptions were read; whether there may be more.
    async fn hand_over(
        &self,
        connection: &mut PoolConnection<Postgres>,
        audience: &Audience,
    ) -> Result<bool, sqlx::Error> {
        let Some(from) = audience.active.iter().map(|one| one.since).min() else { return Ok(false) };
        let most = self.settings.hand_over_max;
        let keys = messages::list_waiting(connection, from, audience.at, most).await?;
        let mut handed = 0;
        for keys in self.batches(&keys, MessageKey::bucket) {
            handed += messages::hand_over(connection, &keys, audience).await?;
        }
        // None of many: somebody else is at it.
        Ok(keys.len() as i64 == most && handed > 0)
    }

    async fn claim(
        &mut self,
        connection: &mut PoolConnection<Postgres>,
        active: Vec<Active>,
    ) -> Result<(), sqlx::Error> {
        let wanted: Vec<_> = active
            .iter()
            .map(|one| (one.id, one.since, self.slots(one) as i64))
            .filter(|(.., slots)| *slots > 0)
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        // By the monotonic clock: what has not left by then would run over its lease, and leaves no more.
        let leave_by = Instant::now() + self.settings.lease.saturating_sub(self.settings.deadline);
        let due = deliveries::list_due(connection, &wanted).await?;
        for keys in self.batches(&due, |key| key.message.bucket()) {
            for claimed in deliveries::claim(connection, &keys, self.settings.lease).await? {
                if let Some(to) = active.iter().find(|one| one.id == claimed.key.subscription) {
                    self.send(to.clone(), claimed, leave_by);
                }
            }
        }
        Ok(())
    }

    /// Requests that may leave now. One that has failed is asked by one request whether it is well again.
    fn slots(&self, to: &Active) -> usize {
        let most = match to {
            Active { rests: true, .. } => 0,
            Active { failures: 0, .. } => self.settings.out_max,
            Active { .. } => 1,
        };
        most.saturating_sub(self.busy.get(&to.id).copied().unwrap_or_default())
    }

    fn send(&mut self, to: Active, claimed: Claimed, leave_by: Instant) {
        *self.busy.entry(to.id).or_default() += 1;
        let sender = self.sender.clone();
        self.out.spawn(async move {
            metrics::gauge!(telemetry::OUT).increment(1.0);
            let began = Instant::now();
            // One that panicked must give its slot back.
            let attempt = AssertUnwindSafe(sender.send(&to, &claimed, leave_by)).catch_unwind();
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

    /// Writes down what has ended. On an error it is kept, and written the next time.
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

    /// What the attempts say of their receivers. The last one to end is believed.
    async fn judge(&self, connection: &mut PoolConnection<Postgres>) -> Result<(), sqlx::Error> {
        let last: BTreeMap<SubscriptionId, &Ended> =
            self.ended.iter().map(|ended| (ended.key.subscription, ended)).collect();
        for (id, ended) in last {
            match &ended.sent {
                Sent::Arrived if ended.seen > 0 => {
                    tracing::info!(subscription = %id, "a subscription is well again");
                    subscriptions::mark_well(connection, id).await?;
                }
                Sent::Arrived => {}
                Sent::Failed { error, wait } => {
                    if ended.seen == 0 {
                        tracing::warn!(subscription = %id, %error, "a subscription fails and is left alone for a while");
                    }
                    let wait = wait.unwrap_or_default().max(self.settings.wait_after(ended.seen + 1));
                    let failed = Failed { id, seen: ended.seen, wait, error: error.clone() };
                    subscriptions::mark_failed(connection, &failed).await?;
                }
                Sent::Gone => {
                    if subscriptions::disable(connection, id, GONE).await? {
                        tracing::warn!(subscription = %id, "a subscription wants no more and is disabled");
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

    /// As one statement may have them: all together, or bucket by bucket.
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
