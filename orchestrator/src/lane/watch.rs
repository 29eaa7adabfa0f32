//! Callers on this node that wait for a saga's progress. It is only a hint: waiting callers also read the database.

use crate::{
    id::SagaId,
    journal::History,
    record::{State, StuckCause},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// How far a saga had come at a commit.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The saga's state.
    pub state: State,
    /// Why it needs a person; `None` if it doesn't.
    pub stuck: Option<StuckCause>,
    /// Whether a call is out.
    pub leased: bool,
    /// Its history.
    pub history: Arc<History>,
}

type Sender = watch::Sender<Option<Arc<Snapshot>>>;
pub(crate) type Receiver = watch::Receiver<Option<Arc<Snapshot>>>;

/// The sagas that somebody on this node waits for.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<SagaId, Sender>>);

impl Watchers {
    /// Subscribes to every commit of this saga from now on.
    pub fn watch(&self, saga: SagaId) -> Receiver {
        self.lock().entry(saga).or_insert_with(|| watch::channel(None).0).subscribe()
    }

    /// Forgets a saga if nobody waits for it any more.
    pub fn forget(&self, saga: SagaId) {
        let mut watched = self.lock();
        if watched.get(&saga).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&saga);
        }
    }

    pub fn publish(&self, saga: SagaId, snapshot: &Arc<Snapshot>) {
        if let Some(sender) = self.lock().get(&saga) {
            sender.send_replace(Some(snapshot.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, Sender>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
