//! Explores a workflow: everything that can go wrong, one fault at a time, on a real lane and a real Postgres.
//!
//! [`explore`] runs the workflow without a fault and notes what it does. Then it runs it again from a fresh world for
//! every fault that could have met it there: each step failing before and after its effect, once and for good; each
//! call made twice, each compensation too; its answer lost; a crash before and after every commit, on the way forward
//! and on the way back. Every case runs with stretches cut after each entry and with full ones. Time is virtual: when
//! a saga waits, the clock jumps to the moment it waits for. A crash loses the lane's memory there and rolls its
//! transaction back, as when its connection breaks.

mod case;
mod drive;

pub use crate::machine::Done;
pub use case::{Case, Fault};

use crate::{
    database::Database,
    id::SagaId,
    journal::History,
    record::{Cause, State, StuckCause},
    signal::Signal,
    steps::StepList,
    workflow::Workflow,
};
use drive::{Connections, Drive, Driven};
use std::fmt::Write;

/// A scenario to explore: a workflow, a fresh world for each case, and what must hold at each end.
pub trait Scenario {
    /// The workflow to explore.
    type Workflow: Workflow<Steps: StepList<Self::Services>>;
    /// The services that its calls use.
    type Services: Clone + Send + Sync + 'static;
    /// The data about a case's world that the check needs.
    type World;

    /// Makes a fresh world.
    fn begin(&self) -> impl Future<Output = Begun<Self::Workflow, Self::Services, Self::World>>;

    /// Asserts what must hold at an end, and names the end in a few words. Cases that differ only in crashes, or in how
    /// stretches are cut, must have the same words.
    fn check(&self, world: &Self::World, end: &End) -> impl Future<Output = String>;
}

/// The input of a scenario's saga.
pub type Input<S> = <<S as Scenario>::Workflow as Workflow>::Input;

/// A world at its beginning.
pub struct Begun<W: Workflow, S, World> {
    /// The services that calls use.
    pub services: S,
    /// The data that the check needs.
    pub world: World,
    /// The saga's input.
    pub input: W::Input,
    /// Letters for the saga. They are in its mailbox from the beginning.
    pub letters: Vec<Letter>,
}

/// A signal to the explored saga.
#[derive(Clone, Debug)]
pub struct Letter(pub(crate) crate::store::mailbox::Letter);

impl Letter {
    /// Makes a signal with its sender's id.
    pub fn signal<T: Signal>(sender: &str, signal: &T) -> Self {
        Self(crate::store::mailbox::Letter {
            kind: crate::store::mailbox::Kind::Signal,
            name: T::NAME.to_owned(),
            sender: sender.to_owned(),
            payload: serde_json::to_string(signal).expect("a signal in a test can be encoded"),
        })
    }
}

/// How an explored saga ended.
#[derive(Clone, Debug)]
pub struct End {
    /// The saga's id.
    pub saga: SagaId,
    /// `Unwound` also if it was refused at once and left no row.
    pub state: State,
    /// Why a person is needed; `None` if none is.
    pub stuck: Option<StuckCause>,
    /// Its journal; empty if it left no row.
    pub history: History,
}

impl End {
    /// Why it turned back.
    pub fn cause(&self) -> Option<&Cause> {
        self.history.turned_back()
    }
}

/// The result of an exploration.
#[derive(Debug, Default)]
pub struct Report {
    /// The number of cases that were run.
    pub cases: usize,
    /// Their ends in words, each with its number of cases.
    pub ends: std::collections::BTreeMap<String, usize>,
}

/// Explores a scenario. Panics with the case at the first end that is wrong.
pub async fn explore<S: Scenario>(scenario: &S, database: &Database) -> Report {
    let mut explorer = Explorer { scenario, database, connections: None, report: Report::default() };
    for full in [false, true] {
        let plain = explorer.run(Case::plain(full)).await;
        // Everything that can meet the saga on its way forward.
        let mut bent = Vec::new();
        for fault in Fault::all_of(&plain.done) {
            bent.push((fault.clone(), explorer.run(Case::with(full, fault)).await));
        }
        explorer.crash_everywhere(Case::plain(full), &plain).await;
        // The ways back: a step that fails for good, and then every compensation, crashed, doubled and unanswered.
        for (fault, way_back) in bent.into_iter().filter(|(fault, _)| fault.is_for_good()) {
            let case = Case::with(full, fault);
            for second in Fault::all_of_undos(&way_back.done) {
                let doubled = explorer.run(case.clone().and(second)).await;
                assert_same(&doubled, &way_back);
            }
            explorer.crash_everywhere(case, &way_back).await;
        }
    }
    explorer.report
}

/// Runs one case and hands its end to the scenario.
pub async fn run<S: Scenario>(scenario: &S, database: &Database, case: Case, report: &mut Report) -> Ran {
    let mut explorer = Explorer { scenario, database, connections: None, report: std::mem::take(report) };
    let ran = explorer.run(case).await;
    *report = explorer.report;
    ran
}

/// What all cases share.
struct Explorer<'a, S> {
    scenario: &'a S,
    database: &'a Database,
    connections: Option<Connections>,
    report: Report,
}

impl<S: Scenario> Explorer<'_, S> {
    async fn run(&mut self, case: Case) -> Ran {
        let Begun { services, world, input, letters } = self.scenario.begin().await;
        let connections = match self.connections.take() {
            Some(connections) => connections,
            None => Connections::open(self.database).await,
        };
        let drive = Drive::new::<S>(self.database, connections, services, &input, &case);
        let Driven { end, done, boundaries, connections } = drive.run(&letters).await;
        self.connections = Some(connections);
        let words = self.scenario.check(&world, &end).await;
        self.report.cases += 1;
        *self.report.ends.entry(words.clone()).or_default() += 1;
        Ran { case, words, done, boundaries, end }
    }

    async fn crash_everywhere(&mut self, case: Case, expected: &Ran) {
        for boundary in 0..expected.boundaries {
            let crashed = self.run(case.clone().crash_at(boundary)).await;
            assert_same(&crashed, expected);
        }
    }
}

/// One case that was run.
pub struct Ran {
    /// What went wrong, and where.
    pub case: Case,
    /// Its end in the scenario's words.
    pub words: String,
    /// The steps that were run in it, in order.
    pub done: Vec<Done>,
    /// The number of places that it passed at which a crash is possible.
    pub boundaries: u32,
    /// How the saga ended.
    pub end: End,
}

fn assert_same(got: &Ran, expected: &Ran) {
    if got.words != expected.words {
        let mut journal = String::new();
        for entry in got.end.history.entries() {
            let _ = writeln!(journal, "  {}", serde_json::to_string(entry).unwrap_or_default());
        }
        panic!(
            "{:?} ended as `{}`, but {:?} as `{}`\n{journal}",
            got.case, got.words, expected.case, expected.words
        );
    }
}
