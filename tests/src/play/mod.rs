//! A workflow for the tests of the engine: it does what its input says, line by line.
//!
//! The picture: a *play* is a list of [`Line`]s. A note is a `Tx` step: a row of ours. What is asked of the desk is a
//! call: the desk keeps books of its own, as a stranger would, in the same database but never in our transaction. The
//! desk notes every request that reaches it, so it is the witness of what was doubled. Tests in one process bend the
//! desk with a script; processes that are to be killed run the same workflow (see `src/bin/worker.rs`).

mod desk;
mod note;
mod stage;

pub use desk::{ASK_MINOR, Act, Ask, Desk, DeskRequest, Gate, Script, Touch};
pub use note::{Note, Twist};
pub use stage::{Held, Kept, SagaRow, Stage};

use chrono::{DateTime, Utc};
use orchestrator::{Failure, Policy, Route, Saga, Signal, Workflow};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Does what its lines say.
pub struct Play;

/// The input of a play.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Plays with the same name here are in one bucket.
    pub house: String,
    /// The lines, in order.
    pub lines: Vec<Line>,
}

/// One thing that a play does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Line {
    /// Writes a note: a set-based `Tx` step.
    Note(String, Twist),
    /// Asks the desk for something: a call.
    Ask(String, Twist),
    /// The same as a call that is harmless to repeat.
    Touch(String),
    /// Waits for a cue for this many milliseconds.
    Wait(u64),
    /// Waits for a cue until this time.
    WaitUntil(DateTime<Utc>),
    /// Sleeps until this time.
    Sleep(DateTime<Utc>),
    /// Computes for this many milliseconds, in the workflow itself.
    Compute(u64),
    /// Writes a note that decides the play: nothing before it is undone any more.
    Decide(String, Twist),
    /// Emits a message.
    Emit(String),
    /// Gives up.
    Fail(String),
    /// Panics, in the workflow itself.
    Panic(String),
    /// Awaits something that will never wake it.
    AwaitForeign,
    /// Asks for a cue and goes on without waiting for the answer.
    Abandon,
    /// Takes steps without end.
    Loop,
}

/// The signal to a waiting play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cue(pub String);

impl Signal for Cue {
    const NAME: &'static str = "cue";
}

/// The policy of these tests, which don't wait long: three attempts within moments.
pub const QUICK: Policy = Policy {
    attempts_max: 3,
    time_max: Duration::from_secs(30),
    backoff: Duration::from_millis(4),
    backoff_max: Duration::from_millis(16),
    timeout: Duration::from_secs(10),
};

impl Workflow for Play {
    const NAME: &'static str = "play";
    type Steps = (Note, Ask, Touch);
    type Input = Part;
    type Output = Vec<String>;

    fn route(part: &Part) -> Route {
        Route::of_key(&part.house)
    }

    async fn run(mut saga: Saga<Self>, part: Part) -> Result<Vec<String>, Failure> {
        let mut heard = Vec::new();
        let mut lines = part.lines.into_iter();
        while let Some(line) = lines.next() {
            match line {
                Line::Note(text, twist) => saga.step(Note { text, twist }).await.map(drop)?,
                Line::Ask(what, twist) => heard.push(saga.step(Ask { what, twist }).await?),
                Line::Touch(what) => saga.step(Touch { what }).await?,
                Line::Wait(ms) => {
                    heard.push(saga.signal::<Cue>().within(Duration::from_millis(ms)).await?.0);
                }
                Line::WaitUntil(until) => heard.push(saga.signal::<Cue>().until(until).await?.0),
                Line::Sleep(until) => saga.sleep_until(until).await,
                Line::Compute(ms) => std::thread::park_timeout(Duration::from_millis(ms)),
                Line::Emit(kind) => saga.emit(&kind, &heard).await,
                Line::Fail(code) => return Err(Failure::because(code, "so it is written")),
                Line::Panic(words) => panic!("{words}"),
                Line::AwaitForeign => std::future::pending().await,
                Line::Abandon => {
                    let within = saga.signal::<Cue>().within(Duration::from_secs(60));
                    let _ = futures_util::FutureExt::now_or_never(within);
                }
                Line::Loop => loop {
                    saga.step(Note { text: "again".into(), twist: Twist::None }).await?;
                },
                Line::Decide(text, twist) => {
                    let (_, saga) = saga.pivot(Note { text, twist }).await?;
                    return after(saga, lines, heard).await;
                }
            }
        }
        Ok(heard)
    }
}

/// The lines after the pivot.
async fn after(
    mut saga: Saga<Play, orchestrator::Retriable>,
    lines: impl Iterator<Item = Line>,
    mut heard: Vec<String>,
) -> Result<Vec<String>, Failure> {
    for line in lines {
        match line {
            Line::Note(text, twist) => drop(saga.step(Note { text, twist }).await),
            Line::Ask(what, twist) => heard.push(saga.step(Ask { what, twist }).await),
            Line::Touch(what) => saga.step(Touch { what }).await,
            Line::Fail(code) => return Err(Failure::because(code, "so it is written")),
            other => panic!("nobody writes {other:?} after the pivot"),
        }
    }
    Ok(heard)
}

impl Part {
    /// A play in a house of its own.
    pub fn of(lines: impl Into<Vec<Line>>) -> Self {
        Self { house: uuid::Uuid::now_v7().to_string(), lines: lines.into() }
    }

    /// The same in this house.
    pub fn at(mut self, house: &str) -> Self {
        self.house = house.to_owned();
        self
    }
}

/// A note without a twist.
pub fn note(text: &str) -> Line {
    Line::Note(text.to_owned(), Twist::None)
}

/// A call without a twist.
pub fn ask(what: &str) -> Line {
    Line::Ask(what.to_owned(), Twist::None)
}

/// A deciding note without a twist.
pub fn decide(text: &str) -> Line {
    Line::Decide(text.to_owned(), Twist::None)
}
