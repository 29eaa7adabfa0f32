//! Reads the gateway's books with retries: reading changes nothing, so asking again is harmless.

use super::Theirs;
use chrono::{DateTime, Utc};
use std::{collections::HashSet, time::Duration};
use steps::gateway::{
    EventId, FactKind, Gateway, GatewayError, Intent, IntentId, Page, Window, given_back_minor,
};

/// The most times that the gateway is asked the same thing.
const TRIES_MAX: u32 = 4;
/// The wait before the second try. It doubles each time.
const WAIT_FIRST: Duration = Duration::from_millis(200);
/// The longest wait, even if the gateway asks for a longer one.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Reads one gateway.
pub(super) struct Reader(Gateway);

impl Reader {
    pub fn new(gateway: Gateway) -> Self {
        Self(gateway)
    }

    pub fn provider(&self) -> &'static str {
        self.0.provider()
    }

    /// A page of what was made in this window, newest first.
    pub async fn list(
        &self,
        window: &Window,
        after: Option<&IntentId>,
    ) -> Result<Page<Intent, IntentId>, GatewayError> {
        patiently(|| self.0.list(window, after)).await
    }

    /// The intents with news of refunds from `since` until before `until`; `None` if there are more than `most`.
    pub async fn refunded(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        most: usize,
    ) -> Result<Option<HashSet<IntentId>>, GatewayError> {
        let mut refunded = HashSet::new();
        let mut after: Option<EventId> = None;
        loop {
            let page = patiently(|| self.0.events(since, after.as_ref())).await?;
            // News that can't be read is in the inbox, for a person.
            for fact in page.items.into_iter().filter_map(|event| event.fact.ok()) {
                let is_refund = matches!(fact.kind, FactKind::ChargeRefunded | FactKind::Refund { .. });
                if is_refund && fact.at < until {
                    refunded.extend(fact.intent);
                }
            }
            match page.next {
                _ if refunded.len() > most => return Ok(None),
                Some(next) => after = Some(next),
                None => return Ok(Some(refunded)),
            }
        }
    }

    /// One intent; `None` if the gateway has none with that name.
    pub async fn read(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError> {
        match patiently(|| self.0.read(id)).await {
            Ok(intent) => Ok(Some(intent)),
            Err(GatewayError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An intent for the comparison. Its refunds are read only if the intent doesn't say their sum, or says it together with
    /// what a part capture has let go.
    pub async fn theirs(&self, intent: &Intent) -> Result<Theirs, GatewayError> {
        let refunded = match intent.amount_refunded {
            Some(refunded) if intent.released_minor() == 0 => refunded,
            Some(_) | None => given_back_minor(intent, &patiently(|| self.0.refunds(&intent.id)).await?),
        };
        Ok(Theirs::of(intent, refunded))
    }
}

/// Asks again while the gateway is busy or away, a few times.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, GatewayError>
where
    F: Future<Output = Result<T, GatewayError>>,
{
    let mut wait = WAIT_FIRST;
    for _ in 1..TRIES_MAX {
        match ask().await {
            Err(
                error @ (GatewayError::Busy { .. } | GatewayError::Refused(_) | GatewayError::Unclear(_)),
            ) => {
                tokio::time::sleep(error.retry_after().unwrap_or(wait).min(WAIT_MAX)).await;
                wait *= 2;
            }
            answer => return answer,
        }
    }
    ask().await
}
