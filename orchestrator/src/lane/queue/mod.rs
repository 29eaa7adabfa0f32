//! The queue of a lane: bounded by kind, gathered without delay, and with a share of every batch for each kind.
//!
//! Inputs wait in *lines*: one line for all, or one for each bucket if a batch may touch only one bucket. Lines take turns.
//! An input that met a locked row waits apart until it is tried again.

mod line;
#[cfg(test)]
mod tests;

use crate::{
    id::{Bucket, SagaId},
    lane::input::{Group, Input, Kind, Mail, Resume, Returned, Start},
    machine::{Culprits, Place},
    settings::{BatchScope, Settings},
};
use line::{Line, Queued};
use rand::Rng;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// The queue is full: the caller should come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A lane's queue.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    starts_max: usize,
    letters_max: usize,
    scope: BatchScope,
    culprits: Arc<Culprits>,
}

#[derive(Default)]
struct Waiting {
    lines: HashMap<Option<Bucket>, Line>,
    /// Lines with inputs, in the order of their turns.
    turns: VecDeque<Option<Bucket>>,
    /// The number of inputs of each kind, including those that are tried again later.
    counts: [usize; 4],
    awake: HashSet<SagaId>,
    /// Inputs that are tried again later.
    later: Vec<(Instant, Queued)>,
    /// Whether the lane is working on a batch.
    at_work: bool,
}

/// The first pause of an input that met a locked row, and the longest one. It doubles each time, with full jitter.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

