//! The idempotency keys of a saga's calls, and when the other side forgets them.

use chrono::{DateTime, Utc};
use orchestrator::{
    Position, SagaId,
    journal::{Ask, History, What},
    tools::Registry,
};
use serde::Serialize;

/// The idempotency key that a call sends to the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The position where its step began.
    pub position: Position,
    /// The step's name.
    pub step: String,
    /// The key, as the other side gets it.
    pub key: String,
    /// When the other side forgets it, if that is known.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The keys of a saga's calls.
pub(crate) fn keys(saga: SagaId, history: &History, registry: &Registry) -> Vec<Key> {
    let called = history.asks().iter().filter_map(|ask| {
        let What::Step(name) = &ask.what else { return None };
        let (position, step) = (ask.first, name.clone());
        registry.is_call(name).then(|| Key {
            position,
            step,
            key: key(saga, position),
            expires_at: expires(ask, registry),
        })
    });
    called.collect()
}

/// Whether the other side may have forgotten this call's key.
pub(crate) fn forgotten(ask: &Ask, registry: &Registry, now: DateTime<Utc>) -> bool {
    expires(ask, registry).is_some_and(|expires_at| expires_at < now)
}

/// When the other side forgets this call's key, if that is known.
fn expires(ask: &Ask, registry: &Registry) -> Option<DateTime<Utc>> {
    let What::Step(name) = &ask.what else { return None };
    Some(ask.at? + registry.key_remembered(name)?)
}

pub(crate) fn key(saga: SagaId, position: Position) -> String {
    format!("{saga}:{position}")
}
