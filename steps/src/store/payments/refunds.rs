//! How money goes back: refunds that are owed, acknowledged and failed. Pure, as [`super::news`] is.
//!
//! A refund is known by the gateway's name for it, whoever asked for it, so hearing of it twice is hearing of it once.
//! What is acknowledged without anybody here having decided it (somebody pressed a button at the gateway) is owed and
//! given back in one commit.

use super::draft::Draft;
use super::news::{Change, Contradiction};
use super::standing::Standing;
use crate::money::Money;
use crate::status::MoneyState;
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
    draft.set_off(by);
    Some(draft.settled())
}

/// The gateway has acknowledged a refund. More than we still have is a contradiction, unless a person `takes_excess` in, or a
/// dispute has taken the money meanwhile: then it came out of our own pocket.
pub(super) fn refunded(
    standing: &Standing,
    (refund, money): (&str, Money),
    captured: Option<Money>,
    takes_excess: bool,
) -> Result<Option<Change>, Contradiction> {
    if is_known(standing, refund) {
        return Ok(None);
    }
    let mut draft = Draft::of(standing);
    draft.capture(money, captured)?;
    let (taken, owed) = (draft.on(Account::Taken), draft.on(Account::Owed));
    let of_the_payment = money.amount.min(taken + owed);
    if of_the_payment < money.amount && !takes_excess && !is_disputed_ever(standing) {
        let left = Money { amount: taken + owed, ..money };
        return Err(Contradiction::MoreThanTaken { left, told: money });
    }
    draft.push(Kind::RefundOwed, refund, of_the_payment - owed);
    draft.push(Kind::Refunded, refund, of_the_payment);
    draft.push(Kind::RefundExcess, refund, money.amount - of_the_payment);
    draft.refunded_minor += of_the_payment;
    draft.set_off(refund);
    Ok(Some(draft.settled()))
}

/// It failed after all. One that was never written down as acknowledged is nothing new: nobody counts on it.
pub(super) fn refund_failed(standing: &Standing, refund: &str) -> Option<Change> {
    let [failed, excess_failed] = [Kind::RefundFailed, Kind::RefundExcessFailed];
    if !is_known(standing, refund)
        || [failed, excess_failed].iter().any(|kind| standing.entry(*kind, refund).is_some())
    {
        return None;
    }
    let amount = |kind| standing.entry(kind, refund).map_or(0, |entry| entry.money.amount);
    let (gone, excess) = (amount(Kind::Refunded), amount(Kind::RefundExcess));
    let mut draft = Draft::of(standing);
    draft.push(failed, refund, gone);
    draft.push(excess_failed, refund, excess);
    draft.refunded_minor -= gone;
    draft.set_off(refund);
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

fn is_known(standing: &Standing, refund: &str) -> bool {
    [Kind::Refunded, Kind::RefundExcess].iter().any(|kind| standing.entry(*kind, refund).is_some())
}

fn is_disputed_ever(standing: &Standing) -> bool {
    let begins = [Kind::Disputed, Kind::DisputeWithheld];
    standing.ledger.iter().any(|entry| begins.contains(&entry.kind))
}
