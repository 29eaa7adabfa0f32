//! The adapter that speaks Stripe's protocol: to Stripe, and to the simulator that ships with us.
//!
//! Only the URL and the secret key differ between the two. One call is one request, and more only where an answer
//! was not the whole truth: a replay shows the intent as it once was, and a refusal seldom why, so the intent is read; a
//! stored 5xx says nothing for a day, so what is safe to ask again is asked under a second key. Cards only, so that a confirmation
//! never needs a page of ours.

mod answer;
mod event;
mod form;
mod refusal;
mod wire;

pub use super::{BadEvent, BadHttpConfig as BadStripeConfig, HttpConfig as StripeConfig};
pub use crate::breaker::BreakerConfig;
pub use event::{PROVIDER, TYPES, read as read_event};

use super::{
    Answer, CancelReason, Event, EventId, GatewayError, Intent, IntentId, IntentStatus, Money, Order, Page,
    PaymentGateway, Refund, RefundOrder, Trace, Window, after_refusal, all_pages,
    http::{
        Body, Dialect, Http, KEYS_MAX, OBJECT_BYTES_MAX, PAGE_BYTES_MAX, Parameters, Reply,
        is_stored_failure, says_nothing_now, was_refused,
    },
};
use chrono::{DateTime, Utc};
use std::time::Duration;

const DIALECT: Dialect = Dialect {
    root: "v1",
    key_header: "idempotency-key",
    replayed_header: "idempotent-replayed",
    // The API version whose shapes `wire` reads.
    header: ("stripe-version", "2024-06-20"),
};

/// The adapter. Each process has one: it holds the connections, the rate limit and the circuit breaker.
#[derive(Debug)]
pub struct Stripe {
    http: Http,
}

impl Stripe {
    /// Makes the adapter; connects to nothing yet.
    ///
    /// # Errors
    /// [`BadStripeConfig`].
    pub fn new(config: StripeConfig) -> Result<Self, BadStripeConfig> {
        Ok(Self { http: Http::new(&DIALECT, config)? })
    }

    async fn post(
        &self,
        path: &[&str],
        parameters: Parameters,
        key: &str,
        operation: &str,
    ) -> Result<Reply, GatewayError> {
        self.http.post(path, Body::Form(parameters), key, operation).await
    }

    /// The intent of an answer as it is now.
    async fn current(
        &self,
        reply: &Reply,
        id: &IntentId,
        is_done: impl Fn(&Intent) -> bool,
    ) -> Result<Intent, GatewayError> {
        after_refusal::settle(self, answer::intent(reply, Some(id)), reply.replayed, id, is_done).await
    }
}

impl PaymentGateway for Stripe {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn held_back(&self) -> Option<Duration> {
        self.http.held_back()
    }

    /// An intent that a stored answer hides from us is never confirmed, so one beside it is harmless.
    fn create<'a>(&'a self, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let reply = self
                .http
                .post_anew(
                    &["payment_intents"],
                    Body::Form(form::create(order)),
                    key,
                    "create",
                    says_nothing_now,
                )
                .await?;
            match after_refusal::settle_create(answer::intent(&reply, None)) {
                Ok(intent) if reply.replayed => self.read(&intent.id).await,
                other => other,
            }
        })
    }

    fn confirm<'a>(&'a self, id: &'a IntentId, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str(), "confirm"];
            let confirmed = |intent: &Intent| intent.status.is_confirmed();
            let mut operation = "confirm".to_owned();
            for number in 2..=KEYS_MAX {
                match self.post(&path, form::confirm(order), key, &operation).await {
                    Ok(reply) if !reply.replayed => return self.current(&reply, id, confirmed).await,
                    Err(error) if !is_stored_failure(&error) => return Err(error),
                    Ok(_) | Err(_) => {}
                }
                // A stored answer tells at most of an earlier try. The intent tells the outcome.
                let now = self.read(id).await?.or_declined()?;
                if now.status.is_confirmed() {
                    return Ok(now);
                }
                operation = format!("confirm-{number}");
            }
            let reply = self.post(&path, form::confirm(order), key, &operation).await?;
            self.current(&reply, id, confirmed).await
        })
    }

    fn read<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str()];
            let reply = self.http.get(&path, form::expanded(vec![]), OBJECT_BYTES_MAX).await?;
            answer::intent(&reply, Some(id))
        })
    }

    /// By Stripe's search, which may lag behind writes by a minute, and by hours during an outage of theirs.
    fn find<'a>(&'a self, trace: &'a Trace) -> Answer<'a, Vec<Intent>> {
        Box::pin(all_pages(move |page| {
            Box::pin(async move {
                let Some(parameters) = form::search(trace, page) else { return Ok(Page::empty()) };
                let path = ["payment_intents", "search"];
                answer::found(&self.http.get(&path, parameters, PAGE_BYTES_MAX).await?)
            })
        }))
    }

    fn capture<'a>(&'a self, id: &'a IntentId, money: Money, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str(), "capture"];
            let reply = self
                .http
                .post_anew(&path, Body::Form(form::capture(money)), key, "capture", says_nothing_now)
                .await?;
            self.current(&reply, id, |intent| intent.is_captured(money)).await
        })
    }

    fn cancel<'a>(&'a self, id: &'a IntentId, reason: CancelReason, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str(), "cancel"];
            let reply = self
                .http
                .post_anew(&path, Body::Form(form::cancel(reason)), key, "cancel", says_nothing_now)
                .await?;
            self.current(&reply, id, |intent| intent.status == IntentStatus::Canceled).await
        })
    }

    fn refund<'a>(&'a self, order: &'a RefundOrder, key: &'a str) -> Answer<'a, Refund> {
        Box::pin(async move {
            let reply = self
                .http
                .post_anew(&["refunds"], Body::Form(form::refund(order)), key, "refund", was_refused)
                .await?;
            let made = answer::refund(&reply)?;
            if !reply.replayed {
                return Ok(made);
            }
            let reply = self.http.get(&["refunds", made.id.as_str()], vec![], OBJECT_BYTES_MAX).await?;
            answer::refund(&reply)
        })
    }

    fn refunds<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Vec<Refund>> {
        Box::pin(all_pages(move |after| {
            Box::pin(async move {
                let parameters = form::refunds(id, after.as_ref());
                answer::refunds(&self.http.get(&["refunds"], parameters, PAGE_BYTES_MAX).await?, id)
            })
        }))
    }

    fn list<'a>(
        &'a self,
        window: &'a Window,
        after: Option<&'a IntentId>,
    ) -> Answer<'a, Page<Intent, IntentId>> {
        Box::pin(async move {
            let parameters = form::list(window, after);
            answer::intents(&self.http.get(&["payment_intents"], parameters, PAGE_BYTES_MAX).await?)
        })
    }

    fn events<'a>(
        &'a self,
        since: DateTime<Utc>,
        after: Option<&'a EventId>,
    ) -> Answer<'a, Page<Event, EventId>> {
        Box::pin(async move {
            let parameters = form::events(since, after);
            answer::events(&self.http.get(&["events"], parameters, PAGE_BYTES_MAX).await?)
        })
    }
}

#[cfg(test)]
mod tests;
