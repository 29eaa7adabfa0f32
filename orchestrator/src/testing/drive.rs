//! Drives one saga through one case: a lane with batches of one saga, calls made in place, and time that jumps.

use super::{
    End, Input, Letter, Scenario,
    case::{Case, Fault},
};
use crate::{
    client::new_saga,
    database::Database,
    engine::Engine,
    journal::History,
    lane::{Group, Lane, Returned, Shared, Start, Verdict},
    machine::{CallEnded, CallFailure, CallOut, Direction, Done, Probe, TurnError},
    record::{Json, State},
    settings::Settings,
    store::{journal, mailbox, sagas::New},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::{sync::Arc, time::Instant};

/// Turns after which a case counts as one that never ends.
const TURNS_MAX: usize = 5_000;

/// Connections that are used again by later cases, because opening them would take most of a case's time.
pub(super) struct Connections {
    lane: PgConnection,
    outside: PgConnection,
}

impl Connections {
    pub async fn open(database: &Database) -> Self {
        Self { lane: lane_connection(database).await, outside: must(database.connect("test").await) }
    }
}

/// One case being run.
pub(super) struct Drive {
    shared: Arc<Shared>,
    /// `None` only between one node's death and the next one's beginning.
    lane: Option<Lane>,
    outside: PgConnection,
    case: Case,
    /// Faults of calls that have not happened yet.
    faults: Vec<Fault>,
    done: Vec<Done>,
    new: New,
    input: Json,
    /// The call that may be made. It is lost if the node dies before.
    out: Option<CallOut>,
    refused_at_once: bool,
}

/// The result of the run.
pub(super) struct Driven {
    pub end: End,
    pub done: Vec<Done>,
    /// The number of places passed at which a crash is possible.
    pub boundaries: u32,
    pub connections: Connections,
}

impl Drive {
    pub fn new<S: Scenario>(
        database: &Database,
        connections: Connections,
        services: S::Services,
        input: &Input<S>,
        case: &Case,
    ) -> Self {
        let stretch_steps_max = if case.full { 64 } else { 1 };
        // Three attempts show what a thousand would.
        let settings = Settings { lanes: 1, stretch_steps_max, attempts_max: 3, ..Settings::default() };
        let builder = Engine::builder(services, database.clone()).settings(settings);
        let shared = builder.workflow::<S::Workflow>().shared().expect("the workflow can be registered");
        let (ours, theirs): (Vec<&Fault>, Vec<&Fault>) =
            case.faults.iter().partition(|fault| fault.at().ours);
        let failing = ours.iter().map(|fault| (fault.at().clone(), fault.is_for_good())).collect();
        let Connections { lane, outside } = connections;
        let mut lane = Lane::on(lane, shared.clone(), 0, Arc::default());
        lane.probe = Probe { boundaries: 0, crash_at: case.crash_at, failing, done: Some(Vec::new()) };
        Self {
            lane: Some(lane),
            outside,
            case: case.clone(),
            faults: theirs.into_iter().cloned().collect(),
            done: Vec::new(),
            new: new_saga::<S::Workflow>(input, None, None, None).expect("the input can be routed"),
            input: serde_json::value::to_raw_value(input).expect("the input can be encoded").into(),
            out: None,
            refused_at_once: false,
            shared,
        }
    }

    pub async fn run(mut self, letters: &[Letter]) -> Driven {
        let saga = self.new.id;
        for letter in letters {
            must(mailbox::deliver(&mut self.outside, saga, &letter.0).await);
        }
        for _ in 0..TURNS_MAX {
            let queue = self.shared.queues[0].clone();
            let groups = queue.take(1);
            if !groups.is_empty() {
                self.turn(&groups).await;
            } else if let Some(call) = self.out.take() {
                if let Some(ended) = self.make(call).await {
                    let lease = self.shared.leases.take(saga, ended.token, Instant::now());
                    queue.returned(Returned { ended, lease, came_at: Instant::now() });
                }
            } else if !self.go_on().await {
                let end = self.end().await;
                let mut lane = self.lane.expect("a node is alive");
                let mut done = lane.probe.done.take().unwrap_or_default();
                done.append(&mut self.done);
                let boundaries = lane.probe.boundaries;
                let connections = Connections { lane: lane.tx.connection, outside: self.outside };
                return Driven { end, done, boundaries, connections };
            }
        }
        panic!("{:?} has not ended after {TURNS_MAX} turns", self.case)
    }

    async fn turn(&mut self, groups: &[Group]) {
        match self.lane().turn(groups, false).await {
            Ok(turn) => {
                for verdict in turn.verdicts {
                    match verdict {
                        Verdict::Moved(moved) => {
                            self.refused_at_once = moved.snapshot.state.at_rest();
                            self.out = moved.call;
                            if moved.again {
                                self.shared.queues[0].wake(self.new.id);
                            }
                        }
                        Verdict::Claimed | Verdict::Existing(_) | Verdict::Stored | Verdict::Busy => {}
                        Verdict::LeftOut(_) => panic!("{:?}: nobody else has locks here", self.case),
                    }
                }
            }
            Err(TurnError::Crash(_)) => self.node_dies().await,
            Err(error) => panic!("{:?}: {error:?}", self.case),
        }
    }

    /// Kills the node: its memory is lost and its transaction is rolled back. A new node begins. It gets the connection, because
    /// opening one takes longer than the rest of a case.
    async fn node_dies(&mut self) {
        self.shared.queues[0].take(usize::MAX);
        self.out = None;
        let dead = self.lane.take().expect("a node was alive");
        let mut connection = dead.tx.connection;
        must(sqlx::raw_sql("rollback").execute(&mut connection).await);
        let mut lane = Lane::on(connection, self.shared.clone(), 0, Arc::default());
        lane.clock_offset = dead.clock_offset;
        lane.probe = dead.probe;
        self.lane = Some(lane);
    }

    fn lane(&mut self) -> &mut Lane {
        self.lane.as_mut().expect("a node is alive")
    }

    /// Acts if nothing is ready: starts the saga if it doesn't exist, or lets time pass. Returns whether anything is left to do.
    async fn go_on(&mut self) -> bool {
        let saga = self.new.id;
        let seen = must(crate::store::status::look(&mut self.outside, saga).await);
        match seen {
            None if self.refused_at_once => return false,
            // It was never started, or its start was lost with its node: the client asks again.
            None => {
                let (new, input) = (self.new.clone(), self.input.clone());
                let started = self.shared.queues[0].start(Start {
                    new,
                    input,
                    reply: tokio::sync::oneshot::channel().0,
                });
                assert!(started.is_ok(), "nothing else is in the queue");
            }
            Some(seen) => match seen.due_at.filter(|_| seen.state != State::Stuck) {
                Some(due_at) => {
                    let now = sqlx::query_scalar("select now()").fetch_one(&mut self.outside).await;
                    let now: DateTime<Utc> = must(now);
                    let lane = self.lane();
                    lane.clock_offset = lane.clock_offset.max(due_at - now);
                    self.shared.queues[0].wake(saga);
                }
                None => return false,
            },
        }
        true
    }

    /// Makes a call as the case demands. `None`: the node died before it got the answer.
    async fn make(&mut self, call: CallOut) -> Option<CallEnded> {
        let undo = matches!(call.direction, Direction::Back { .. });
        let done = Done { step: call.step.name(), ours: false, undo };
        self.done.push(done.clone());
        let fault = self.faults.iter().position(|fault| *fault.at() == done).map(|index| {
            let fault = self.faults[index].clone();
            if !fault.is_for_good() {
                self.faults.remove(index);
            }
            fault
        });
        let failed = |ended: CallEnded| {
            let answer = Err(CallFailure::unclear("a fault that a test explores"));
            Some(CallEnded { answer, ..ended })
        };
        match fault {
            None => Some(call.make().await),
            Some(Fault::Before(_) | Fault::AlwaysBefore(_)) => failed(call.unmade()),
            Some(Fault::After(_) | Fault::AlwaysAfter(_)) => failed(call.make().await),
            Some(Fault::Twice(_)) => {
                call.clone().make().await;
                Some(call.make().await)
            }
            Some(Fault::AnswerLost(_)) => {
                call.make().await;
                self.node_dies().await;
                None
            }
        }
    }

    async fn end(&mut self) -> End {
        let saga = self.new.id;
        let seen = must(crate::store::status::look(&mut self.outside, saga).await);
        let mut journals = journal::read(&mut self.outside, &[saga]).await.expect("the journal can be read");
        let history = History::of(
            journals.remove(&saga).unwrap_or_else(|| Ok(Vec::new())).expect("entries can be read"),
        )
        .expect("the journal is possible");
        match seen {
            Some(seen) => End { saga, state: seen.state, stuck: seen.stuck, history },
            None => End { saga, state: State::Unwound, stuck: None, history },
        }
    }
}

async fn lane_connection(database: &Database) -> PgConnection {
    must(database.connect_lane(0).await).0
}

fn must<T>(result: Result<T, sqlx::Error>) -> T {
    result.expect("the test's database is there")
}

impl CallOut {
    /// The end of a call that was not made.
    fn unmade(self) -> CallEnded {
        let Self { saga, token, step, value, direction, context, .. } = self;
        let answer = Err(CallFailure::unclear(String::new()));
        CallEnded { saga, token, step, value, direction, began_at: context.now, answer }
    }
}
