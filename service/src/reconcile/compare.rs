//! The comparison itself: two records of one payment, and what is wrong if they differ. Pure.

use super::Class;
use chrono::{DateTime, TimeDelta, Utc};
use steps::{
    BookingId, PaymentId, ReservationId,
    gateway::{Currency, Intent, IntentId, IntentStatus, Money, Trace},
};

/// A payment in our books: its row, the sums of its ledger, its booking, and the state of its sagas.
#[derive(Clone, Debug)]
pub struct Ours {
    /// Its id.
    pub payment: PaymentId,
    /// The reservation that it pays for.
    pub reservation: ReservationId,
    /// The gateway's name for it, if we know it.
    pub reference: Option<IntentId>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Minor units that are held for us.
    pub held: i64,
    /// Minor units that were captured.
    pub captured: i64,
    /// Minor units that were refunded, without refunds that failed.
    pub refunded: i64,
    /// Minor units that the customer's bank has taken in disputes. The gateway's sums don't show them.
    pub lost: i64,
    /// Minor units that an open dispute has taken for now.
    pub disputed: i64,
    /// Minor units of refunds that are decided but not acknowledged.
    pub owed: i64,
    /// Whether the money was held once and never captured, so that our books have nothing of it.
    pub voided: bool,
    /// The confirmed booking that it paid for.
    pub booking: Option<BookingId>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// Whether a saga that it belongs to is under way.
    pub in_motion: bool,
    /// Whether a saga that it belongs to is stuck.
    pub stuck: bool,
}

/// A payment in the gateway's books.
#[derive(Clone, Debug)]
pub struct Theirs {
    /// The gateway's name for it.
    pub id: IntentId,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Minor units that can still be captured.
    pub held: i64,
    /// Minor units that were captured.
    pub captured: i64,
    /// Minor units that were refunded, or are on their way back.
    pub refunded: i64,
    /// Whether there is money of which the gateway doesn't say how much. Then `held` and `captured` are 0.
    pub is_amount_unknown: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Our ids, from its metadata.
    pub trace: Trace,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The class of the difference.
    pub class: Class,
    /// Minor units by our books; zero if they are in another currency than the gateway's.
    pub ours: i64,
    /// Minor units by the gateway's.
    pub theirs: i64,
    /// What is wrong, in one sentence.
    pub what: String,
}

impl Ours {
    /// An amount of this many minor units, in the payment's currency.
    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// The customer's money that we have, or that is held for us.
    fn net(&self) -> i64 {
        self.held + self.captured - self.refunded - self.lost
    }
}

