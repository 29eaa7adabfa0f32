//! What waits for a lane: bounded by kind, gathered without delay.

use super::{CallEnded, Snapshot};
use crate::{
    SagaId,
    client::ClientError,
    journal::Json,
    settings::{BatchScope, Settings},
    store::{mailbox::Letter, sagas::New},
};
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{Notify, oneshot};

/// A saga to begin.
pub(crate) struct Start {
    pub new: New,
    pub input: Json,
    pub reply: oneshot::Sender<Result<Started, ClientError>>,
}

/// What a start was answered.
pub(crate) struct Started {
    /// The saga's id; an older one's if the start key was known.
    pub id: SagaId,
    /// How far this lane saw it come; none if it only knows that there is such a saga.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Somebody else had begun it.
    pub existing: bool,
}

/// A letter to deliver.
pub(crate) struct Mail {
    pub saga: SagaId,
    pub letter: Letter,
    pub reply: oneshot::Sender<LetterAnswer>,
}

/// What a letter was answered.
pub(crate) enum LetterAnswer {
    /// It is in the mailbox; with what the saga made of it, if this lane had the saga.
    Stored(Option<Arc<Snapshot>>),
    /// Somebody else has the saga: deliver it by waiting for the row.
    Busy,
    /// The database refused.
    Failed(ClientError),
}

/// One thing for a lane to do.
pub(crate) enum Input {
    Ended(CallEnded),
    Mail(Mail),
    Wake(SagaId),
    /// A saga that this lane has claimed in a commit of its own, under this token.
    Resume(SagaId, i64),
    Start(Start),
}

/// All that a batch does for one saga.
pub(crate) struct Group {
    pub id: SagaId,
    pub start: Option<Start>,
    /// Who asked for the same saga in the same batch; answered when it is there.
    pub same: Vec<oneshot::Sender<Result<Started, ClientError>>>,
    pub mail: Vec<Mail>,
    pub ended: Vec<CallEnded>,
    pub resume: Option<i64>,
}

/// The queue is full: the caller should come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A lane's queue.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    starts_max: usize,
    letters_max: usize,
}

#[derive(Default)]
struct Waiting {
    inputs: [VecDeque<Input>; 4],
    awake: HashSet<SagaId>,
    /// The lane has a batch in hand.
    at_work: bool,
}

/// Results first, since others wait for their leases; new work last.
const ENDED: usize = 0;
const MAIL: usize = 1;
const WAKES: usize = 2;
const STARTS: usize = 3;

impl Queue {
    pub fn new(settings: &Settings) -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            starts_max: settings.intake_max,
            letters_max: settings.letters_max,
        }
    }

    pub fn start(&self, start: Start) -> Result<(), Full> {
        self.push_bounded(STARTS, self.starts_max, Input::Start(start))
    }

    pub fn mail(&self, mail: Mail) -> Result<(), Full> {
        self.push_bounded(MAIL, self.letters_max, Input::Mail(mail))
    }

    /// Bounded by the number of calls that may be out.
    pub fn ended(&self, ended: CallEnded) {
        self.push(ENDED, Input::Ended(ended));
    }

    /// Bounded by the batch that was claimed.
    pub fn resume(&self, saga: SagaId, token: i64) {
        self.push(ENDED, Input::Resume(saga, token));
    }

    /// Each saga waits once, however often it is named.
    pub fn wake(&self, saga: SagaId) {
        let mut waiting = self.lock();
        if waiting.awake.insert(saga) {
            waiting.inputs[WAKES].push_back(Input::Wake(saga));
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// How many sagas wait to be looked at: the sweep leaves a full lane alone.
    pub fn wakes(&self) -> usize {
        self.lock().awake.len()
    }

    /// The lane is done with what it took.
    pub fn worked(&self) {
        self.lock().at_work = false;
    }

    /// Nothing waits, and nothing is being done.
    pub fn is_idle(&self) -> bool {
        let waiting = self.lock();
        !waiting.at_work && waiting.inputs.iter().all(VecDeque::is_empty)
    }

    /// Takes up to `most` inputs, grouped by saga in key order. Waits for the first; never for more.
    pub async fn gather(&self, most: usize, scope: BatchScope) -> Vec<Group> {
        loop {
            // Enabled before the look, or an input that comes between the two would not wake us.
            let arrived = self.arrived.notified();
            let groups = self.take(most, scope);
            if !groups.is_empty() {
                return groups;
            }
            arrived.await;
        }
    }

    pub fn take(&self, most: usize, scope: BatchScope) -> Vec<Group> {
        let mut waiting = self.lock();
        let mut taken = Vec::new();
        let mut bucket = None;
        for kind in [ENDED, MAIL, WAKES, STARTS] {
            let mut left = VecDeque::new();
            while taken.len() < most
                && let Some(input) = waiting.inputs[kind].pop_front()
            {
                let its = input.saga().bucket();
                if scope == BatchScope::Bucket && *bucket.get_or_insert(its) != its {
                    left.push_back(input);
                } else {
                    taken.push(input);
                }
            }
            left.append(&mut waiting.inputs[kind]);
            waiting.inputs[kind] = left;
        }
        waiting.at_work |= !taken.is_empty();
        for input in &taken {
            if let Input::Wake(saga) = input {
                waiting.awake.remove(saga);
            }
        }
        drop(waiting);
        grouped(taken)
    }

    fn push_bounded(&self, kind: usize, most: usize, input: Input) -> Result<(), Full> {
        let mut waiting = self.lock();
        if waiting.inputs[kind].len() >= most {
            return Err(Full);
        }
        waiting.inputs[kind].push_back(input);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    fn push(&self, kind: usize, input: Input) {
        self.lock().inputs[kind].push_back(input);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Input {
    fn saga(&self) -> SagaId {
        match self {
            Self::Ended(ended) => ended.saga,
            Self::Mail(mail) => mail.saga,
            Self::Wake(saga) | Self::Resume(saga, _) => *saga,
            Self::Start(start) => start.new.id,
        }
    }
}

fn grouped(inputs: Vec<Input>) -> Vec<Group> {
    let mut groups: BTreeMap<SagaId, Group> = BTreeMap::new();
    for input in inputs {
        let id = input.saga();
        let group = groups.entry(id).or_insert_with(|| Group::of(id));
        match input {
            Input::Ended(ended) => group.ended.push(ended),
            Input::Mail(mail) => group.mail.push(mail),
            Input::Wake(_) => {}
            Input::Resume(_, token) => group.resume = Some(token),
            Input::Start(start) if group.start.is_some() => group.same.push(start.reply),
            Input::Start(start) => group.start = Some(start),
        }
    }
    groups.into_values().collect()
}

impl Group {
    pub fn of(id: SagaId) -> Self {
        Self { id, start: None, same: Vec::new(), mail: Vec::new(), ended: Vec::new(), resume: None }
    }
}
