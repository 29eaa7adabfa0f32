//! The in-process gateway's books: who was charged what, and how often.

use super::Act;
use crate::gateway::{
    CaptureMethod, ChargeId, Currency, GatewayError, Intent, IntentId, IntentStatus, LastError, Money,
    NextAction, Order, Refund, RefundId, RefundOrder, RefundStatus, Trace,
};
use chrono::{SubsecRound, Utc};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How many intents are kept in full. Older ones that have ended remain only in the sums, so that a benchmark can run for
/// hours.
const ENTRIES_MAX: usize = 100_000;

/// Everything that the gateway did.
#[derive(Clone, Debug, Default)]
pub struct Books {
    entries: HashMap<IntentId, Entry>,
    oldest_first: VecDeque<IntentId>,
    sums: BTreeMap<Currency, Sums>,
}

/// One intent and what was done to it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The intent as it is now.
    pub intent: Intent,
    /// Refunds that were accepted, oldest first.
    pub refunds: Vec<Refund>,
    /// How often its money was secured: more than 1 is a double charge.
    pub secured: u32,
    order: Order,
    confirm_keys: Vec<String>,
}

/// Minor units in one currency, over the whole life of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Held at some time, whether captured later or not.
    pub authorised: i64,
    /// Captured.
    pub captured: i64,
    /// Gone back, or on its way back.
    pub refunded: i64,
}

impl Books {
    /// The intents that are still kept whole, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The sums in one currency.
    pub fn sums(&self, currency: Currency) -> Sums {
        self.sums.get(&currency).copied().unwrap_or_default()
    }

    pub(super) fn create(&mut self, order: &Order, key: &str) -> Result<Intent, GatewayError> {
        let id = IntentId::new(format!("pi_instant_{key}"));
        if let Some(entry) = self.entries.get(&id) {
            return if entry.order == *order {
                Ok(entry.intent.clone())
            } else {
                Err(GatewayError::KeyReused)
            };
        }
        let intent = Intent {
            id: id.clone(),
            status: IntentStatus::RequiresConfirmation,
            money: order.money,
            amount_capturable: Some(0),
            amount_received: Some(0),
            amount_refunded: Some(0),
            capture: order.capture,
            trace: order.trace,
            next_action: None,
            last_error: None,
            latest_charge: None,
            created: Utc::now().trunc_subsecs(0),
            live: false,
        };
        let entry = Entry {
            intent: intent.clone(),
            refunds: vec![],
            secured: 0,
            order: order.clone(),
            confirm_keys: vec![],
        };
        self.entries.insert(id.clone(), entry);
        self.oldest_first.push_back(id);
        self.forget_one();
        Ok(intent)
    }

    pub(super) fn confirm(&mut self, id: &IntentId, key: &str, act: Act) -> Result<Intent, GatewayError> {
        let (entry, sums) = self.entry(id)?;
        if entry.confirm_keys.iter().any(|used| used == key) {
            return entry.intent.clone().or_declined();
        }
        if entry.intent.status.is_confirmed() {
            return Err(entry.wrong_state());
        }
        entry.confirm_keys.push(key.to_owned());
        match act {
            Act::Decline => entry.decline(),
            Act::Pend => entry.intent.status = IntentStatus::Processing,
            Act::RequireAction => {
                entry.intent.status = IntentStatus::RequiresAction;
                entry.intent.next_action = Some(NextAction { kind: "redirect_to_url".to_owned(), url: None });
            }
            Act::Go
            | Act::Refuse
            | Act::Busy(_)
            | Act::LoseRequest
            | Act::LoseAnswer
            | Act::Hang
            | Act::Fail
            | Act::ServerError { .. }
            | Act::Lie(_) => entry.secure(sums),
        }
        entry.intent.clone().or_declined()
    }

    pub(super) fn settle(&mut self, id: &IntentId, secured: bool) -> Option<Intent> {
        let (entry, sums) = self.entry(id).ok()?;
        if !matches!(entry.intent.status, IntentStatus::Processing | IntentStatus::RequiresAction) {
            return None;
        }
        entry.intent.next_action = None;
        if secured {
            entry.secure(sums);
        } else {
            entry.decline();
        }
        Some(entry.intent.clone())
    }

    pub(super) fn capture(&mut self, id: &IntentId, money: Money) -> Result<Intent, GatewayError> {
        let (entry, sums) = self.entry(id)?;
        let Intent { status, amount_capturable, .. } = entry.intent;
        if entry.intent.is_captured(money) {
            return Ok(entry.intent.clone());
        }
        if status != IntentStatus::RequiresCapture || Some(money.amount) > amount_capturable {
            return Err(entry.wrong_state());
        }
        let intent = &mut entry.intent;
        intent.status = IntentStatus::Succeeded;
        intent.amount_capturable = Some(0);
        intent.amount_received = Some(money.amount);
        sums.captured += money.amount;
        Ok(intent.clone())
    }

