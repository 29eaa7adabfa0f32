//! Disputes: the customer's bank takes the money back for now, and then for good or not. Pure, as [`super::news`] is.
//!
//! A bank takes what is disputed whether or not it is still with us. What was given back before, or is owed, it takes out of
//! our own pocket; if it keeps it, this is set against what is owed. A dispute may be opened again after its end, under the
//! same name: each time is a *round* with a reference of its own.

use super::draft::Draft;
use super::news::{Change, Contradiction};
use super::standing::Standing;
use crate::money::Money;
use crate::store::ledger::{Account, Kind};
use chrono::{DateTime, Utc};

/// The rows with which a round begins.
const BEGINS: [Kind; 2] = [Kind::Disputed, Kind::DisputeWithheld];
/// The rows with which a round ends.
const ENDS: [Kind; 4] = [Kind::DisputeWon, Kind::DisputeReleased, Kind::DisputeLost, Kind::DisputePaid];

/// What was told of a dispute.
#[derive(Clone, Copy)]
pub(super) struct DisputeUpdate<'a> {
    /// The gateway's name for it.
    pub dispute: &'a str,
    /// What is disputed.
    pub money: Money,
    /// What the gateway had captured before.
    pub captured: Money,
    /// When it happened, by the gateway's clock.
    pub at: DateTime<Utc>,
}

/// The round that is open, or would be the next.
struct Round {
    reference: String,
    is_open: bool,
    /// How the round before ended, and when we wrote that down.
    before: Option<End>,
}

#[derive(Clone, Copy)]
struct End {
    won: bool,
    at: DateTime<Utc>,
}

/// The bank has taken the money.
pub(super) fn opened(standing: &Standing, told: DisputeUpdate<'_>) -> Result<Option<Change>, Contradiction> {
    let round = Round::of(standing, told.dispute);
    // News from before the end opens nothing: it comes in any order.
    if round.is_open || round.before.is_some_and(|end| told.at <= end.at) {
        return Ok(None);
    }
    let mut draft = Draft::of(standing);
    open(&mut draft, &round.reference, told)?;
    Ok(draft.changed())
}

/// The dispute is decided. If we never heard that it began, it begins and ends now.
pub(super) fn ended(
    standing: &Standing,
    told: DisputeUpdate<'_>,
    won: bool,
) -> Result<Option<Change>, Contradiction> {
    let Round { reference, is_open, before } = Round::of(standing, told.dispute);
    // Once more the same end, or an older one.
    if !is_open && before.is_some_and(|end| end.won == won || told.at <= end.at) {
        return Ok(None);
    }
    let mut draft = Draft::of(standing);
    if !is_open {
        open(&mut draft, &reference, told)?;
    }
    let [frozen, withheld] =
        BEGINS.map(|kind| draft.now.entry(kind, &reference).map_or(0, |entry| entry.money.amount));
    draft.push(if won { Kind::DisputeWon } else { Kind::DisputeLost }, &reference, frozen);
    draft.push(if won { Kind::DisputeReleased } else { Kind::DisputePaid }, &reference, withheld);
    draft.set_off(&reference);
    draft.disputed = draft.on(Account::Disputed) + draft.on(Account::Withheld) > 0;
    Ok(draft.changed())
}

fn open(draft: &mut Draft<'_>, reference: &str, told: DisputeUpdate<'_>) -> Result<(), Contradiction> {
    let DisputeUpdate { money, captured, .. } = told;
    draft.capture(money, Some(captured))?;
    // A charge is disputed for what it was of at most.
    let amount = money.amount.min(draft.now.amount.amount);
    let frozen = amount.min(draft.on(Account::Taken));
    draft.push(Kind::Disputed, reference, frozen);
    draft.push(Kind::DisputeWithheld, reference, amount - frozen);
    draft.disputed = true;
    Ok(())
}

impl Round {
    fn of(standing: &Standing, dispute: &str) -> Self {
        let (mut number, mut before) = (1_u32, None);
        loop {
            let reference = match number {
                1 => dispute.to_owned(),
                again => format!("{dispute}/{again}"),
            };
            let found = |kinds: &[Kind]| kinds.iter().find_map(|kind| standing.entry(*kind, &reference));
            let Some(end) = found(&ENDS) else {
                let is_open = found(&BEGINS).is_some();
                return Self { reference, is_open, before };
            };
            let won = matches!(end.kind, Kind::DisputeWon | Kind::DisputeReleased);
            before = Some(End { won, at: end.at });
            number += 1;
        }
    }
}
