//! The adapter that speaks the standard protocol: a bank's small JSON API, of another shape than Stripe's in all that an
//! adapter can differ in. It proves the port, and is a pattern for the next one.
//!
//! Amounts are decimals in strings; an object's id stands in a header; refunds are nested under their charge; a bank
//! that says no answers 200 with the state `refused`; idempotency goes by `Request-Id`; news carries its id in the
//! headers of Standard Webhooks. The protocol itself is written down in `docs/payment-gateways.md`.

mod answer;
mod decimal;
mod news;
mod order;
mod wire;

pub use news::read as read_event;

use super::{
    Answer, BadHttpConfig, CancelReason, Event, EventId, GatewayError, HttpConfig, Intent, IntentId,
    IntentStatus, Money, Order, PAGE_ITEMS_MAX, Page, PaymentGateway, Refund, RefundOrder, Trace, Window,
    after_refusal, all_pages,
    http::{Body, Dialect, Http, PAGE_BYTES_MAX, Parameters, Reply, garbage, says_nothing_now, was_refused},
};
use chrono::{DateTime, SecondsFormat, Utc};
use std::time::Duration;

/// The provider's name in our tables and paths.
pub const PROVIDER: &str = "standard";

const DIALECT: Dialect = Dialect {
    root: "v2",
    key_header: "request-id",
    replayed_header: "request-replayed",
    header: ("accept", "application/json"),
};

/// The adapter. Each process has one: it holds the connections, the rate limit and the circuit breaker.
#[derive(Debug)]
pub struct StandardGateway {
    http: Http,
}

impl StandardGateway {
    /// Makes the adapter; connects to nothing yet.
    ///
    /// # Errors
    /// [`BadHttpConfig`].
    pub fn new(config: HttpConfig) -> Result<Self, BadHttpConfig> {
        Ok(Self { http: Http::new(&DIALECT, config)? })
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

    async fn charge(&self, id: &IntentId) -> Result<Reply, GatewayError> {
        self.http.get(&["charges", id.as_str()], vec![], PAGE_BYTES_MAX).await
    }

    async fn charges(&self, mut query: Parameters, after: Option<&IntentId>) -> Result<Reply, GatewayError> {
        query.push(("limit", PAGE_ITEMS_MAX.to_string()));
        query.extend(after.map(|id| ("before", id.to_string())));
        self.http.get(&["charges"], query, PAGE_BYTES_MAX).await
    }
}

impl PaymentGateway for StandardGateway {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn held_back(&self) -> Option<Duration> {
        self.http.held_back()
    }

    fn create<'a>(&'a self, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let body = Body::Json(order::create(order));
            let reply = self.http.post_anew(&["charges"], body, key, "create", says_nothing_now).await?;
            match after_refusal::settle_create(answer::intent(&reply, None)) {
                Ok(intent) if reply.replayed => self.read(&intent.id).await,
                other => other,
            }
        })
    }

    /// If a charge is confirmed again, the gateway refuses and shows it. So asking again finds what a stored answer hides.
    fn confirm<'a>(&'a self, id: &'a IntentId, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let (path, body) = (["charges", id.as_str(), "go"], Body::Json(order::go(order)));
            let reply = self.http.post_anew(&path, body, key, "confirm", says_nothing_now).await?;
            let gone = |intent: &Intent| intent.status.is_confirmed() || intent.last_error.is_some();
            self.current(&reply, id, gone).await?.or_declined()
        })
    }

    fn read<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Intent> {
        Box::pin(async move { answer::intent(&self.charge(id).await?, Some(id)) })
    }

    fn find<'a>(&'a self, trace: &'a Trace) -> Answer<'a, Vec<Intent>> {
        let wanted = match *trace {
            Trace { payment_id: Some(id), .. } => ("payment", id),
            Trace { saga_id: Some(id), .. } => ("saga", id),
            _ => return Box::pin(async { Ok(vec![]) }),
        };
        Box::pin(all_pages(move |after| {
            Box::pin(async move {
                let query = vec![(wanted.0, wanted.1.to_string())];
                answer::intents(&self.charges(query, after.as_ref()).await?)
            })
        }))
    }

    fn capture<'a>(&'a self, id: &'a IntentId, money: Money, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let (path, body) = (["charges", id.as_str(), "take"], Body::Json(order::take(money)));
            let reply = self.http.post_anew(&path, body, key, "capture", says_nothing_now).await?;
            self.current(&reply, id, |intent| intent.is_captured(money)).await
        })
    }

    fn cancel<'a>(&'a self, id: &'a IntentId, reason: CancelReason, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let (path, body) = (["charges", id.as_str(), "drop"], Body::Json(order::drop(reason)));
            let reply = self.http.post_anew(&path, body, key, "cancel", says_nothing_now).await?;
            self.current(&reply, id, |intent| intent.status == IntentStatus::Canceled).await
        })
    }

    /// An accepted refund is read under its charge, as it is now, however old the answer is.
    fn refund<'a>(&'a self, order: &'a RefundOrder, key: &'a str) -> Answer<'a, Refund> {
        Box::pin(async move {
            let path = ["charges", order.intent.as_str(), "refunds"];
            let body = Body::Json(order::refund(order));
            let reply = self.http.post_anew(&path, body, key, "refund", was_refused).await?;
            let id = answer::refund_id(&reply)?;
            let refunds = self.refunds(&order.intent).await?;
            let made = refunds.into_iter().find(|refund| refund.id == id);
            made.ok_or_else(|| garbage(reply.status, "a refund that its charge doesn't have"))
        })
    }

    fn refunds<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Vec<Refund>> {
        Box::pin(async move { answer::refunds(&self.charge(id).await?, id) })
    }

    fn list<'a>(
        &'a self,
        window: &'a Window,
        after: Option<&'a IntentId>,
    ) -> Answer<'a, Page<Intent, IntentId>> {
        Box::pin(async move {
            let query = vec![("from", time(window.from)), ("to", time(window.to))];
            answer::intents(&self.charges(query, after).await?)
        })
    }

    fn events<'a>(
        &'a self,
        since: DateTime<Utc>,
        after: Option<&'a EventId>,
    ) -> Answer<'a, Page<Event, EventId>> {
        Box::pin(async move {
            let mut query = vec![("since", time(since)), ("limit", PAGE_ITEMS_MAX.to_string())];
            query.extend(after.map(|id| ("before", id.to_string())));
            answer::events(&self.http.get(&["news"], query, PAGE_BYTES_MAX).await?)
        })
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests;
