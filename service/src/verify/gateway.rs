//! Compares our books with the gateway's, as findings beside the invariants. It is a reconciliation that writes nothing.

use super::{Finding, LISTED_MAX, Violation};
use crate::reconcile::{Class, Options, ReconcileError, Walk};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use steps::gateway::Gateway;

/// A payment that changed within this span is in flight.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(15);

/// One finding for each class of difference, among payments that moved money from `since` until `until`.
///
/// # Errors
/// The gateway's books, or ours, can't be read.
pub async fn check_gateway(
    pool: &PgPool,
    gateway: Gateway,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Finding>, ReconcileError> {
    let options = Options { since, until, settled_after: SETTLED_AFTER, write_cases: false };
    let mut walk = Walk::begin(pool.clone(), gateway, options).await?;
    walk.prepare().await?;
    while walk.slice().await? {}
    walk.finish().await?;
    let classes = Class::ALL.into_iter().filter(|class| class.is_difference());
    Ok(classes.map(|class| finding(class, &walk)).collect())
}

fn finding(class: Class, walk: &Walk) -> Finding {
    let report = walk.report();
    let counted = report.classes.iter().filter(|sum| sum.class == class).map(|sum| sum.count).sum::<u64>();
    let of_class = report.differences.iter().filter(|difference| difference.class == class);
    let listed = of_class.take(LISTED_MAX).map(|difference| Violation {
        subject: difference.reference.clone(),
        detail: difference.what.clone(),
    });
    Finding {
        invariant: class.as_str(),
        about: about(class),
        violations: usize::try_from(counted).unwrap_or(usize::MAX),
        listed: listed.collect(),
    }
}

fn about(class: Class) -> &'static str {
    match class {
        Class::Matched | Class::InFlight | Class::Stuck => "No difference.",
        Class::MoneyWithoutBooking => {
            "Money at the gateway that buys nothing: a late charge, or a second one."
        }
        Class::BookingWithoutMoney => "A confirmed booking for which the gateway has no money.",
        Class::AmountDiffers => "Another amount or currency at the gateway than in our books.",
        Class::RefundMissing => "A refund that one side has and the other lacks.",
        Class::RefundTooMuch => "More given back at the gateway than it had taken.",
        Class::UnknownPayment => "Money at the gateway that belongs to no payment of ours.",
    }
}
