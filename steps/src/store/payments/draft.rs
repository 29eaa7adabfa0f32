//! A change of a payment's money while it is being put together, movement by movement.

use super::news::{Change, Contradiction, Movement};
use super::standing::Standing;
use crate::money::Money;
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::{Account, Kind};

/// The movements so far, and where they leave the payment.
pub(super) struct Draft<'a> {
    before: &'a Standing,
    /// The standing with what has been put together so far.
    pub now: Standing,
    entries: Vec<Movement>,
    pub refunded_minor: i64,
    pub disputed: bool,
}

impl<'a> Draft<'a> {
    pub fn of(before: &'a Standing) -> Self {
        let Standing { refunded_minor, disputed, .. } = *before;
        Self { before, now: before.clone(), entries: Vec::new(), refunded_minor, disputed }
    }

    pub fn on(&self, account: Account) -> i64 {
        self.now.on(account)
    }

    /// Moves this much, if it is anything.
    pub fn push(&mut self, kind: Kind, reference: &str, amount: i64) {
        if amount > 0 {
            self.add(kind, Some(reference.to_owned()), amount);
        }
    }

    fn add(&mut self, kind: Kind, reference: Option<String>, amount: i64) {
        let movement = Movement { kind, reference, money: Money { amount, ..self.before.amount } };
        let Standing { status, money, refunded_minor, disputed, .. } = self.now;
        let one = Change { status, money, refunded_minor, disputed, entries: vec![movement.clone()] };
        self.now.become_of(one, chrono::DateTime::UNIX_EPOCH);
        self.entries.push(movement);
    }

    /// Money can only go back if it had come in, whether or not we heard of that before. Another amount than was
    /// ordered is never written down, and nothing is if nobody says how much it was.
    pub fn capture(&mut self, told: Money, captured: Option<Money>) -> Result<(), Contradiction> {
        let expected = self.before.amount;
        if told.currency != expected.currency {
            return Err(Contradiction::AmountDiffers { expected, told });
        }
        if let Some(told) = captured.filter(|captured| *captured != expected) {
            return Err(Contradiction::AmountDiffers { expected, told });
        }
        let missing: &[Kind] = match (self.before.status, self.before.money) {
            (PaymentStatus::Initiated, _) => &[Kind::Authorised, Kind::Captured],
            (PaymentStatus::Success, MoneyState::Held | MoneyState::Owed) => &[Kind::Captured],
            // It came although nobody expected it any more, and all of it is on its way back.
            (PaymentStatus::Failed, MoneyState::Unsecured) if told == expected => {
                &[Kind::Authorised, Kind::Captured]
            }
            (PaymentStatus::Failed, _) => return Err(Contradiction::Late),
            (PaymentStatus::Success | PaymentStatus::Refunded, _) => &[],
        };
        for kind in missing.iter().filter(|_| captured.is_some()) {
            self.add(*kind, None, expected.amount);
        }
        Ok(())
    }

    /// Sets what the customer got out of our own pocket against what is owed to them: they have it already.
    pub fn set_off(&mut self, reference: &str) {
        let paid = -(self.on(Account::Own) + self.on(Account::Withheld));
        self.push(Kind::SetOff, reference, paid.min(self.on(Account::Owed)));
    }

    /// All of it gone: REFUNDED. Some of it still somewhere with us: SUCCESS.
    pub fn settled(self) -> Change {
        let left = [Account::Taken, Account::Owed, Account::Disputed].map(|account| self.on(account));
        let (status, money) = match left {
            [0, 0, 0] => (PaymentStatus::Refunded, MoneyState::Refunded),
            _ => (PaymentStatus::Success, MoneyState::Captured),
        };
        let Self { entries, refunded_minor, disputed, .. } = self;
        Change { status, money, refunded_minor, disputed, entries }
    }

    pub fn changed(self) -> Option<Change> {
        let same = self.entries.is_empty() && self.disputed == self.before.disputed;
        (!same).then(|| self.settled())
    }
}
