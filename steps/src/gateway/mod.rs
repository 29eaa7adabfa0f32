//! The port to payment gateways, and its adapters: `stripe`, `standard` (another protocol altogether, to prove the
//! port), and `instant` (inside the process).
//!
//! The picture: an *intent* is the gateway's record of one payment. We create it (moves no money), confirm
//! it (secures the money), capture or cancel it, refund it, and at any time read what became of it. Whoever
//! calls decides on the intent's `status`, amounts and trace, never on whether a request seemed to go well.
//!
//! What this module does not do: it never repeats a request on its own (the engine does, under the same key),
//! it keeps no state beyond a circuit breaker and a rate limit, and it knows nothing of sagas, reservations or our tables.

mod after_refusal;
mod capture_outcome;
mod error;
pub mod fact;
mod http;
mod ids;
pub mod instant;
mod intent;
mod provider;
pub mod signature;
pub mod standard;
pub mod standard_webhooks;
pub mod stripe;
mod text;

pub use crate::money::{BadCurrency, Currency, Money};
pub(crate) use capture_outcome::without_release;
pub use capture_outcome::{CaptureOutcome, NeverCaptured, given_back_minor};
pub use error::{Doubt, GatewayError, Unsent};
pub use fact::{BadEvent, Fact, FactKind};
pub use http::{BadHttpConfig, HttpConfig};
pub use ids::{BadMethod, ChargeId, EventId, IntentId, PaymentMethod, RefundId};
pub use intent::{
    CancelReason, CaptureMethod, Intent, IntentStatus, LastError, Mismatch, NextAction, Order, Refund,
    RefundOrder, RefundStatus, Trace,
};
pub use provider::Provider;

use chrono::{DateTime, Utc};
use std::{future::Future, ops::Deref, pin::Pin, sync::Arc, time::Duration};

/// What every operation of a gateway returns: a boxed future, so that the port can be a `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

/// The longest base key, in bytes: Stripe takes 255, and each operation appends its own suffix.
pub const KEY_BYTES_MAX: usize = 240;

/// A payment gateway. Cheap to clone; all clones share connections and the circuit breaker.
#[derive(Clone)]
pub struct Gateway(Arc<dyn PaymentGateway>);

/// What a gateway can do for us.
///
/// `key` is the caller's base idempotency key (visible ASCII, at most [`KEY_BYTES_MAX`] bytes), the same for
/// every attempt at one thing. Each operation derives its own from it (`{key}:create`, `{key}:confirm`,
/// `{key}:capture`, `{key}:cancel`, `{key}:refund`), so one base key serves a create and its confirm.
/// Every operation ends within the adapter's deadline.
pub trait PaymentGateway: Send + Sync + 'static {
    /// The provider's name as it stands in our tables and in `/webhooks/{provider}`, for example `stripe`.
    fn provider(&self) -> &'static str;

    /// How long nothing will be sent for sure, because the gateway is down; `None` if the next request may go out.
    fn held_back(&self) -> Option<Duration> {
        None
    }

    /// Makes an intent without confirming it. Moves no money: harmless to repeat, also to learn a lost id. Refused with
    /// [`GatewayError::Invalid`] and no intent if the order names what the gateway doesn't know.
    fn create<'a>(&'a self, order: &'a Order, key: &'a str) -> Answer<'a, Intent>;

    /// Asks to secure the money of an intent that `order` made. Where the gateway only repeats a stored answer, also
    /// a stored 5xx, what counts is how the intent is now. Fine if it was confirmed before, whatever the refusal's code.
    fn confirm<'a>(&'a self, id: &'a IntentId, order: &'a Order, key: &'a str) -> Answer<'a, Intent>;

    /// Reads one intent as it is now. [`GatewayError::NotFound`] is no proof that there will never be one.
    fn read<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Intent>;

    /// All intents that carry this payment's id (or, without one, this saga's) in their metadata.
    ///
    /// May lag behind writes by minutes, so an empty answer proves nothing about a young payment.
    fn find<'a>(&'a self, trace: &'a Trace) -> Answer<'a, Vec<Intent>>;

    /// Takes money that is secured; what is left of the authorisation is given back by the gateway.
    /// Fine if exactly this was captured before.
    fn capture<'a>(&'a self, id: &'a IntentId, money: Money, key: &'a str) -> Answer<'a, Intent>;

    /// Cancels an intent that is not captured; it can never be charged afterwards. Fine if it was before.
    /// Refused with [`GatewayError::WrongState`] or [`GatewayError::Invalid`] and the intent if the money is there meanwhile.
    fn cancel<'a>(&'a self, id: &'a IntentId, reason: CancelReason, key: &'a str) -> Answer<'a, Intent>;

    /// Gives captured money back. The gateway may not guard the sum: the caller must. After a stored 5xx
    /// (`Doubt::Server` with `replayed`) look into [`PaymentGateway::refunds`] before asking under another key.
    fn refund<'a>(&'a self, order: &'a RefundOrder, key: &'a str) -> Answer<'a, Refund>;

    /// All refunds of an intent, newest first, whoever made them.
    fn refunds<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Vec<Refund>>;

    /// A page of the intents created in `window`, newest first, starting below `after`.
    fn list<'a>(
        &'a self,
        window: &'a Window,
        after: Option<&'a IntentId>,
    ) -> Answer<'a, Page<Intent, IntentId>>;

    /// A page of the events since `since`, newest first, starting below `after`.
    fn events<'a>(
        &'a self,
        since: DateTime<Utc>,
        after: Option<&'a EventId>,
    ) -> Answer<'a, Page<Event, EventId>>;
}

