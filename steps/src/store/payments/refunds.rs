//! How money goes back: refunds that are owed, acknowledged and failed, and disputes. Pure, as [`super::news`] is.
//!
//! A refund is known by the gateway's name for it, whoever asked for it, so hearing of it twice is hearing of it once.
//! What is acknowledged without anybody here having decided it (somebody pressed a button at the gateway) is owed and
//! given back in one commit.

use super::news::{Change, Contradiction, Movement};
use super::standing::Standing;
use crate::money::Money;
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::{Account, Kind};

/// We owe all that is still with us.
pub(super) fn owe(standing: &Standing, by: &str) -> Option<Change> {
    let taken = standing.on(Account::Taken);
    if standing.entry(Kind::RefundOwed, by).is_some() || standing.money != MoneyState::Captured || taken <= 0
    {
        return None;
    }
    let mut draft = Draft::of(standing);
    draft.push(Kind::RefundOwed, by, taken);
    Some(draft.settled())
}

/// The gateway has acknowledged a refund.
pub(super) fn refunded(
    standing: &Standing,
    refund: &str,
    money: Money,
    captured: Option<Money>,
) -> Result<Option<Change>, Contradiction> {
    if standing.entry(Kind::Refunded, refund).is_some() {
        return Ok(None);
    }
    let mut draft = Draft::of(standing);
    draft.capture(money, captured)?;
    let (taken, owed) = (draft.on(Account::Taken), draft.on(Account::Owed));
    if money.amount > taken + owed {
        let left = Money { amount: taken + owed, ..money };
        return Err(Contradiction::MoreThanTaken { left, told: money });
    }
    if money.amount > owed {
        draft.push(Kind::RefundOwed, refund, money.amount - owed);
    }
    draft.push(Kind::Refunded, refund, money.amount);
    draft.refunded_minor += money.amount;
    Ok(Some(draft.settled()))
}

/// It failed after all. One that was never written down as acknowledged is nothing new: nobody counts on it.
pub(super) fn refund_failed(standing: &Standing, refund: &str) -> Option<Change> {
    let gone = standing.entry(Kind::Refunded, refund)?.money.amount;
    if standing.entry(Kind::RefundFailed, refund).is_some() {
        return None;
    }
    let mut draft = Draft::of(standing);
    draft.push(Kind::RefundFailed, refund, gone);
    draft.refunded_minor -= gone;
    Some(draft.settled())
}

/// The refund that failed is not owed after all, as far as nothing else has settled it.
pub(super) fn withdraw(standing: &Standing, refund: &str) -> Option<Change> {
    let failed = standing.entry(Kind::RefundFailed, refund)?.money.amount;
    let left = failed.min(standing.on(Account::Owed));
    if standing.entry(Kind::RefundWithdrawn, refund).is_some() || left <= 0 {
        return None;
    }
    let mut draft = Draft::of(standing);
    draft.push(Kind::RefundWithdrawn, refund, left);
    Some(draft.settled())
}

/// The customer's bank has taken the money back for now, or what of it is still with us.
pub(super) fn disputed(
    standing: &Standing,
    dispute: &str,
    money: Money,
    captured: Money,
) -> Result<Option<Change>, Contradiction> {
    let ended = [Kind::DisputeWon, Kind::DisputeLost];
    if ended.iter().any(|kind| standing.entry(*kind, dispute).is_some()) {
        return Ok(None);
    }
    let mut draft = Draft::of(standing);
    draft.dispute(dispute, money, captured)?;
    Ok(draft.changed())
}

/// The dispute is decided. If we never heard that it began, it begins and ends now.
pub(super) fn dispute_ended(
    standing: &Standing,
    (dispute, money): (&str, Money),
    captured: Money,
    won: bool,
) -> Result<Option<Change>, Contradiction> {
    if [Kind::DisputeWon, Kind::DisputeLost].iter().any(|kind| standing.entry(*kind, dispute).is_some()) {
        return Ok(None);
    }
    let mut draft = Draft::of(standing);
    draft.dispute(dispute, money, captured)?;
    if let Some(frozen) = draft.now.entry(Kind::Disputed, dispute).map(|entry| entry.money.amount) {
        draft.push(if won { Kind::DisputeWon } else { Kind::DisputeLost }, dispute, frozen);
    }
    draft.disputed = draft.on(Account::Disputed) > 0;
    Ok(draft.changed())
}

/// A change while it is being put together.
struct Draft<'a> {
    before: &'a Standing,
    /// The standing with what has been put together so far.
    now: Standing,
    entries: Vec<Movement>,
    refunded_minor: i64,
    disputed: bool,
}

impl<'a> Draft<'a> {
    fn of(before: &'a Standing) -> Self {
        let Standing { refunded_minor, disputed, .. } = *before;
        Self { before, now: before.clone(), entries: Vec::new(), refunded_minor, disputed }
    }

    fn on(&self, account: Account) -> i64 {
        self.now.on(account)
    }

    fn push(&mut self, kind: Kind, reference: &str, amount: i64) {
        self.add(kind, Some(reference.to_owned()), amount);
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
    fn capture(&mut self, told: Money, captured: Option<Money>) -> Result<(), Contradiction> {
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

    fn dispute(&mut self, dispute: &str, money: Money, captured: Money) -> Result<(), Contradiction> {
        if self.now.entry(Kind::Disputed, dispute).is_some() {
            return Ok(());
        }
        self.capture(money, Some(captured))?;
        let frozen = money.amount.min(self.on(Account::Taken));
        if frozen > 0 {
            self.push(Kind::Disputed, dispute, frozen);
        }
        self.disputed = true;
        Ok(())
    }

    /// All of it gone: REFUNDED. Some of it still somewhere with us: SUCCESS.
    fn settled(self) -> Change {
        let left = [Account::Taken, Account::Owed, Account::Disputed].map(|account| self.on(account));
        let (status, money) = match left {
            [0, 0, 0] => (PaymentStatus::Refunded, MoneyState::Refunded),
            _ => (PaymentStatus::Success, MoneyState::Captured),
        };
        let Self { entries, refunded_minor, disputed, .. } = self;
        Change { status, money, refunded_minor, disputed, entries }
    }

    fn changed(self) -> Option<Change> {
        let same = self.entries.is_empty() && self.disputed == self.before.disputed;
        (!same).then(|| self.settled())
    }
}
