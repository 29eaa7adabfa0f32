//! The standard protocol's news, read as facts. A message's id stands in its headers, not in its body.

use super::{
    PROVIDER,
    wire::{Charge, Mode, WireRefund},
};
use crate::gateway::{BadEvent, EventId, Fact, FactKind, Intent, Money, fact::DisputeStage};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;

/// How much of an unknown type is kept.
const TYPE_BYTES_MAX: usize = 100;

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    at: DateTime<Utc>,
    mode: Mode,
    /// The charge that it is about, as it was then.
    charge: Option<Charge>,
    refund: Option<WireRefund>,
    dispute: Option<Dispute>,
}

#[derive(Deserialize)]
struct Dispute {
    id: String,
    amount: String,
    state: String,
}

/// Reads a message whose signature was verified, or that was read back from the gateway.
///
/// # Errors
/// [`BadEvent`]; doubled keys among those we read are an error, since two readers could take two values.
pub fn read(id: &str, body: &[u8]) -> Result<Fact, BadEvent> {
    let Message { kind, at, mode, charge, refund, dispute } =
        serde_json::from_slice(body).map_err(BadEvent::Json)?;
    let about = |charge: Option<Charge>| charge.ok_or(BadEvent::Value("no charge"));
    let intent = |charge: Option<Charge>| about(charge)?.read().map_err(BadEvent::Value);
    let mut fact = Fact {
        provider: PROVIDER.to_owned(),
        event_id: EventId::new(id),
        kind: FactKind::Processing,
        intent: charge.as_ref().and_then(|charge| charge.id.clone()),
        trace: charge.as_ref().map(|charge| charge.reference.trace()).unwrap_or_default(),
        money: None,
        at: at.trunc_subsecs(0),
        live: mode == Mode::Live,
    };
    let (kind, money) = match kind.as_str() {
        "charge.held" => {
            let intent = intent(charge)?;
            (FactKind::Authorised, some_of(&intent, intent.amount_capturable))
        }
        "charge.taken" => {
            let intent = intent(charge)?;
            (FactKind::Captured, some_of(&intent, intent.amount_received))
        }
        "charge.refused" => (FactKind::Declined, Some(intent(charge)?.money)),
        "charge.working" => (FactKind::Processing, Some(intent(charge)?.money)),
        "charge.asked" => (FactKind::ActionRequired, Some(intent(charge)?.money)),
        "charge.dropped" => (FactKind::Cancelled, Some(intent(charge)?.money)),
        "refund.changed" => {
            let charge = intent(charge)?;
            let refund = refund.ok_or(BadEvent::Value("no refund"))?;
            let refund = refund.read(&charge.id, charge.money.currency).map_err(BadEvent::Value)?;
            // The refund says whether we asked for it; its charge does not.
            fact.trace = refund.trace;
            (FactKind::Refund { id: refund.id, status: refund.status }, Some(refund.money))
        }
        "dispute.opened" | "dispute.changed" | "dispute.closed" => {
            let charge = about(charge)?;
            let Dispute { id, amount, state } = dispute.ok_or(BadEvent::Value("no dispute"))?;
            let stage = match kind.as_str() {
                "dispute.opened" => DisputeStage::Opened,
                "dispute.changed" => DisputeStage::Changed,
                _ => DisputeStage::Closed,
            };
            let money = charge.money(&amount).map_err(BadEvent::Value)?;
            (FactKind::Dispute { id, stage, status: state }, Some(money))
        }
        other => {
            let kept = other.chars().filter(|c| !c.is_control()).take(TYPE_BYTES_MAX).collect();
            return Ok(Fact { kind: FactKind::Ignored(kept), ..fact });
        }
    };
    Ok(Fact { kind, money, ..fact })
}

/// So much of a charge's money, if the message says how much.
fn some_of(intent: &Intent, amount: Option<i64>) -> Option<Money> {
    Some(Money { amount: amount?, ..intent.money })
}