impl Queue {
    pub fn new(settings: &Settings, culprits: Arc<Culprits>) -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            starts_max: settings.intake_max,
            letters_max: settings.letters_max,
            scope: settings.batch_scope,
            culprits,
        }
    }

    pub fn start(&self, start: Start) -> Result<(), Full> {
        self.push_bounded(Input::Start(start), self.starts_max)
    }

    pub fn mail(&self, mail: Mail) -> Result<(), Full> {
        self.push_bounded(Input::Mail(mail), self.letters_max)
    }

    /// Bounded by the places for calls, and by how long a result is kept that can't be written.
    pub fn returned(&self, returned: Returned) {
        self.push(Input::Returned(Box::new(returned)));
    }

    /// Bounded by the batch that was claimed.
    pub fn resume(&self, resume: Resume) {
        self.push(Input::Resume(resume));
    }

    /// Hands a place to the saga that waited in line for it.
    pub fn give_place(&self, saga: SagaId, token: i64, place: Place) {
        self.resume(Resume { saga, token, lease: None, place: Some(place) });
    }

    /// Each saga waits once, however often it is named.
    pub fn wake(&self, saga: SagaId) {
        let mut waiting = self.lock();
        if waiting.awake.insert(saga) {
            self.put(&mut waiting, Queued::now(Input::Wake(saga)));
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Tries these again after a pause that grows, beginning with this pause if it is given.
    pub fn put_off(&self, inputs: Vec<Input>, times: u32, pause: Option<Duration>) {
        let doubled = |pause: Duration, most| pause.saturating_mul(1 << times.min(10)).min(most);
        let ceiling = pause.map_or_else(|| doubled(PAUSE, PAUSE_MAX), |pause| doubled(pause, pause * 4));
        let pause = rand::rng().random_range(ceiling / 4..=ceiling);
        let at = Instant::now() + pause;
        let mut waiting = self.lock();
        for input in inputs {
            waiting.counts[input.kind() as usize] += 1;
            waiting.later.push((at, Queued { put_off: times + 1, ..Queued::now(input) }));
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// How many sagas wait to be looked at: the sweep leaves a full lane alone.
    pub fn wakes(&self) -> usize {
        self.lock().awake.len()
    }

    /// Records that the lane has finished its batch.
    pub fn finish_work(&self) {
        self.lock().at_work = false;
    }

    /// Whether nothing waits and nothing is being done.
    pub fn is_idle(&self) -> bool {
        let waiting = self.lock();
        !waiting.at_work && waiting.turns.is_empty() && waiting.later.is_empty()
    }

    /// How long the oldest input of each kind has waited.
    pub fn oldest(&self) -> [(Kind, Duration); 4] {
        let waiting = self.lock();
        Kind::ALL.map(|kind| {
            let first = waiting.lines.values().filter_map(|line| line.0[kind as usize].front());
            let oldest = first.map(|queued| queued.since.elapsed()).max();
            (kind, oldest.unwrap_or_default())
        })
    }

    /// Takes up to `most` inputs, grouped by saga in key order. Waits for the first; never for more.
    pub async fn gather(&self, most: usize) -> Vec<Group> {
        loop {
            // It is enabled before we look, or an input that comes between the two would not wake us.
            let arrived = self.arrived.notified();
            let groups = self.take(most);
            if !groups.is_empty() {
                return groups;
            }
            let next = self.lock().later.iter().map(|(at, _)| *at).min();
            match next {
                None => arrived.await,
                Some(at) => drop(tokio::time::timeout_at(at.into(), arrived).await),
            }
        }
    }

    pub fn take(&self, most: usize) -> Vec<Group> {
        let mut waiting = self.lock();
        self.ripen(&mut waiting);
        let Some(line) = waiting.turns.pop_front() else { return Vec::new() };
        let Some(mut inputs) = waiting.lines.remove(&line) else { return Vec::new() };
        let mut taken = inputs.take(most.max(1), &self.culprits);
        if !inputs.is_empty() {
            waiting.lines.insert(line, inputs);
            waiting.turns.push_back(line);
        }
        taken.extend(waiting.put_off_of(&taken));
        for queued in &taken {
            waiting.counts[queued.input.kind() as usize] -= 1;
            if let Input::Wake(saga) = queued.input {
                waiting.awake.remove(&saga);
            }
        }
        waiting.at_work |= !taken.is_empty();
        drop(waiting);
        Group::all(taken.into_iter().map(|queued| (queued.input, queued.put_off)))
    }

    /// Moves inputs that have waited long enough into their line.
    fn ripen(&self, waiting: &mut Waiting) {
        if waiting.later.is_empty() {
            return;
        }
        let now = Instant::now();
        let ripe: Vec<_> = waiting.later.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, queued) in ripe {
            waiting.counts[queued.input.kind() as usize] -= 1;
            if let Input::Wake(saga) = queued.input
                && !waiting.awake.insert(saga)
            {
                continue;
            }
            self.put(waiting, queued);
        }
    }

    fn push_bounded(&self, input: Input, most: usize) -> Result<(), Full> {
        let mut waiting = self.lock();
        if waiting.counts[input.kind() as usize] >= most {
            return Err(Full);
        }
        self.put(&mut waiting, Queued::now(input));
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    fn push(&self, input: Input) {
        self.put(&mut self.lock(), Queued::now(input));
        self.arrived.notify_one();
    }

    fn put(&self, waiting: &mut Waiting, queued: Queued) {
        let line = match self.scope {
            BatchScope::Database => None,
            BatchScope::Bucket => Some(queued.input.saga().bucket()),
        };
        let kind = queued.input.kind() as usize;
        waiting.counts[kind] += 1;
        let inputs = waiting.lines.entry(line).or_default();
        if inputs.is_empty() {
            waiting.turns.push_back(line);
        }
        inputs.0[kind].push_back(queued);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Waiting {
    /// Adds inputs that were put off for sagas that are taken anyway: a result must not come after the wake that loses it.
    fn put_off_of(&mut self, taken: &[Queued]) -> Vec<Queued> {
        if self.later.is_empty() {
            return Vec::new();
        }
        let sagas: HashSet<SagaId> = taken.iter().map(|queued| queued.input.saga()).collect();
        let its = self.later.extract_if(.., |(_, queued)| sagas.contains(&queued.input.saga()));
        its.map(|(_, queued)| queued).collect()
    }
}