    pub(super) fn cancel(&mut self, id: &IntentId) -> Result<Intent, GatewayError> {
        let (entry, _) = self.entry(id)?;
        match entry.intent.status {
            IntentStatus::Canceled => return Ok(entry.intent.clone()),
            IntentStatus::Succeeded => return Err(entry.wrong_state()),
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::Processing
            | IntentStatus::RequiresCapture => {}
        }
        entry.intent.status = IntentStatus::Canceled;
        entry.intent.amount_capturable = Some(0);
        entry.intent.next_action = None;
        Ok(entry.intent.clone())
    }

    pub(super) fn refund(
        &mut self,
        order: &RefundOrder,
        key: &str,
        pend: bool,
    ) -> Result<Refund, GatewayError> {
        let (entry, sums) = self.entry(&order.intent)?;
        let id = RefundId::new(format!("re_instant_{key}"));
        if let Some(made) = entry.refunds.iter().find(|made| made.id == id) {
            return if made.money == order.money { Ok(made.clone()) } else { Err(GatewayError::KeyReused) };
        }
        let gone = entry.intent.amount_refunded.unwrap_or(0) + order.money.amount;
        let known = order.money.currency == entry.intent.money.currency && order.money.amount > 0;
        if entry.intent.status != IntentStatus::Succeeded
            || Some(gone) > entry.intent.amount_received
            || !known
        {
            return Err(entry.wrong_state());
        }
        entry.intent.amount_refunded = Some(gone);
        sums.refunded += order.money.amount;
        let refund = Refund {
            id,
            intent: Some(order.intent.clone()),
            money: order.money,
            status: if pend { RefundStatus::Pending } else { RefundStatus::Succeeded },
            trace: order.trace,
            created: Utc::now().trunc_subsecs(0),
        };
        entry.refunds.push(refund.clone());
        Ok(refund)
    }

    pub(super) fn fail_refund(&mut self, intent: &IntentId, id: &RefundId) -> Option<Refund> {
        let (entry, sums) = self.entry(intent).ok()?;
        let refund = entry.refunds.iter_mut().find(|refund| refund.id == *id)?;
        if refund.status.is_owed_again() {
            return None;
        }
        refund.status = RefundStatus::Failed;
        entry.intent.amount_refunded = entry.intent.amount_refunded.map(|gone| gone - refund.money.amount);
        sums.refunded -= refund.money.amount;
        Some(refund.clone())
    }

    pub(super) fn read(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        self.entries.get(id).map(|entry| entry.intent.clone()).ok_or(GatewayError::NotFound)
    }

    pub(super) fn refunds(&self, id: &IntentId) -> Result<Vec<Refund>, GatewayError> {
        let entry = self.entries.get(id).ok_or(GatewayError::NotFound)?;
        Ok(entry.refunds.iter().rev().cloned().collect())
    }

    pub(super) fn find(&self, trace: &Trace) -> Vec<Intent> {
        self.matching(|intent| match (trace.payment_id, trace.saga_id) {
            (Some(id), _) => intent.trace.payment_id == Some(id),
            (None, Some(id)) => intent.trace.saga_id == Some(id),
            (None, None) => false,
        })
    }

    pub(super) fn matching(&self, wanted: impl Fn(&Intent) -> bool) -> Vec<Intent> {
        self.entries.values().map(|entry| &entry.intent).filter(|intent| wanted(intent)).cloned().collect()
    }

    fn entry(&mut self, id: &IntentId) -> Result<(&mut Entry, &mut Sums), GatewayError> {
        let entry = self.entries.get_mut(id).ok_or(GatewayError::NotFound)?;
        let sums = self.sums.entry(entry.intent.money.currency).or_default();
        Ok((entry, sums))
    }

    /// Makes room for one intent: one that has ended is dropped, another one goes to the back of the queue.
    fn forget_one(&mut self) {
        if self.oldest_first.len() <= ENTRIES_MAX {
            return;
        }
        let Some(oldest) = self.oldest_first.pop_front() else { return };
        let over =
            |entry: &Entry| matches!(entry.intent.status, IntentStatus::Succeeded | IntentStatus::Canceled);
        if self.entries.get(&oldest).is_some_and(over) {
            self.entries.remove(&oldest);
        } else {
            self.oldest_first.push_back(oldest);
        }
    }
}

impl Entry {
    fn secure(&mut self, sums: &mut Sums) {
        let Money { amount, .. } = self.intent.money;
        self.secured += 1;
        self.intent.last_error = None;
        self.intent.latest_charge = Some(ChargeId::new(format!("ch_{}", self.intent.id)));
        sums.authorised += amount;
        match self.intent.capture {
            CaptureMethod::Manual => {
                self.intent.status = IntentStatus::RequiresCapture;
                self.intent.amount_capturable = Some(amount);
            }
            CaptureMethod::Automatic => {
                self.intent.status = IntentStatus::Succeeded;
                self.intent.amount_received = Some(amount);
                sums.captured += amount;
            }
        }
    }

    fn decline(&mut self) {
        self.intent.status = IntentStatus::RequiresPaymentMethod;
        let error =
            LastError { code: "card_declined".to_owned(), decline_code: Some("generic_decline".to_owned()) };
        self.intent.last_error = Some(error);
    }

    fn wrong_state(&self) -> GatewayError {
        GatewayError::WrongState {
            code: "payment_intent_unexpected_state".to_owned(),
            intent: Some(Box::new(self.intent.clone())),
        }
    }
}
