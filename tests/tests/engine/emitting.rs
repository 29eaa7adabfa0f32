//! Messages that steps emit: with the entry of their step, in order, or not at all.

use crate::at;
use futures_util::{FutureExt, future::join_all};
use orchestrator::{
    Bucket, Call, DbError, Ended, Engine, Event, Failure, Item, Policy, Recorded, Rejected, Saga, SagaId,
    Step, StepError, StuckCause, Tx, Undoing, Workflow,
    journal::{Entry, History, Outcome, Recall},
    testing::{Begun, End, Scenario, explore},
};
use rstest::rstest;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::{future::IntoFuture, time::Duration};
use tests::{
    play::{QUICK, Stage, Twist},
    support::{Database, Hold, verify},
};

const LONG: Duration = Duration::from_secs(30);

/// Emits two messages for each saga of its batch, and a third when it is undone.
#[derive(Serialize, Deserialize)]
pub struct Tell {
    what: String,
    twist: Twist,
}

impl Step for Tell {
    const NAME: &'static str = "tell";
    const POLICY: Policy = QUICK;
    const UNDO_POLICY: Policy = QUICK;
    type Output = String;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<String, StepError> {
        let alone = Item { step: self, saga: tx.saga(), position: tx.position() };
        let mut answers = Self::run_all(&[alone], tx).await?;
        answers.pop().unwrap_or_else(|| Err(StepError::unclear("a set of one has one answer")))
    }

    async fn run_all(
        batch: &[Item<'_, Self>],
        tx: &mut Tx,
    ) -> Result<Vec<Result<String, StepError>>, DbError> {
        let mut answers = Vec::new();
        for Item { step, saga, .. } in batch {
            tx.emit(*saga, "told", &step.what)?;
            tx.emit(*saga, "told", &format!("{} again", step.what))?;
            answers.push(match step.twist {
                Twist::Refuse => Err(Rejected::new("not-so", "nobody says that").into()),
                Twist::Unclear => Err(StepError::unclear("said, or so it seems")),
                Twist::Panic => panic!("told too much"),
                Twist::Oversize => {
                    tx.emit(*saga, "told", &"x".repeat(400 * 1024))?;
                    Ok(step.what.clone())
                }
                // Emits in the name of a saga that isn't in the batch.
                Twist::Abort => {
                    tx.emit(SagaId::new_in(Bucket::of_key("elsewhere")), "told", &step.what)?;
                    Ok(step.what.clone())
                }
                Twist::Sql => {
                    sqlx::query("select 1 / 0").execute(&mut **tx).await?;
                    Ok(step.what.clone())
                }
                Twist::None
                | Twist::SqlUndo
                | Twist::PanicUndo
                | Twist::AbortUndo
                | Twist::Nul
                | Twist::Hide
                | Twist::Hang
                | Twist::Block
                | Twist::DiskFull
                | Twist::Slow => Ok(step.what.clone()),
            });
        }
        Ok(answers)
    }

    async fn compensate(&self, _: &mut Tx, _: String) -> Result<(), StepError> {
        unreachable!("the set-based form is the only one that the engine calls")
    }

    async fn compensate_all(
        batch: Vec<Undoing<'_, Self>>,
        tx: &mut Tx,
    ) -> Result<Vec<Result<(), StepError>>, DbError> {
        for undoing in &batch {
            tx.emit(undoing.saga, "untold", &undoing.made)?;
        }
        Ok(batch.iter().map(|_| Ok(())).collect())
    }
}

/// The world outside, which needs nothing here.
#[derive(Clone)]
pub struct Bell;

/// Emits with each entry of its call.
#[derive(Serialize, Deserialize)]
pub struct Ring;

impl Step for Ring {
    const NAME: &'static str = "ring";
    const POLICY: Policy = QUICK;
    const UNDO_POLICY: Policy = QUICK;
    type Output = ();
    type Medium = Call<Bell>;
    type Undo = ();

    async fn run(&self, _: &mut Call<Bell>) -> Result<(), StepError> {
        Ok(())
    }

    async fn record_all(batch: Vec<Recorded<'_, Self>>, tx: &mut Tx) -> Result<(), DbError> {
        for recorded in batch {
            let kind = match recorded.event {
                Event::Started => "ringing",
                Event::Ended(Ok(())) => "rung",
                Event::Ended(Err(_)) => "not rung",
                Event::UndoStarted { .. } => "unringing",
                Event::Undone { .. } => "unrung",
            };
            tx.emit(recorded.saga, kind, &())?;
        }
        Ok(())
    }
}

/// Tells, emits, rings, tells again.
pub struct Gossip;

impl Workflow for Gossip {
    const NAME: &'static str = "gossip";
    type Steps = (Tell, Ring);
    type Input = Vec<(String, Twist)>;
    type Output = ();

