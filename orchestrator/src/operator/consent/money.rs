//! What an action moves.

use crate::{
    journal::{Ask, History, What},
    operator::{Action, PlannedCall},
    registry::Registry,
    step::Stake,
};

/// The money that an action moves: of calls that leave, and of what is written off.
pub(in crate::operator) fn money(
    history: Option<&History>,
    calls: &[PlannedCall],
    action: &Action,
    registry: &Registry,
) -> Vec<Stake> {
    let Some(history) = history else { return Vec::new() };
    let written_off = history.next_undo().filter(|_| matches!(action, Action::WriteOff));
    let called = history.asks().iter().filter(|ask| calls.iter().any(|call| call.position == ask.first));
    let stakes = written_off.into_iter().chain(called).flat_map(|ask| of(ask, registry));
    Stake::sum(stakes.filter(|stake| matches!(stake, Stake::Money { .. })))
}

fn of(ask: &Ask, registry: &Registry) -> Vec<Stake> {
    let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { return Vec::new() };
    let Some(step) = registry.steps.get(name).filter(|step| !step.ours()) else { return Vec::new() };
    step.decode(input).map(|value| step.told(&value, ask.output()).1).unwrap_or_default()
}
