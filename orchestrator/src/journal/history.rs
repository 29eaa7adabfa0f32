//! What a journal means: the workflow's requests with their answers, and what is left to undo.

use super::{Entry, Outcome, Recall};
use crate::record::{Action, Cause, Json, Position, Rejected};
use chrono::{DateTime, Utc};
use std::{collections::HashSet, fmt};

/// The fold of a journal. It is built entry by entry, and refuses an entry that can't follow.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
    asks: Vec<Ask>,
    /// The steps among them that were not refused and are not undone, in the order in which they began.
    standing: Vec<usize>,
    /// The letters that waits have chosen, by signal and sender.
    received: HashSet<(String, String)>,
    turned_back: Option<Cause>,
    /// The position to which an operator rewinds, and the cause for the compensations that run meanwhile.
    rewinding: Option<(Position, Cause)>,
    /// The position at which an operator wants unwinding to stop: what began earlier is not undone.
    stop_at: Option<Position>,
    /// The time before which no wait ends, set by an operator.
    extended: Option<DateTime<Utc>>,
    pivoted: bool,
    returned: Option<Json>,
}

/// One request of the workflow.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What the workflow asked for.
    pub what: What,
    /// The position of its first entry, which names a step in compensations and keys.
    pub first: Position,
    /// A step's input.
    pub input: Option<Json>,
    /// When a call was first made, or until when a wait lasts.
    pub at: Option<DateTime<Utc>>,
    /// The answer; `None` until there is one.
    pub answer: Option<Answer>,
    /// Whether the workflow asked for it as the step that decides the saga.
    pub pivot: bool,
    /// Whether its compensation was begun.
    pub undo_started: bool,
    /// What its compensation reported; `None` until it is done.
    pub undone: Option<Json>,
    /// The sender's id for the letter that a wait chose.
    pub sender: Option<String>,
    /// Whether an operator took its compensation as settled.
    pub written_off: bool,
}

/// A request of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A step, by name.
    Step(String),
    /// A signal, by name.
    Signal(String),
    /// Only a time.
    Sleep,
    /// A recorded value, by kind.
    Value(&'static str),
}

/// An answer to a workflow.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A step's output, or a signal's payload.
    Done(Json),
    /// The refusal of a step.
    Rejected(Rejected),
    /// The deadline has passed, or the sleep is over.
    Passed,
    /// A recorded value.
    Value(Recall),
}

/// A journal that this engine can't have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {position} can't follow what is before it: {why}")]
pub struct Impossible {
    /// The position of the entry.
    pub position: i32,
    /// What is wrong with it.
    pub why: &'static str,
}

impl History {
    /// Makes the history of these entries.
    pub fn of(entries: Vec<Entry>) -> Result<Self, Impossible> {
        let mut history = Self::default();
        for entry in entries {
            history.append(entry)?;
        }
        Ok(history)
    }

    /// Appends one entry. Returns its position.
    pub fn append(&mut self, entry: Entry) -> Result<Position, Impossible> {
        let position = Position(self.entries.len() as i32);
        self.fold(position, &entry).map_err(|why| Impossible { position: position.0, why })?;
        self.entries.push(entry);
        Ok(position)
    }

