//! A journal as two paths: what each request did on the way forward, and how it was undone on the way back. Pure.

use chrono::{DateTime, Utc};
use operator::{ActionKind, Attempt};
use orchestrator::{
    Position,
    journal::{Entry, Outcome, Recall},
};

/// When and where an entry was written.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub at: DateTime<Utc>,
    pub node: Option<String>,
    pub epoch: i64,
}

/// One request of the workflow with its compensation.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// The position where it began, which names it in keys, compensations and addresses.
    pub first: Position,
    pub kind: Kind,
    /// The name of the step or signal, or the kind of value.
    pub name: String,
    pub input: Option<String>,
    pub forward: Path,
    pub back: Option<Path>,
    pub pivot: bool,
    /// Whether an operator rewound the saga to before it, so that the workflow has forgotten it.
    pub forgotten: bool,
}

/// What the workflow asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Signal,
    Sleep,
    Value,
}

/// One path, forward or back.
#[derive(Clone, Debug)]
pub struct Path {
    pub began: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
    pub end: End,
    /// The output, as JSON.
    pub made: Option<String>,
    pub attempts: Vec<Attempt>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Open,
    Done,
    /// Refused, with this reason.
    Refused(String),
    Passed,
    WrittenOff,
}

impl Path {
    fn at(began: DateTime<Utc>) -> Self {
        Self { began, ended: None, end: End::Open, made: None, attempts: Vec::new() }
    }

    /// Whether it has begun and not ended, and the outcome of the last attempt is unknown.
    pub fn in_doubt(&self) -> bool {
        self.end == End::Open && self.attempts.last().is_some_and(|attempt| attempt.in_doubt)
    }
}

/// The requests of a journal in their order, and the time when it turned back.
pub fn rows(
    entries: &[Entry],
    stamps: &[Stamp],
    attempts: &[Attempt],
) -> (Vec<RequestRow>, Option<DateTime<Utc>>) {
    let mut fold = Fold { rows: Vec::new(), turned: None, write_off: false };
    for (index, (entry, stamp)) in entries.iter().zip(stamps).enumerate() {
        fold.apply(Position::from(index as i32), entry, stamp.at);
    }
    for attempt in attempts {
        fold.attempt(attempt);
    }
    (fold.rows, fold.turned)
}

struct Fold {
    rows: Vec<RequestRow>,
    turned: Option<DateTime<Utc>>,
    /// Whether an operator wrote off the compensation that ends next.
    write_off: bool,
}

impl Fold {
    fn apply(&mut self, position: Position, entry: &Entry, at: DateTime<Utc>) {
        match entry {
            Entry::Begun { .. } | Entry::Returned { .. } => {}
            Entry::Started { ask, step, input, at: began } => {
                let row = self.ask(*ask, position, Kind::Step, step, *began);
                row.input = Some(input.get().into());
            }
            Entry::Ended { ask, step, input, outcome, pivot } => {
                let row = self.ask(*ask, position, Kind::Step, step, at);
                row.input = input.as_ref().map(|input| input.get().into()).or(row.input.take());
                row.pivot = *pivot;
                match outcome {
                    Outcome::Done(output) => row.end(End::Done, at, Some(output.get())),
                    Outcome::Rejected(rejected) => row.end(End::Refused(rejected.to_string()), at, None),
                }
            }
            Entry::Waiting { ask, signal, .. } => {
                let (kind, name) = wait(signal.as_deref());
                self.ask(*ask, position, kind, name, at);
            }
            Entry::Received { ask, signal, payload, .. } => {
                self.ask(*ask, position, Kind::Signal, signal, at).end(End::Done, at, Some(payload.get()));
            }
            Entry::DeadlinePassed { ask, signal } => {
                let (kind, name) = wait(signal.as_deref());
                self.ask(*ask, position, kind, name, at).end(End::Passed, at, None);
            }
            Entry::Value { ask, recall } => {
                let (name, made) = match recall {
                    Recall::Now(now) => ("now".into(), serde_json::json!(now).to_string()),
                    Recall::Uuid(id) => ("uuid".into(), serde_json::json!(id).to_string()),
                    Recall::Emitted { kind, payload } => (format!("emit {kind}"), payload.get().into()),
                };
                self.ask(*ask, position, Kind::Value, &name, at).end(End::Done, at, Some(&made));
            }
            Entry::TurnedBack { .. } => self.turned = Some(at),
            Entry::UndoStarted { of } => {
                if let Some(row) = self.of(*of) {
                    row.back.get_or_insert_with(|| Path::at(at));
                }
            }
            Entry::UndoEnded { of, undo } => {
                let end = if std::mem::take(&mut self.write_off) { End::WrittenOff } else { End::Done };
                if let Some(row) = self.of(*of) {
                    let back = row.back.get_or_insert_with(|| Path::at(at));
                    (back.ended, back.end, back.made) = (Some(at), end, Some(undo.get().into()));
                }
            }
            Entry::Operator { action, .. } => self.write_off = action.kind() == ActionKind::WriteOff,
            Entry::RewoundTo { position } => {
                for row in self.rows.iter_mut().filter(|row| row.first >= *position) {
                    row.forgotten = true;
                }
            }
        }
    }

    /// The request with this number among those that are not forgotten; a new one if there is none.
    fn ask(
        &mut self,
        number: u32,
        first: Position,
        kind: Kind,
        name: &str,
        began: DateTime<Utc>,
    ) -> &mut RequestRow {
        let known = self.rows.iter().enumerate().filter(|(_, row)| !row.forgotten).nth(number as usize);
        let index = known.map_or(self.rows.len(), |(index, _)| index);
        if index == self.rows.len() {
            let (forward, name) = (Path::at(began), name.to_owned());
            self.rows.push(RequestRow {
                first,
                kind,
                name,
                forward,
                input: None,
                back: None,
                pivot: false,
                forgotten: false,
            });
        }
        &mut self.rows[index]
    }

    fn of(&mut self, first: Position) -> Option<&mut RequestRow> {
        self.rows.iter_mut().find(|row| row.first == first)
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let Some(row) = self.of(attempt.position) else { return };
        let path = match attempt.undo {
            false => &mut row.forward,
            true => row.back.get_or_insert_with(|| Path::at(attempt.began_at)),
        };
        path.began = path.began.min(attempt.began_at);
        path.attempts.push(attempt.clone());
    }
}

impl RequestRow {
    fn end(&mut self, end: End, at: DateTime<Utc>, made: Option<&str>) {
        let forward = &mut self.forward;
        (forward.end, forward.ended, forward.made) = (end, Some(at), made.map(ToOwned::to_owned));
    }
}

fn wait(signal: Option<&str>) -> (Kind, &str) {
    signal.map_or((Kind::Sleep, "sleep"), |signal| (Kind::Signal, signal))
}
