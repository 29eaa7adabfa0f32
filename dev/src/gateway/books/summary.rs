//! The books as a witness reads them: every intent, the sums, and whatever was done twice.

use super::{
    Books,
    intent::{Intent, Status},
    refund::{Refund, RefundStatus},
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Serialize)]
pub(in crate::gateway) struct Summary<'a> {
    pub intents: Vec<Line<'a>>,
    /// Over all intents, by currency in lower case, also where `intents` is filtered.
    pub sums: BTreeMap<&'a str, Sums>,
    pub doubles: Doubles,
}

/// One intent. Amounts in minor units.
#[derive(Debug, Serialize)]
pub(in crate::gateway) struct Line<'a> {
    pub id: &'a str,
    pub payment_id: Option<&'a str>,
    pub saga_id: Option<&'a str>,
    pub reservation_id: Option<&'a str>,
    pub status: Status,
    pub amount: i64,
    pub currency: &'a str,
    pub authorised: i64,
    pub captured: i64,
    /// Sum of the refunds that did not fail.
    pub refunded: i64,
    /// How often its money was secured and how often it was captured.
    pub times_secured: u32,
    pub times_captured: u32,
    pub times_declined: u32,
    pub refunds: Vec<RefundLine<'a>>,
    pub dispute: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(in crate::gateway) struct RefundLine<'a> {
    pub id: &'a str,
    pub amount: i64,
    pub status: RefundStatus,
}

#[derive(Debug, Default, Serialize)]
pub(in crate::gateway) struct Sums {
    /// Held right now.
    pub authorised: i64,
    pub captured: i64,
    pub refunded: i64,
    /// captured - refunded.
    pub kept: i64,
}

/// All zero in a world without double effects.
#[derive(Debug, Default, Serialize)]
pub(in crate::gateway) struct Doubles {
    /// Intents whose money was secured more than once.
    pub secured_again: u64,
    /// Intents that were captured more than once.
    pub captured_again: u64,
    /// Payments (by `payment_id`) that hold or keep the money of more than one intent.
    pub payments_charged_twice: u64,
    /// Intents with more refunded than captured.
    pub refunded_too_much: u64,
    /// Intents that someone tried to capture after their cancel, and was told 200.
    pub captured_after_cancel: u64,
}

pub(in crate::gateway) fn of<'a>(books: &'a Books, payment_id: Option<&str>) -> Summary<'a> {
    let mut refunds: HashMap<&str, Vec<&Refund>> = HashMap::new();
    for refund in books.refunds.oldest_first() {
        refunds.entry(&refund.intent).or_default().push(refund);
    }
    let mut summary = Summary { intents: vec![], sums: BTreeMap::new(), doubles: Doubles::default() };
    let mut charged: HashMap<&str, u64> = HashMap::new();
    for intent in books.intents.oldest_first() {
        let line = line(intent, refunds.get(intent.id.as_str()).map_or(&[], Vec::as_slice));
        let sums = summary.sums.entry(&intent.currency).or_default();
        sums.authorised += intent.amount_capturable;
        sums.captured += line.captured;
        sums.refunded += line.refunded;
        sums.kept += line.captured - line.refunded;
        let doubles = &mut summary.doubles;
        doubles.secured_again += u64::from(line.times_secured > 1);
        doubles.captured_again += u64::from(line.times_captured > 1);
        doubles.refunded_too_much += u64::from(line.refunded > line.captured);
        doubles.captured_after_cancel += u64::from(intent.counts.captures_after_cancel > 0);
        if let Some(id) = line.payment_id
            && intent.amount_capturable + line.captured - line.refunded > 0
        {
            *charged.entry(id).or_default() += 1;
        }
        if payment_id.is_none() || payment_id == line.payment_id {
            summary.intents.push(line);
        }
    }
    summary.doubles.payments_charged_twice = charged.values().filter(|count| **count > 1).count() as u64;
    summary
}

fn line<'a>(intent: &'a Intent, refunds: &[&'a Refund]) -> Line<'a> {
    let ours = |name| intent.metadata.get(name).map(String::as_str);
    let charge = intent.charge.as_ref();
    Line {
        id: &intent.id,
        payment_id: ours("payment_id"),
        saga_id: ours("saga_id"),
        reservation_id: ours("reservation_id"),
        status: intent.status,
        amount: intent.amount,
        currency: &intent.currency,
        authorised: intent.amount_capturable,
        captured: charge.map_or(0, |charge| charge.amount_captured),
        refunded: charge.map_or(0, |charge| charge.amount_refunded),
        times_secured: intent.counts.secured,
        times_captured: intent.counts.captured,
        times_declined: intent.counts.declined,
        refunds: refunds
            .iter()
            .map(|refund| RefundLine { id: &refund.id, amount: refund.amount, status: refund.status })
            .collect(),
        dispute: charge.and_then(|charge| charge.dispute.as_ref()).map(|dispute| dispute.status.as_str()),
    }
}