/// A span of creation times: `from` inclusive, `to` exclusive. Gateways keep whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
}

/// The most items that a gateway is asked for in one page (Stripe's own bound is 100).
pub const PAGE_ITEMS_MAX: usize = 50;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// The items, newest first; at most [`PAGE_ITEMS_MAX`].
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; `None` on the last.
    pub next: Option<C>,
}

/// An event read back from the gateway: what the webhook would have said.
#[derive(Debug)]
pub struct Event {
    /// The provider's id of it, the same as in the webhook.
    pub id: EventId,
    /// The event's JSON as the gateway sent it, for the inbox.
    pub body: String,
    /// The event in our words, if it is one that can be read.
    pub fact: Result<Fact, BadEvent>,
}

impl<T, C> Page<T, C> {
    fn empty() -> Self {
        Self { items: vec![], next: None }
    }
}

/// The most pages of what belongs to one payment: a thousand refunds or intents of one are nobody's honest work.
const PAGES_MAX: usize = 20;

/// All items of a list that is short by its nature.
async fn all_pages<'a, T, C>(
    page: impl Fn(Option<C>) -> Answer<'a, Page<T, C>>,
) -> Result<Vec<T>, GatewayError> {
    let (mut items, mut after) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let Page { items: more, next } = page(after.take()).await?;
        items.extend(more);
        match next {
            None => return Ok(items),
            next => after = next,
        }
    }
    Err(http::garbage(200, format!("a list of one payment's with more than {PAGES_MAX} pages")))
}

impl Gateway {
    /// Wraps an adapter.
    pub fn new(adapter: impl PaymentGateway) -> Self {
        Self(Arc::new(adapter))
    }

    /// Creates the intent and confirms it, under `{key}:create` and `{key}:confirm`.
    ///
    /// Returns the intent as the gateway has it now: secured, waiting for the customer, processing or, if
    /// somebody cancelled it meanwhile, canceled. The caller checks it against `order` with
    /// [`Intent::check`] before it believes in it.
    ///
    /// # Errors
    /// As [`GatewayError`] says. [`GatewayError::Declined`], also where the decline came later, carries the
    /// intent, which is still alive and must be cancelled by whoever gives up. It is never tried again.
    pub async fn authorise(&self, order: &Order, key: &str) -> Result<Intent, GatewayError> {
        let made = self.create(order, key).await?.or_declined()?;
        if made.status.is_confirmed() {
            return Ok(made);
        }
        match self.confirm(&made.id, order, key).await {
            // Confirmed before, under a key that the gateway has forgotten: the intent itself is the answer.
            Err(
                GatewayError::WrongState { intent: Some(intent), .. }
                | GatewayError::Invalid { intent: Some(intent), .. },
            ) if intent.status.is_confirmed() => Ok(*intent),
            // A replay shows what became of the first try.
            other => other?.or_declined(),
        }
    }
}

impl Deref for Gateway {
    type Target = dyn PaymentGateway;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gateway").field(&self.provider()).finish()
    }
}
