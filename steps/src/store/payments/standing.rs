//! Where a payment stands, as far as news must know it.

use super::news::{Change, Movement};
use crate::money::Money;
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::{Account, Entry, Kind, balance};
use chrono::{DateTime, Utc};

/// A payment's row, and its movements where news needs them.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub status: PaymentStatus,
    pub money: MoneyState,
    /// What was ordered.
    pub amount: Money,
    pub refunded_minor: i64,
    pub disputed: bool,
    /// The gateway's name for it.
    pub reference: Option<String>,
    pub failure: Option<String>,
    /// Empty where no news needs it.
    pub ledger: Vec<Entry>,
}

impl Standing {
    /// What its movements leave on an account.
    pub fn on(&self, account: Account) -> i64 {
        balance(&self.ledger, account)
    }

    /// The movement of this kind under this reference.
    pub fn entry(&self, kind: Kind, reference: &str) -> Option<&Entry> {
        self.ledger.iter().find(|entry| entry.kind == kind && entry.reference == reference)
    }

    /// Moves on, in memory; returns each movement with the reference under which it is written.
    pub fn become_of(&mut self, change: Change, now: DateTime<Utc>) -> Vec<Entry> {
        let Change { status, money, refunded_minor, disputed, entries } = change;
        (self.status, self.money) = (status, money);
        (self.refunded_minor, self.disputed) = (refunded_minor, disputed);
        let entries: Vec<Entry> = entries
            .into_iter()
            .map(|Movement { kind, reference, money }| {
                let reference = reference.or_else(|| self.reference.clone()).unwrap_or_default();
                let (from, to) = kind.accounts();
                Entry { kind, reference, from, to, money, at: now }
            })
            .collect();
        self.ledger.extend(entries.iter().cloned());
        entries
    }
}