    fn fold(&mut self, position: Position, entry: &Entry) -> Result<(), &'static str> {
        if (position.0 == 0) != matches!(entry, Entry::Begun { .. }) {
            return Err("`begun` is entry 0 and nothing else is");
        }
        if self.returned.is_some() {
            return Err("the workflow has returned");
        }
        match entry {
            Entry::Begun { .. } => {}
            Entry::Started { ask, step, input, at } => {
                let ask = self.ask(*ask, position, What::Step(step.clone()))?;
                ask.input = Some(input.clone());
                ask.at = Some(*at);
            }
            Entry::Ended { ask, step, input, outcome, pivot } => {
                let number = *ask as usize;
                let ask = self.ask(*ask, position, What::Step(step.clone()))?;
                if let Some(input) = input {
                    ask.input = Some(input.clone());
                }
                ask.pivot = *pivot;
                ask.answer(match outcome {
                    Outcome::Done(output) => Answer::Done(output.clone()),
                    Outcome::Rejected(rejected) => Answer::Rejected(rejected.clone()),
                })?;
                match outcome {
                    Outcome::Done(_) => self.pivoted |= *pivot,
                    Outcome::Rejected(_) => self.drop_refused(number),
                }
            }
            Entry::Waiting { ask, signal, until } => {
                self.ask(*ask, position, What::wait(signal))?.at = Some(*until);
            }
            Entry::Received { ask, signal, sender, payload, .. } => {
                let ask = self.ask(*ask, position, What::Signal(signal.clone()))?;
                ask.sender = Some(sender.clone());
                ask.answer(Answer::Done(payload.clone()))?;
                self.received.insert((signal.clone(), sender.clone()));
            }
            Entry::DeadlinePassed { ask, signal } => {
                self.ask(*ask, position, What::wait(signal))?.answer(Answer::Passed)?;
            }
            Entry::Value { ask, recall } => {
                let ask = self.ask(*ask, position, What::Value(recall.name()))?;
                ask.answer(Answer::Value(recall.clone()))?;
            }
            Entry::TurnedBack { cause } => {
                if self.pivoted || self.undo_cause().is_some() {
                    return Err("there is no way back any more, or it was taken already");
                }
                self.turned_back = Some(cause.clone());
            }
            Entry::UndoStarted { of } => self.ask_to_undo(*of)?.undo_started = true,
            Entry::UndoEnded { of, undo } => {
                self.ask_to_undo(*of)?.undone = Some(undo.clone());
                self.standing.pop();
            }
            Entry::Operator { action, actor, reason, .. } => self.act(action, actor, reason)?,
            Entry::RewoundTo { position } => self.rewind(*position)?,
            Entry::Returned { output } => self.returned = Some(output.clone()),
        }
        Ok(())
    }

    /// The request with this number: the existing one if it is the same, or a new one.
    fn ask(&mut self, number: u32, first: Position, what: What) -> Result<&mut Ask, &'static str> {
        if self.undo_cause().is_some() {
            return Err("the saga goes back");
        }
        let number = number as usize;
        if number > self.asks.len() {
            return Err("requests are numbered without gaps");
        }
        if number == self.asks.len() {
            if matches!(what, What::Step(_)) {
                self.standing.push(number);
            }
            self.asks.push(Ask::new(what, first));
        } else if self.asks[number].what != what {
            return Err("the request with this number is another one");
        }
        Ok(&mut self.asks[number])
    }

    /// Records that a step was refused, so there is nothing of it to undo. It is mostly the latest one.
    fn drop_refused(&mut self, number: usize) {
        if let Some(place) = self.standing.iter().rposition(|standing| *standing == number) {
            self.standing.remove(place);
        }
    }

    /// Applies what an operator's action changes by itself. Most actions only name who is responsible for the next entries.
    fn act(&mut self, action: &Action, actor: &str, reason: &str) -> Result<(), &'static str> {
        match action {
            Action::Compensate { down_to } => self.stop_at = *down_to,
            Action::Rewind { to } => {
                if self.pivoted
                    || self.undo_cause().is_some()
                    || !self.asks.iter().any(|ask| ask.first == *to)
                {
                    return Err(
                        "only a saga that goes forward, before its pivot, is rewound to one of its requests",
                    );
                }
                let cause = Cause::Operator { by: actor.to_owned(), reason: reason.to_owned() };
                self.rewinding = Some((*to, cause));
            }
            Action::Extend { until } => self.extended = self.extended.max(Some(*until)),
            Action::WriteOff => {
                let of = self.next_undo().ok_or("nothing is owed")?.first;
                self.ask_to_undo(of)?.written_off = true;
            }
            Action::Resume => self.stop_at = None,
            Action::RetryNow
            | Action::Probe
            | Action::Pause
            | Action::Cancel
            | Action::ReleaseLease
            | Action::SetOutput { .. }
            | Action::Skip
            | Action::MarkResolved { .. } => {}
        }
        Ok(())
    }

    fn rewind(&mut self, to: Position) -> Result<(), &'static str> {
        if self.rewinding.as_ref().map(|(to, _)| *to) != Some(to) || self.next_undo().is_some() {
            return Err("nobody rewinds to there, or something is still to be undone");
        }
        self.rewinding = None;
        self.asks.truncate(self.asks.partition_point(|ask| ask.first < to));
        self.standing.truncate(self.standing.partition_point(|number| *number < self.asks.len()));
        self.received = self.asks.iter().filter_map(Ask::received).collect();
        // The last step is undone, and with it the time that it was given. If it is done again, it ends by its own time.
        if !self.asks.iter().any(|ask| matches!(ask.what, What::Step(_))) {
            self.extended = None;
        }
        Ok(())
    }

    fn ask_to_undo(&mut self, of: Position) -> Result<&mut Ask, &'static str> {
        if self.next_undo().map(|ask| ask.first) != Some(of) {
            return Err("compensations run once each, in reverse order, after turning back");
        }
        // It is next, so it is the latest step that is not undone.
        let number = self.standing.last().ok_or("nothing is to be undone")?;
        Ok(&mut self.asks[*number])
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The workflow's requests, in order.
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// The saga's input.
    pub fn input(&self) -> Option<&Json> {
        match self.entries.first() {
            Some(Entry::Begun { input, .. }) => Some(input),
            _ => None,
        }
    }

    /// Why the saga unwinds; `None` if it doesn't.
    pub fn turned_back(&self) -> Option<&Cause> {
        self.turned_back.as_ref()
    }

    /// Why compensations run: the saga has turned back, or an operator rewinds it.
    pub fn undo_cause(&self) -> Option<&Cause> {
        self.turned_back.as_ref().or(self.rewinding.as_ref().map(|(_, cause)| cause))
    }

    /// The position to which an operator rewinds, until that is done.
    pub fn rewinding_to(&self) -> Option<Position> {
        self.rewinding.as_ref().map(|(to, _)| *to)
    }

    /// Whether an operator wants unwinding to stop before its next compensation.
    pub fn stops_here(&self) -> bool {
        matches!((self.stop_at, self.next_undo()), (Some(stop), Some(next)) if next.first < stop)
    }

    /// The time before which no wait for a signal ends.
    pub fn extended(&self) -> Option<DateTime<Utc>> {
        self.extended
    }

    /// Whether an operator wants the next attempt to be a probe.
    pub fn is_to_probe(&self) -> bool {
        matches!(self.entries.last(), Some(Entry::Operator { action: Action::Probe, .. }))
    }

    /// Whether the deciding step is done.
    pub fn pivoted(&self) -> bool {
        self.pivoted
    }

    /// The workflow's result, if it returned.
    pub fn returned(&self) -> Option<&Json> {
        self.returned.as_ref()
    }

    /// Whether a wait has already chosen this letter. A wait that was rewound may choose again.
    pub fn has_received(&self, signal: &str, sender: &str) -> bool {
        !self.received.is_empty() && self.received.contains(&(signal.to_owned(), sender.to_owned()))
    }

    /// How many letters waits have chosen.
    pub fn letters_chosen(&self) -> usize {
        self.received.len()
    }

    /// The step to be undone next: the one that began last, was not refused and is not undone.
    pub fn next_undo(&self) -> Option<&Ask> {
        self.owed().next()
    }

    /// Whether unwinding from here would undo anything.
    pub fn owes_undo(&self) -> bool {
        !self.standing.is_empty()
    }

    /// All steps to be undone, in that order; empty while the saga goes forward.
    pub fn owed(&self) -> impl Iterator<Item = &Ask> {
        let from = match (&self.turned_back, &self.rewinding) {
            (Some(_), _) => Some(Position(0)),
            (None, Some((to, _))) => Some(*to),
            (None, None) => None,
        };
        self.standing().rev().take_while(move |ask| from.is_some_and(|from| ask.first >= from))
    }

    /// The steps that were not refused and are not undone, in the order in which they began.
    pub fn standing(&self) -> impl DoubleEndedIterator<Item = &Ask> {
        self.standing.iter().map(|number| &self.asks[*number])
    }
}

