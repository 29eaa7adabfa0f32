//! The results of a run: counts and sums by class and currency, and the first differences.

use super::{Class, store::cases::Seen};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use steps::gateway::Currency;
use uuid::Uuid;

/// The most differences that are listed. The counts are complete.
const LISTED_MAX: usize = 1_000;

/// The results of a run so far.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The gateway whose books ours were compared with.
    pub gateway: String,
    /// The window's first moment.
    pub since: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// Everything before this time was compared. If a run breaks off, the next one begins there.
    pub reached: DateTime<Utc>,
    /// Whether the whole window was compared, and the open cases were checked again.
    pub complete: bool,
    /// The number of payments compared.
    pub compared: u64,
    /// Counts and sums by class and currency.
    pub classes: Vec<Sum>,
    /// The number of cases whose difference is gone.
    pub cases_vanished: u64,
    /// The first differences found.
    pub differences: Vec<Difference>,
    /// Whether there are more differences than are listed.
    pub truncated: bool,
    #[serde(skip)]
    sums: BTreeMap<(Class, Currency), (u64, i64, i64)>,
}

/// The payments of one class in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The class.
    pub class: Class,
    /// The currency.
    pub currency: Currency,
    /// The number of these payments.
    pub count: u64,
    /// Minor units by our books.
    pub ours_minor: i64,
    /// Minor units by the gateway's.
    pub theirs_minor: i64,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The class of the difference.
    pub class: Class,
    /// The gateway's name for the payment, or ours if it has none.
    pub reference: String,
    /// Our payment, if one is known.
    pub payment_id: Option<Uuid>,
    /// Its reservation.
    pub reservation_id: Option<Uuid>,
    /// The currency of both amounts.
    pub currency: Currency,
    /// Minor units by our books.
    pub ours_minor: i64,
    /// Minor units by the gateway's.
    pub theirs_minor: i64,
    /// What is wrong, in one sentence.
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
        // A gateway may say anything; a report must not fail because of it.
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

    /// Sorts the sums.
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
