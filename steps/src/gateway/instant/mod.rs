//! A gateway inside the process that secures everything at once: for benchmarks and for exploring sagas.
//!
//! It behaves as Stripe does where a saga could notice (states, keys, what is refused), keeps books that a
//! test can read as its witness, and does as a script says: decline, leave it pending, refuse, or have the
//! effect and then pretend that the answer was lost. It sends no webhooks: [`Instant::fact`] makes the news
//! that a test hands to the saga itself.

mod books;

pub use books::{Books, Entry, Sums};

use super::{
    Answer, CancelReason, Doubt, Event, EventId, Fact, FactKind, GatewayError, Intent, IntentId,
    IntentStatus, Money, Order, Page, PaymentGateway, Refund, RefundId, RefundOrder, Trace, Unsent, Window,
};
use chrono::{DateTime, Utc};
use std::{
    future::{pending, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

/// The name of its payments' gateway in our tables.
pub const PROVIDER: &str = "instant";

/// The in-process gateway. Clones share the books and the script, so a test keeps one and hands out another.
#[derive(Clone, Default)]
pub struct Instant(Arc<Shared>);

/// The request that the script decides on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The operation.
    pub operation: Operation,
    /// The caller's base key; empty for reads.
    pub key: &'a str,
    /// The intent, if the request names one.
    pub intent: Option<&'a IntentId>,
    /// Our ids, as far as they are known for it.
    pub trace: Trace,
}

/// The operations of the port that a script can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `create`.
    Create,
    /// `confirm`.
    Confirm,
    /// `read`.
    Read,
    /// `find`.
    Find,
    /// `capture`.
    Capture,
    /// `cancel`.
    Cancel,
    /// `refund`.
    Refund,
    /// `refunds`.
    Refunds,
}

/// The script's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Behave as a good gateway.
    Go,
    /// Confirm: decline it. Elsewhere as `Go`.
    Decline,
    /// Confirm: leave it processing until [`Instant::settle`]. Refund: leave it pending. Elsewhere as `Go`.
    Pend,
    /// Confirm: the customer must act until [`Instant::settle`]. Elsewhere as `Go`.
    RequireAction,
    /// The request does not arrive, and the caller knows it.
    Refuse,
    /// Busy for this long, without effect.
    Busy(Duration),
    /// There is no effect, and the caller doesn't know it.
    LoseRequest,
    /// There is the effect, and the caller doesn't know it.
    LoseAnswer,
    /// There is the effect, and never an answer.
    Hang,
    /// There is the effect, and the answer shows this money instead.
    Lie(Money),
    /// Refund: the customer's bank refuses it at once. Capture: the authorisation has lapsed. Elsewhere as `Go`.
    Fail,
    /// The answer is a 500, a new one or the stored one, with or without the effect.
    ServerError {
        /// Whether it has its effect.
        done: bool,
        /// Whether it is said to be the stored answer of an earlier request.
        replayed: bool,
    },
}