impl Ask {
    fn new(what: What, first: Position) -> Self {
        Self {
            what,
            first,
            input: None,
            at: None,
            answer: None,
            pivot: false,
            undo_started: false,
            undone: None,
            sender: None,
            written_off: false,
        }
    }

    /// The letter that a wait chose, by signal and sender.
    fn received(&self) -> Option<(String, String)> {
        match (&self.what, &self.sender) {
            (What::Signal(name), Some(sender)) => Some((name.clone(), sender.clone())),
            _ => None,
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<(), &'static str> {
        if self.answer.is_some() {
            return Err("the request has its answer already");
        }
        self.answer = Some(answer);
        Ok(())
    }

    /// A step's output, if it has one.
    pub fn output(&self) -> Option<&Json> {
        match &self.answer {
            Some(Answer::Done(output)) => Some(output),
            _ => None,
        }
    }
}

impl What {
    fn wait(signal: &Option<String>) -> Self {
        signal.as_ref().map_or(Self::Sleep, |name| Self::Signal(name.clone()))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(name) => write!(f, "step `{name}`"),
            Self::Signal(name) => write!(f, "signal `{name}`"),
            Self::Sleep => write!(f, "sleep"),
            Self::Value(kind) => write!(f, "{kind}"),
        }
    }
}

#[cfg(test)]
mod tests;