impl Theirs {
    /// Makes the record of an intent. `refunded` is the sum of its refunds.
    pub fn of(intent: &Intent, refunded: i64) -> Self {
        let held = match intent.status {
            IntentStatus::RequiresCapture => intent.amount_capturable.unwrap_or(0),
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::Processing
            | IntentStatus::Succeeded
            | IntentStatus::Canceled => 0,
        };
        Self {
            id: intent.id.clone(),
            currency: intent.money.currency,
            held,
            captured: intent.amount_received.unwrap_or(0),
            refunded,
            is_amount_unknown: intent.is_amount_unknown(),
            created: intent.created,
            trace: intent.trace,
        }
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    fn net(&self) -> i64 {
        self.held + self.captured - self.refunded
    }
}

/// Compares a payment in both books at the time `now`. A payment that changed within `settled_after` is in flight.
pub fn compare(
    ours: Option<&Ours>,
    theirs: Option<&Theirs>,
    now: DateTime<Utc>,
    settled_after: TimeDelta,
) -> Found {
    let found = in_their_currency(difference(ours, theirs), ours, theirs);
    if !found.class.is_difference() {
        return found;
    }
    let young = |at: DateTime<Utc>| at > now - settled_after;
    let is_young =
        ours.is_some_and(|ours| young(ours.changed_at)) || theirs.is_some_and(|theirs| young(theirs.created));
    let class = if is_young || ours.is_some_and(|ours| ours.in_motion) {
        Class::InFlight
    } else if ours.is_some_and(|ours| ours.stuck) {
        Class::Stuck
    } else {
        found.class
    };
    Found { class, ..found }
}

/// Both amounts are in one currency, which is the gateway's. What our books have in another is in the sentence.
fn in_their_currency(found: Found, ours: Option<&Ours>, theirs: Option<&Theirs>) -> Found {
    let differ = ours.zip(theirs).is_some_and(|(ours, theirs)| ours.currency != theirs.currency);
    if differ { Found { ours: 0, ..found } } else { found }
}

fn difference(ours: Option<&Ours>, theirs: Option<&Theirs>) -> Found {
    match (ours, theirs) {
        (None, None) => matched(0),
        (ours, Some(theirs)) if theirs.is_amount_unknown => amount_unknown(ours, theirs),
        (None, Some(theirs)) if theirs.net() == 0 => matched(0),
        (None, Some(theirs)) => {
            let has = format!("the gateway has {}, and ", theirs.money(theirs.net()));
            let what = match theirs.trace.payment_id {
                None => has + "no payment of ours is known by it",
                Some(payment) => {
                    format!("{has}it names payment {payment}, which our books have not, or have lost")
                }
            };
            Found { class: Class::UnknownPayment, ours: 0, theirs: theirs.net(), what }
        }
        (Some(ours), Some(theirs)) if ours.reference.as_ref().is_some_and(|id| *id != theirs.id) => {
            second_intent(ours, theirs)
        }
        (Some(ours), Some(theirs)) => compare_both(ours, theirs),
        (Some(ours), None) => {
            // The gateway doesn't know it, which is the same as a record without money.
            let nothing = Theirs {
                id: ours.reference.clone().unwrap_or_else(|| IntentId::new(ours.payment.to_string())),
                currency: ours.currency,
                held: 0,
                captured: 0,
                refunded: 0,
                is_amount_unknown: false,
                created: ours.changed_at,
                trace: Trace::default(),
            };
            compare_both(ours, &nothing)
        }
    }
}

/// Nothing can be compared. If the money counted as nothing, a good booking would look like one without money.
fn amount_unknown(ours: Option<&Ours>, theirs: &Theirs) -> Found {
    let what = format!("the gateway has money of {}, and doesn't say how much", theirs.id);
    match ours {
        None => Found { class: Class::UnknownPayment, ours: 0, theirs: 0, what },
        Some(ours) => Found { class: Class::AmountDiffers, ours: ours.net(), theirs: 0, what },
    }
}

/// A second intent for one payment: whatever became of the other one, the money of this one pays for nothing.
fn second_intent(ours: &Ours, theirs: &Theirs) -> Found {
    if theirs.net() == 0 {
        return matched(0);
    }
    let what = format!(
        "the gateway has {} a second time: payment {} was made with another intent",
        theirs.money(theirs.net()),
        ours.payment
    );
    Found { class: Class::MoneyWithoutBooking, ours: 0, theirs: theirs.net(), what }
}

fn compare_both(ours: &Ours, theirs: &Theirs) -> Found {
    let found = |class, ours, theirs, what| Found { class, ours, theirs, what };
    let net = (ours.net(), theirs.net() - ours.lost);
    if ours.currency != theirs.currency && net.1 != 0 {
        let what = format!("the gateway has {}, our books have {}", theirs.money(net.1), ours.money(net.0));
        return found(Class::AmountDiffers, net.0, net.1, what);
    }
    if theirs.refunded > theirs.captured && theirs.refunded > ours.refunded {
        let what = format!(
            "the gateway gave back {}, which is {} more than it had taken",
            theirs.money(theirs.refunded),
            theirs.money(theirs.refunded - theirs.captured)
        );
        return found(Class::RefundTooMuch, ours.refunded, theirs.refunded, what);
    }
    if ours.booking.is_none() && net.1 > ours.disputed {
        let decided = ours.refunded + ours.owed;
        if decided > theirs.refunded {
            let what = format!(
                "our books give back {}, the gateway has refunds of {}",
                ours.money(decided),
                theirs.money(theirs.refunded)
            );
            return found(Class::RefundMissing, decided, theirs.refunded, what);
        }
        let what = format!("the gateway has {}, and nothing is booked with it", theirs.money(net.1));
        return found(Class::MoneyWithoutBooking, net.0, net.1, what);
    }
    if let (Some(booking), true) = (ours.booking, net.1 <= 0) {
        let what = match ours.lost {
            0 => format!("booking {booking} is confirmed, and the gateway has no money for it"),
            lost => format!(
                "booking {booking} is confirmed, and its money is gone: {} of it was lost in a dispute",
                ours.money(lost)
            ),
        };
        return found(Class::BookingWithoutMoney, net.0, net.1, what);
    }
    // A part was captured by hand and has gone back: only the gateway's books have that.
    if ours.voided && net == (0, 0) {
        return matched(0);
    }
    if (ours.captured, ours.held) != (theirs.captured, theirs.held) {
        let what = format!(
            "captured and held are {} and {} in our books, {} and {} at the gateway",
            ours.money(ours.captured),
            ours.money(ours.held),
            theirs.money(theirs.captured),
            theirs.money(theirs.held)
        );
        return found(Class::AmountDiffers, ours.captured + ours.held, theirs.captured + theirs.held, what);
    }
    if ours.refunded != theirs.refunded {
        let lacks = if ours.refunded < theirs.refunded { "our books lack" } else { "the gateway lacks" };
        let missing = (ours.refunded - theirs.refunded).abs();
        let what = format!("{lacks} a refund of {}", theirs.money(missing));
        return found(Class::RefundMissing, ours.refunded, theirs.refunded, what);
    }
    Found { ours: net.0, ..matched(net.1) }
}

fn matched(net: i64) -> Found {
    Found { class: Class::Matched, ours: net, theirs: net, what: String::new() }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
