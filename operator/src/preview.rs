//! What an action does besides its entries: calls that are made, money that moves, and things that are freed.

use crate::{
    keys::{forgotten, key},
    plan::PlannedCall,
};
use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId, Stake,
    journal::{Ask, Entry, What},
    tools::{Action, Aftermath, OwedCall, Registry},
};

/// The calls that lanes would make next.
pub(crate) fn calls(
    saga: SagaId,
    left: &Aftermath,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Vec<PlannedCall> {
    let history = &left.history;
    if history.undo_cause().is_some() {
        return history.owed().filter_map(|ask| undo(ask, saga, registry, now)).collect();
    }
    let forward = left.next_call.as_ref().map(|call| PlannedCall {
        step: call.step.clone(),
        undo: false,
        position: call.position,
        key: key(saga, call.position),
        key_expired: history.asks().last().is_some_and(|ask| forgotten(ask, registry, now)),
        probe: call.probe,
        described: call.described.clone(),
        stakes: call.stakes.clone(),
    });
    forward.into_iter().collect()
}

fn undo(ask: &Ask, saga: SagaId, registry: &Registry, now: DateTime<Utc>) -> Option<PlannedCall> {
    let What::Step(name) = &ask.what else { return None };
    let OwedCall { described, stakes } = registry.owed_call(ask)?;
    Some(PlannedCall {
        step: name.clone(),
        undo: true,
        position: ask.first,
        key: key(saga, ask.first),
        key_expired: forgotten(ask, registry, now),
        probe: false,
        described,
        stakes,
    })
}

/// The money that an action moves, through calls that are made, and through calls that an operator takes as answered or undone.
pub(crate) fn money(left: &Aftermath, calls: &[PlannedCall], registry: &Registry) -> Vec<Stake> {
    let asks = left.history.asks();
    let by_hand = match left.entries() {
        [Entry::Operator { action: Action::WriteOff, .. }, Entry::UndoEnded { of, .. }, ..] => {
            asks.iter().find(|ask| ask.first == *of)
        }
        [
            Entry::Operator { action: Action::SetOutput { .. } | Action::Skip, .. },
            Entry::Ended { ask, .. },
            ..,
        ] => asks.get(*ask as usize),
        [Entry::Operator { action: Action::MarkResolved { .. }, .. }, ..] => asks.last(),
        _ => None,
    };
    let is_call = |ask: &&Ask| matches!(&ask.what, What::Step(name) if registry.is_call(name));
    let settled = by_hand.filter(is_call).map(|ask| registry.stakes_of(ask)).unwrap_or_default();
    let moved = calls.iter().flat_map(|call| call.stakes.clone());
    Stake::sum(moved.chain(settled).filter(Stake::is_money))
}

/// Things that compensations give back: compensations that ran with the action, and those that wait for calls before them.
pub(crate) fn freed(left: &Aftermath, registry: &Registry) -> Vec<Stake> {
    let undone = |ask: &&Ask| {
        let ended = |entry: &Entry| matches!(entry, Entry::UndoEnded { of, .. } if *of == ask.first);
        !ask.written_off && left.entries().iter().any(ended)
    };
    let undone = left.history.asks().iter().filter(undone);
    let things = undone.chain(left.history.owed()).flat_map(|ask| registry.stakes_of(ask));
    Stake::sum(things.filter(|stake| !stake.is_money()))
}