type Script = dyn Fn(&Request<'_>) -> Act + Send + Sync;

#[derive(Default)]
struct Shared {
    books: Mutex<Books>,
    script: RwLock<Option<Box<Script>>>,
}

impl Instant {
    /// With empty books and no script: everything is secured at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on follows `script`, which is called under a lock and must not call the gateway.
    pub fn script(&self, script: impl Fn(&Request<'_>) -> Act + Send + Sync + 'static) {
        *self.0.script.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(script));
    }

    /// A copy of the books.
    pub fn books(&self) -> Books {
        self.open().clone()
    }

    /// Ends what is processing or waits for the customer: the money is secured, or declined.
    /// `None` if there is no such intent or it isn't pending.
    pub fn settle(&self, id: &IntentId, secured: bool) -> Option<Intent> {
        self.open().settle(id, secured)
    }

    /// Gives back some of an intent's money as in the gateway's own dashboard, without our ids. `None` if it is not possible.
    pub fn refund_by_hand(&self, id: &IntentId, money: Money) -> Option<Refund> {
        let order = RefundOrder { intent: id.clone(), money, trace: Trace::default() };
        let mut books = self.open();
        let key = format!("by-hand-{}", books.refunds(id).ok()?.len());
        books.refund(&order, &key, false).ok()
    }

    /// Lets a refund fail after all, so that its money is with us again. `None` if there is no such refund, or it has failed.
    pub fn fail_refund(&self, intent: &IntentId, refund: &RefundId) -> Option<Refund> {
        self.open().fail_refund(intent, refund)
    }

    /// The news that a webhook would bring of an intent as it is now; `None` if there is no such intent.
    pub fn fact(&self, id: &IntentId, event: EventId) -> Option<Fact> {
        let intent = self.open().read(id).ok()?;
        let (kind, money) = match intent.status {
            IntentStatus::RequiresCapture => (FactKind::Authorised, intent.secured()),
            IntentStatus::Succeeded => (FactKind::Captured, intent.secured()),
            IntentStatus::Processing => (FactKind::Processing, Some(intent.money)),
            IntentStatus::RequiresAction => (FactKind::ActionRequired, Some(intent.money)),
            IntentStatus::Canceled => (FactKind::Cancelled, Some(intent.money)),
            IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation => {
                (FactKind::Declined, Some(intent.money))
            }
        };
        Some(Fact {
            provider: PROVIDER.to_owned(),
            event_id: event,
            kind,
            intent: Some(intent.id),
            trace: intent.trace,
            money,
            at: Utc::now(),
            live: false,
        })
    }

    fn open(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act(&self, operation: Operation, key: &str, intent: Option<&IntentId>, trace: Option<Trace>) -> Act {
        let script = self.0.script.read().unwrap_or_else(PoisonError::into_inner);
        let Some(script) = &*script else { return Act::Go };
        let known = || intent.and_then(|id| self.open().read(id).ok()).map(|intent| intent.trace);
        script(&Request { operation, key, intent, trace: trace.or_else(known).unwrap_or_default() })
    }

    /// Has the effect, or not, and answers, or not.
    fn play<'a, T: Send + 'a>(
        &self,
        act: Act,
        effect: impl FnOnce(&mut Books) -> Result<T, GatewayError>,
        lie: impl FnOnce(&mut T, Money),
    ) -> Answer<'a, T> {
        let answer = match act {
            Act::Refuse => Err(GatewayError::Refused(Unsent::Scripted)),
            Act::Busy(retry_after) => Err(GatewayError::Busy { retry_after }),
            Act::LoseRequest => Err(GatewayError::Unclear(Doubt::Scripted)),
            Act::Go | Act::Decline | Act::Pend | Act::RequireAction | Act::Fail => effect(&mut self.open()),
            Act::ServerError { done, replayed } => {
                if done {
                    let _ = effect(&mut self.open());
                }
                Err(GatewayError::Unclear(Doubt::Server { status: 500, replayed }))
            }
            Act::LoseAnswer | Act::Hang | Act::Lie(_) => {
                let done = effect(&mut self.open());
                match act {
                    Act::Hang => return Box::pin(pending()),
                    Act::Lie(money) => done.map(|mut value| {
                        lie(&mut value, money);
                        value
                    }),
                    _ => Err(GatewayError::Unclear(Doubt::Scripted)),
                }
            }
        };
        Box::pin(ready(answer))
    }
}

fn show_other_money(intent: &mut Intent, money: Money) {
    match intent.status {
        IntentStatus::RequiresCapture => intent.amount_capturable = Some(money.amount),
        IntentStatus::Succeeded => intent.amount_received = Some(money.amount),
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::Processing
        | IntentStatus::Canceled => {}
    }
    intent.money = money;
}

impl PaymentGateway for Instant {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn create<'a>(&'a self, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        let act = self.act(Operation::Create, key, None, Some(order.trace));
        self.play(act, |books| books.create(order, key), show_other_money)
    }

    fn confirm<'a>(&'a self, id: &'a IntentId, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        let act = self.act(Operation::Confirm, key, Some(id), Some(order.trace));
        self.play(act, |books| books.confirm(id, key, act), show_other_money)
    }

    fn read<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Intent> {
        let act = self.act(Operation::Read, "", Some(id), None);
        self.play(act, |books| books.read(id), show_other_money)
    }

    fn find<'a>(&'a self, trace: &'a Trace) -> Answer<'a, Vec<Intent>> {
        let act = self.act(Operation::Find, "", None, Some(*trace));
        let lie = |found: &mut Vec<Intent>, money| {
            found.iter_mut().for_each(|intent| show_other_money(intent, money))
        };
        self.play(act, |books| Ok(books.find(trace)), lie)
    }

    fn capture<'a>(&'a self, id: &'a IntentId, money: Money, key: &'a str) -> Answer<'a, Intent> {
        let act = self.act(Operation::Capture, key, Some(id), None);
        let lapse = act == Act::Fail;
        self.play(
            act,
            |books| {
                if lapse {
                    books.cancel(id)?;
                }
                books.capture(id, money)
            },
            show_other_money,
        )
    }

    fn cancel<'a>(&'a self, id: &'a IntentId, _reason: CancelReason, key: &'a str) -> Answer<'a, Intent> {
        let act = self.act(Operation::Cancel, key, Some(id), None);
        self.play(act, |books| books.cancel(id), show_other_money)
    }

    fn refund<'a>(&'a self, order: &'a RefundOrder, key: &'a str) -> Answer<'a, Refund> {
        let act = self.act(Operation::Refund, key, Some(&order.intent), Some(order.trace));
        self.play(
            act,
            |books| {
                let made = books.refund(order, key, act == Act::Pend)?;
                Ok(match act {
                    Act::Fail => books.fail_refund(&order.intent, &made.id).unwrap_or(made),
                    _ => made,
                })
            },
            |refund, money| refund.money = money,
        )
    }

    fn refunds<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Vec<Refund>> {
        let act = self.act(Operation::Refunds, "", Some(id), None);
        let lie = |found: &mut Vec<Refund>, money| found.iter_mut().for_each(|refund| refund.money = money);
        self.play(act, |books| books.refunds(id), lie)
    }

    fn list<'a>(
        &'a self,
        window: &'a Window,
        _after: Option<&'a IntentId>,
    ) -> Answer<'a, Page<Intent, IntentId>> {
        let made_in = |intent: &Intent| window.from <= intent.created && intent.created < window.to;
        self.play(Act::Go, |books| Ok(Page { items: books.matching(made_in), next: None }), |_, _| {})
    }

    /// It keeps no events: a test hands on [`Instant::fact`] itself.
    fn events<'a>(&'a self, _: DateTime<Utc>, _: Option<&'a EventId>) -> Answer<'a, Page<Event, EventId>> {
        Box::pin(ready(Ok(Page { items: vec![], next: None })))
    }
}

#[cfg(test)]
mod tests;