    async fn run(mut saga: Saga<Self>, input: Self::Input) -> Result<(), Failure> {
        for (what, twist) in input {
            saga.step(Tell { what, twist }).await?;
            saga.emit("between", &()).await;
            saga.step(Ring).await?;
        }
        Ok(())
    }
}

/// A gossip's input: it tells these.
pub fn tells(what: &[&str]) -> Vec<(String, Twist)> {
    what.iter().map(|what| ((*what).to_owned(), Twist::None)).collect()
}

/// What the outbox has of a saga, in order.
async fn sent(pool: &PgPool, saga: SagaId) -> Vec<(i32, i32, String)> {
    let read = "select position, ordinal, kind || ' ' || payload::text from usher.outbox
        where saga_id = $1 and bucket = $2 order by position, ordinal";
    sqlx::query_as(read).bind(saga.uuid()).bind(saga.bucket().number()).fetch_all(pool).await.unwrap()
}

/// What it must have, by the saga's journal alone.
fn owed(history: &History) -> Vec<(i32, i32, String)> {
    let entries = history.entries();
    let step_at = |at: usize| match &entries[at] {
        Entry::Ended { step, outcome: Outcome::Done(output), .. } => (step.as_str(), output.get().to_owned()),
        Entry::Started { step, .. } => (step.as_str(), "null".to_owned()),
        other => panic!("no step begins with {other:?}"),
    };
    let owed = entries.iter().enumerate().flat_map(|(at, entry)| {
        let messages: Vec<String> = match entry {
            Entry::Ended { step, outcome: Outcome::Done(output), .. } if step == "tell" => {
                let what: String = serde_json::from_str(output.get()).unwrap();
                vec![format!("told {what:?}"), format!("told \"{what} again\"")]
            }
            Entry::Value { recall: Recall::Emitted { kind, payload }, .. } => {
                vec![format!("{kind} {payload}")]
            }
            Entry::Started { .. } => vec!["ringing null".into()],
            Entry::Ended { step, outcome, .. } if step == "ring" => match outcome {
                Outcome::Done(_) => vec!["rung null".into()],
                Outcome::Rejected(_) => vec!["not rung null".into()],
            },
            Entry::UndoStarted { .. } => vec!["unringing null".into()],
            Entry::UndoEnded { of, .. } => match step_at(of.index() as usize) {
                ("tell", made) => vec![format!("untold {made}")],
                _ => vec!["unrung null".into()],
            },
            _ => vec![],
        };
        let numbered = messages.into_iter().enumerate();
        numbered.map(|(ordinal, message)| (at as i32, ordinal as i32, message)).collect::<Vec<_>>()
    });
    owed.collect()
}

struct Gossips(PgPool);

impl Scenario for Gossips {
    type Workflow = Gossip;
    type Services = Bell;
    type World = ();

    async fn begin(&self) -> Begun<Gossip, Bell, ()> {
        Begun { services: Bell, world: (), input: tells(&["one", "two"]), letters: Vec::new() }
    }

    async fn check(&self, (): &(), end: &End) -> String {
        assert_eq!(sent(&self.0, end.saga).await, owed(&end.history), "{end:?}");
        end.state.to_string()
    }
}

#[tokio::test]
async fn the_outbox_has_what_the_journal_says_whatever_fails_and_wherever_it_crashes() {
    let database = Database::fresh().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    let report = explore(&Gossips(pool), &at(&database)).await;
    assert!(report.ends["completed"] > 20 && report.ends["unwound"] > 20, "{report:?}");
}

#[rstest]
#[case::sql(Twist::Sql)]
#[case::unclear(Twist::Unclear)]
#[case::refuse(Twist::Refuse)]
#[case::panic(Twist::Panic)]
#[case::oversize(Twist::Oversize)]
#[case::for_somebody_else(Twist::Abort)]
#[tokio::test]
async fn one_guilty_saga_of_a_batch_emits_nothing_and_the_others_all(#[case] twist: Twist) {
    let stage = Stage::set().await;
    let engine = Engine::builder(Bell, orchestrator::Database::at(stage.url()).unwrap())
        .settings(stage.settings("node"))
        .workflow::<Gossip>()
        .start()
        .await
        .unwrap();
    let hold = Hold::at("lane-gathered", engine.node());
    engine.client().nudge(SagaId::new_in(Bucket::of_key("nobody"))).await;
    hold.reached().await;
    let mut starts: Vec<_> = (0..20)
        .map(|n| vec![("it".to_owned(), if n == 7 { twist } else { Twist::None })])
        .map(|input| engine.client().start::<Gossip>(input).into_future())
        .collect();
    assert!(starts.iter_mut().all(|start| start.now_or_never().is_none()), "all of them wait in the queue");
    hold.release();
    for (n, started) in join_all(starts).await.into_iter().enumerate() {
        let Ok(gossip) = started else { panic!("{n} was not started: {:?}", started.err()) };
        let ended = gossip.result(LONG).await;
        let sent: Vec<_> =
            sent(&stage.pool, gossip.id()).await.into_iter().map(|(.., message)| message).collect();
        if n == 7 {
            assert_eq!(sent, [""; 0], "{ended:?}");
            let stuck =
                matches!(ended, Ok(Ended::Stuck(StuckCause::Panicked { .. } | StuckCause::Oversize { .. })));
            assert_eq!(stuck, matches!(twist, Twist::Panic | Twist::Oversize | Twist::Abort), "{ended:?}");
        } else {
            let expected = ["told \"it\"", "told \"it again\"", "between null", "ringing null", "rung null"];
            assert_eq!(sent, expected, "{ended:?}");
        }
    }
    verify(&stage.pool).await;
    engine.drain().await;
}
