//! A gateway whose answer to a confirmation is held back, while its effect is there at once.

use steps::gateway::{
    Answer, CancelReason, Event, EventId, Intent, IntentId, Money, Order, Page, PaymentGateway, Refund,
    RefundOrder, Trace, Window, instant::Instant,
};
use tests::play::Gate;

/// Answers confirmations when the gate opens.
pub struct Slow {
    pub gateway: Instant,
    pub gate: Gate,
}

impl PaymentGateway for Slow {
    fn provider(&self) -> &'static str {
        self.gateway.provider()
    }

    fn confirm<'a>(&'a self, id: &'a IntentId, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        let answer = self.gateway.confirm(id, order, key);
        Box::pin(async move {
            self.gate.pass().await;
            answer.await
        })
    }

    fn create<'a>(&'a self, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        self.gateway.create(order, key)
    }

    fn read<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Intent> {
        self.gateway.read(id)
    }

    fn find<'a>(&'a self, trace: &'a Trace) -> Answer<'a, Vec<Intent>> {
        self.gateway.find(trace)
    }

    fn capture<'a>(&'a self, id: &'a IntentId, money: Money, key: &'a str) -> Answer<'a, Intent> {
        self.gateway.capture(id, money, key)
    }

    fn cancel<'a>(&'a self, id: &'a IntentId, reason: CancelReason, key: &'a str) -> Answer<'a, Intent> {
        self.gateway.cancel(id, reason, key)
    }

    fn refund<'a>(&'a self, order: &'a RefundOrder, key: &'a str) -> Answer<'a, Refund> {
        self.gateway.refund(order, key)
    }

    fn refunds<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Vec<Refund>> {
        self.gateway.refunds(id)
    }

    fn list<'a>(
        &'a self,
        window: &'a Window,
        after: Option<&'a IntentId>,
    ) -> Answer<'a, Page<Intent, IntentId>> {
        self.gateway.list(window, after)
    }

    fn events<'a>(
        &'a self,
        since: chrono::DateTime<chrono::Utc>,
        after: Option<&'a EventId>,
    ) -> Answer<'a, Page<Event, EventId>> {
        self.gateway.events(since, after)
    }
}
