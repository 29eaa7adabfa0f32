//! Capture: takes the money that is held. It comes after the pivot, so it is only retried and never undone.
//!
//! It may have an end without money: the authorisation lapsed, or somebody captured a part by hand and gave it back. This
//! is written into our books with the step's refusal. What becomes of the booking is for a person to decide.

use crate::{
    BookingId, PaymentId,
    cashier::{Cashier, Secured, check_known, retryable},
    gateway::{CaptureOutcome, Intent, IntentId, IntentStatus, NeverCaptured, Refund},
    stakes,
    store::payments::News,
    write_down::{PaymentUpdate, write_down},
};
use orchestrator::{
    Call, DbError, Event, Policy, Probe, Recorded, Rejected, Stake, Step, StepError, Tx, Way,
};
use serde::{Deserialize, Serialize};

/// Takes the money of a booking.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Capture {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The money that is held.
    pub secured: Secured,
    /// The booking that it pays for, for the person who must handle money that can't be captured. `None` in old journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<BookingId>,
}

impl Step for Capture {
    const NAME: &'static str = "capture";
    const POLICY: Policy = Policy::PATIENT;
    /// The money of the payment that was asked for earlier.
    const SAME_STAKES: bool = true;
    type Output = Secured;
    type Medium = Call<Cashier>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Secured, StepError> {
        if self.secured.captured {
            return Ok(self.secured.clone());
        }
        let Secured { intent, money, .. } = &self.secured;
        let intent = call.capture_and_look(intent, *money, &call.key()).await?;
        self.end(call, &intent).await
    }

    /// Probes by the intent itself: it can be captured once, whatever the gateway remembers of our key.
    async fn probe(&self, call: &mut Call<Cashier>) -> Result<Probe<Secured>, StepError> {
        let intent = call.read(&self.secured.intent).await.map_err(retryable)?;
        if intent.status == IntentStatus::RequiresCapture {
            return Ok(Probe::NotDone);
        }
        Ok(Probe::Done(self.end(call, &intent).await?))
    }

    fn stakes(&self, _: Option<&Secured>) -> Vec<Stake> {
        stakes::money(self.secured.money)
    }

    fn describe(&self, _: Way) -> Option<String> {
        let Secured { intent, money, captured } = &self.secured;
        (!captured).then(|| format!("captures {money} of {intent}"))
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        let alone = Recorded { step: self, saga: tx.saga(), position: tx.position(), event };
        Self::record_all(vec![alone], tx).await
    }

    async fn record_all(batch: Vec<Recorded<'_, Self>>, tx: &mut Tx) -> Result<(), DbError> {
        let news: Vec<_> = batch
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::Ended(Ok(taken)) => {
                    Some(PaymentUpdate::new(recorded.saga, recorded.step.payment, taken.news()))
                }
                // Nothing is refused but for good.
                Event::Ended(Err(rejected)) => {
                    let never = News::NeverCaptured { reason: rejected.code.clone() };
                    Some(PaymentUpdate::new(recorded.saga, recorded.step.payment, never))
                }
                Event::Started | Event::UndoStarted { .. } | Event::Undone { .. } => None,
            })
            .collect();
        write_down(tx, &news).await
    }
}

impl Capture {
    /// The end by the intent as it is now. If another amount was captured, it matters what has gone back.
    async fn end(&self, call: &Call<Cashier>, intent: &Intent) -> Result<Secured, StepError> {
        check_known(intent)?;
        let refunds = match CaptureOutcome::of(intent, self.secured.money, &[]) {
            CaptureOutcome::Differs(_) => call.refunds(&intent.id).await.map_err(retryable)?,
            CaptureOutcome::Whole | CaptureOutcome::Open | CaptureOutcome::Never(_) => Vec::new(),
        };
        self.taken(intent, &refunds)
    }

    /// Decides by the intent's status and amount, because some gateways accept a capture after a cancel.
    fn taken(&self, intent: &Intent, refunds: &[Refund]) -> Result<Secured, StepError> {
        let (id, ordered) = (&intent.id, self.secured.money);
        match (CaptureOutcome::of(intent, ordered, refunds), Secured::of(intent)) {
            (CaptureOutcome::Whole, Some(taken)) => Ok(taken),
            (CaptureOutcome::Differs(taken), _) => Err(StepError::Contradiction(format!(
                "{id} was captured with {taken} of {ordered}, {}",
                self.named()
            ))),
            // Nothing can be captured any more, so this must not be tried again: a person must act.
            (CaptureOutcome::Never(never), _) => Err(self.never_captured(id, never).into()),
            (CaptureOutcome::Whole | CaptureOutcome::Open, _) => {
                Err(StepError::unclear(format!("{id} is {:?}", intent.status)))
            }
        }
    }

    fn never_captured(&self, id: &IntentId, never: NeverCaptured) -> Rejected {
        let what = match never {
            NeverCaptured::Lapsed => {
                format!("the authorisation of {id} lapsed before it was captured")
            }
            NeverCaptured::PartGivenBack => {
                format!("{id} was captured in part by hand, and that part has gone back")
            }
        };
        Rejected::new(never.as_str(), format!("{what}, {} stands without its money", self.named()))
    }

    fn named(&self) -> String {
        self.booking.map_or_else(
            || format!("the booking paid by {}", self.payment),
            |booking| format!("booking {booking}"),
        )
    }
}
