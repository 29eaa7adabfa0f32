//! The standard protocol's JSON, as far as we read it, and how it becomes our words.

use super::decimal;
use crate::gateway::{
    CaptureMethod, Currency, Intent, IntentId, IntentStatus, LastError, Money, NextAction, Refund, RefundId,
    RefundStatus, Trace, text::word,
};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;
use uuid::Uuid;

/// A charge. Its id stands in a header where it is the whole answer, and in `id` everywhere else.
#[derive(Deserialize)]
pub(super) struct Charge {
    #[serde(default)]
    pub id: Option<IntentId>,
    state: State,
    hold: bool,
    currency: Currency,
    amount: String,
    /// A gateway that doesn't say how much has not said that it is nothing.
    #[serde(default)]
    held: Option<String>,
    #[serde(default)]
    taken: Option<String>,
    #[serde(default)]
    returned: Option<String>,
    #[serde(default)]
    pub reference: Reference,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    refusal: Option<Refusal>,
    made_at: DateTime<Utc>,
    mode: Mode,
    #[serde(default)]
    pub refunds: Vec<WireRefund>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Drafted,
    Asked,
    Working,
    Held,
    Taken,
    Refused,
    Dropped,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    Live,
    Test,
}

/// Our ids; what isn't a UUID was not written by us and reads as absent.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    saga: Option<String>,
    payment: Option<String>,
    reservation: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    page: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    reason: String,
    bank: Option<String>,
}

/// A refund, nested under its charge.
#[derive(Deserialize)]
pub(super) struct WireRefund {
    #[serde(default)]
    pub id: Option<RefundId>,
    amount: String,
    state: RefundState,
    #[serde(default)]
    reference: Reference,
    made_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RefundState {
    Pending,
    NeedsAccount,
    Done,
    Failed,
    Withdrawn,
}

impl Reference {
    pub fn trace(&self) -> Trace {
        let id = |text: &Option<String>| text.as_deref().and_then(|text| Uuid::parse_str(text).ok());
        Trace {
            saga_id: id(&self.saga),
            payment_id: id(&self.payment),
            reservation_id: id(&self.reservation),
        }
    }
}

impl Charge {
    /// An amount of this charge's, or which field can't be.
    pub fn money(&self, text: &str) -> Result<Money, &'static str> {
        decimal::read(text, self.currency).ok_or("an amount that isn't one of its currency")
    }

    /// In our words, or which field can't be.
    pub fn read(self) -> Result<Intent, &'static str> {
        let amount = |text: &Option<String>| {
            text.as_deref().map(|text| self.money(text).map(|money| money.amount)).transpose()
        };
        let (money, held, taken) = (self.money(&self.amount)?, amount(&self.held)?, amount(&self.taken)?);
        Ok(Intent {
            status: match self.state {
                State::Drafted => IntentStatus::RequiresConfirmation,
                State::Asked => IntentStatus::RequiresAction,
                State::Working => IntentStatus::Processing,
                State::Held => IntentStatus::RequiresCapture,
                State::Taken => IntentStatus::Succeeded,
                State::Refused => IntentStatus::RequiresPaymentMethod,
                State::Dropped => IntentStatus::Canceled,
            },
            money,
            amount_capturable: held,
            amount_received: taken,
            amount_refunded: amount(&self.returned)?,
            capture: if self.hold { CaptureMethod::Manual } else { CaptureMethod::Automatic },
            trace: self.reference.trace(),
            next_action: self
                .action
                .map(|action| NextAction { kind: "redirect_to_url".to_owned(), url: action.page }),
            last_error: self.refusal.map(|refusal| LastError {
                code: word(&refusal.reason),
                decline_code: refusal.bank.as_deref().map(word),
            }),
            latest_charge: None,
            created: self.made_at.trunc_subsecs(0),
            live: self.mode == Mode::Live,
            id: self.id.ok_or("no id")?,
        })
    }

    /// Its refunds in our words, newest first, or which field can't be.
    pub fn read_refunds(&self) -> Result<Vec<Refund>, &'static str> {
        let id = self.id.as_ref().ok_or("no id")?;
        let mut refunds = self
            .refunds
            .iter()
            .map(|refund| refund.read(id, self.currency))
            .collect::<Result<Vec<_>, _>>()?;
        refunds.sort_by_key(|refund| std::cmp::Reverse(refund.created));
        Ok(refunds)
    }
}

impl WireRefund {
    /// In our words, or which field can't be.
    pub fn read(&self, charge: &IntentId, currency: Currency) -> Result<Refund, &'static str> {
        Ok(Refund {
            id: self.id.clone().ok_or("a refund without an id")?,
            intent: Some(charge.clone()),
            money: decimal::read(&self.amount, currency).ok_or("an amount that isn't one of its currency")?,
            status: match self.state {
                RefundState::Pending => RefundStatus::Pending,
                RefundState::NeedsAccount => RefundStatus::RequiresAction,
                RefundState::Done => RefundStatus::Succeeded,
                RefundState::Failed => RefundStatus::Failed,
                RefundState::Withdrawn => RefundStatus::Canceled,
            },
            trace: self.reference.trace(),
            created: self.made_at.trunc_subsecs(0),
        })
    }
}
