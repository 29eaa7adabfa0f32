//! Who on this node waits to hear how a saga gets on. A hint: whoever waits also looks for itself.

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
    /// Its state.
    pub state: State,
    /// Why it needs a person, if it does.
    pub stuck: Option<StuckCause>,
    /// Whether a call is out.
    pub leased: bool,
    /// All that its journal says.
    pub history: Arc<History>,
}

type Sender = watch::Sender<Option<Arc<Snapshot>>>;
pub(crate) type Receiver = watch::Receiver<Option<Arc<Snapshot>>>;

/// The sagas that somebody on this node waits for.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<SagaId, Sender>>);

impl Watchers {
    /// Hears of every commit of this saga's from now on.
    pub fn watch(&self, saga: SagaId) -> Receiver {
        self.lock().entry(saga).or_insert_with(|| watch::channel(None).0).subscribe()
    }

    /// Forgets a saga that nobody waits for any more.
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
