//! What a run has found: counts and sums by class and currency, and the first of the differences.

use super::{Class, store::cases::Seen};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use steps::gateway::Currency;
use uuid::Uuid;

/// Differences that are listed; the counts are of all.
const LISTED_MAX: usize = 1_000;

/// What a run has found so far.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whose books ours were compared with.
    pub gateway: String,
    /// The window's first moment.
    pub since: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// Everything before this was compared. Where a run broke off, the next one begins.
    pub reached: DateTime<Utc>,
    /// The whole window was compared, and the open cases were looked at again.
    pub complete: bool,
    /// Payments compared.
    pub compared: u64,
    /// By class and currency.
    pub classes: Vec<Sum>,
    /// Cases whose difference is gone.
    pub cases_vanished: u64,
    /// The first differences found.
    pub differences: Vec<Difference>,
    /// There are more than are listed.
    pub truncated: bool,
    #[serde(skip)]
    sums: BTreeMap<(Class, Currency), (u64, i64, i64)>,
}

/// One class in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Which.
    pub class: Class,
    /// Which.
    pub currency: Currency,
    /// Payments of this class.
    pub count: u64,
    /// Minor units by our books.
    pub ours_minor: i64,
    /// Minor units by the gateway's.
    pub theirs_minor: i64,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// What kind.
    pub class: Class,
    /// The gateway's name for the payment; ours where it has none.
    pub reference: String,
    /// Our payment, if one is known.
    pub payment_id: Option<Uuid>,
    /// Its reservation.
    pub reservation_id: Option<Uuid>,
    /// Of both amounts.
    pub currency: Currency,
    /// Minor units by our books.
    pub ours_minor: i64,
    /// Minor units by the gateway's.
    pub theirs_minor: i64,
    /// In one sentence.
    pub what: String,
    /// What can be done about it.
    pub safe_action: &'static str,
}

impl Report {
    pub(super) fn new(gateway: &str, since: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self {
            gateway: gateway.to_owned(),
            since,
            until,
            reached: since,
            complete: false,
            compared: 0,
            classes: Vec::new(),
            cases_vanished: 0,
            differences: Vec::new(),
            truncated: false,
            sums: BTreeMap::new(),
        }
    }

    /// How many payments differ.
    pub fn differing(&self) -> u64 {
        self.classes.iter().filter(|sum| sum.class.is_difference()).map(|sum| sum.count).sum()
    }

    pub(super) fn add(&mut self, seen: &Seen) {
        self.compared += 1;
        let sum = self.sums.entry((seen.class, seen.currency)).or_default();
        // What a gateway says may be anything; a report must not fail over it.
        *sum = (sum.0 + 1, sum.1.saturating_add(seen.ours), sum.2.saturating_add(seen.theirs));
        if !seen.class.is_difference() {
            return;
        }
        if self.differences.len() == LISTED_MAX {
            self.truncated = true;
            return;
        }
        self.differences.push(Difference {
            class: seen.class,
            reference: seen.reference.clone(),
            payment_id: seen.payment.map(|payment| payment.uuid()),
            reservation_id: seen.reservation.map(|reservation| reservation.uuid()),
            currency: seen.currency,
            ours_minor: seen.ours,
            theirs_minor: seen.theirs,
            what: seen.what.clone(),
            safe_action: seen.class.safe_action(),
        });
    }

    /// Puts the sums where readers look for them.
    pub(super) fn sum_up(&mut self) {
        let sums = self.sums.iter().map(|((class, currency), (count, ours, theirs))| Sum {
            class: *class,
            currency: *currency,
            count: *count,
            ours_minor: *ours,
            theirs_minor: *theirs,
        });
        self.classes = sums.collect();
    }
}
