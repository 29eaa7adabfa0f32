//! Replay: code that asks for something else than its journal has is found out, and does nothing.

use orchestrator::{
    BatchScope, Ended, Failure, Policy, Rejected, Route, Saga, Step, StepError, StuckCause, Tx, Workflow,
};
use rstest::rstest;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tests::play::{Act, Ask, Cue, Note, QUICK, Stage, Twist};

const LONG: Duration = Duration::from_secs(20);

/// A workflow that draws at random: each time it runs, it asks for another room.
struct Wavering;

static RUNS: AtomicU32 = AtomicU32::new(0);

impl Workflow for Wavering {
    const NAME: &'static str = "wavering";
    type Steps = (Ask,);
    type Input = ();
    type Output = ();

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<(), Failure> {
        let what = format!("room {}", RUNS.fetch_add(1, Ordering::Relaxed));
        saga.step(Ask { what, twist: Twist::None }).await?;
        Ok(())
    }
}

#[rstest]
#[tokio::test]
async fn a_call_is_never_sent_again_under_its_key_with_another_input(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.builder(stage.settings("node")).workflow::<Wavering>().start().await.unwrap();
    stage.script.set(|_| Act::Lose);
    let saga = node.client().start::<Wavering>(()).await.unwrap();
    let ended = saga.result(LONG).await.unwrap();
    let asked: Vec<(String, String)> = sqlx::query_as("select key, what from desk.requests where saga = $1")
        .bind(saga.id().uuid())
        .fetch_all(&stage.pool)
        .await
        .unwrap();
    assert_eq!(asked.len(), 1, "one key, one request: {asked:?}, {ended:?}");
    let Ended::Stuck(StuckCause::Diverged { ask: 0, journal, code, difference }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!((journal.as_str(), code.as_str()), ("step `ask`", "step `ask` with another input"));
    let difference = difference.expect("it says which");
    assert!(
        difference.starts_with("`what`: \"room ") && difference.contains("in the journal"),
        "{difference}"
    );
    stage.verify().await;
    node.drain().await;
}

/// A step as it was written first: a map, a number with a fraction, a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pack {
    items: HashMap<String, u32>,
    weight: f64,
    labels: Vec<Label>,
    once: Option<String>,
}

/// The same step later: a field more, a field less, the others in another order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Repack {
    labels: Vec<Label>,
    weight: f64,
    #[serde(default)]
    fragile: bool,
    items: HashMap<String, u32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Label {
    text: String,
}

macro_rules! packs {
    ($($step:ty),+) => {$(
        impl Step for $step {
            const NAME: &'static str = "pack";
            const POLICY: Policy = QUICK;
            type Output = ();
            type Medium = Tx;
            type Undo = ();

            async fn run(&self, _: &mut Tx) -> Result<(), StepError> {
                Ok(())
            }

            async fn compensate(&self, _: &mut Tx, (): ()) -> Result<(), StepError> {
                Ok(())
            }
        }
    )+};
}

packs!(Pack, Repack);

/// What somebody changes in code whose sagas are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Change {
    /// Nothing: maps are written in another order all the same.
    Nothing,
    Weight,
    Label,
    FragileNow,
    Message,
    Payload,
    NoLongerPivot,
    PivotNow,
    Deadline,
    Sleep,
}

struct Before;
struct After;

fn items() -> HashMap<String, u32> {
    (0..20).map(|n| (format!("item {n}"), n)).collect()
}

fn labels(last: &str) -> Vec<Label> {
    ["top", last].map(|text| Label { text: text.into() }).into()
}

impl Workflow for Before {
    const NAME: &'static str = "changing";
    type Steps = (Pack, Note);
    type Input = Change;
    type Output = ();

    fn route(_: &Change) -> Route {
        Route::of_key("changing")
    }

    async fn run(mut saga: Saga<Self>, change: Change) -> Result<(), Failure> {
        saga.step(Pack { items: items(), weight: 0.1 + 0.2, labels: labels("bottom"), once: None }).await?;
        saga.emit("packed", &1).await;
        if change == Change::Sleep {
            saga.sleep_until(chrono::Utc::now() + chrono::Duration::seconds(60)).await;
        }
        let note = Note { text: "decided".into(), twist: Twist::None };
        if change == Change::NoLongerPivot {
            let (_, mut saga) = saga.pivot(note).await?;
            let _ = saga.signal::<Cue>().within(Duration::from_secs(60)).await;
            return Ok(());
        }
        saga.step(note).await?;
        let _ = saga.signal::<Cue>().within(Duration::from_secs(60)).await;
        Ok(())
    }
}

impl Workflow for After {
    const NAME: &'static str = "changing";
    type Steps = (Repack, Note);
    type Input = Change;
    type Output = ();

    fn route(change: &Change) -> Route {
        Before::route(change)
    }

    async fn run(mut saga: Saga<Self>, change: Change) -> Result<(), Failure> {
        let weight = if change == Change::Weight { 0.4 } else { 0.1 + 0.2 };
        let last = if change == Change::Label { "side" } else { "bottom" };
        let fragile = change == Change::FragileNow;
        saga.step(Repack { labels: labels(last), weight, fragile, items: items() }).await?;
        let kind = if change == Change::Message { "unpacked" } else { "packed" };
        saga.emit(kind, &u8::from(change != Change::Payload)).await;
        if change == Change::Sleep {
            saga.sleep_until(chrono::Utc::now()).await;
        }
        let note = Note { text: "decided".into(), twist: Twist::None };
        let within = Duration::from_secs(if change == Change::Deadline { 1 } else { 60 });
        if change == Change::PivotNow {
            let (_, mut saga) = saga.pivot(note).await?;
            let _ = saga.signal::<Cue>().within(within).await;
            return Ok(());
        }
        saga.step(note).await.map_err(|refused: Rejected| refused)?;
        let _ = saga.signal::<Cue>().within(within).await;
        Ok(())
    }
}

/// Replays a saga that waits while its code is changed, and then gets its signal.
async fn replayed(change: Change) -> Result<(), (u32, String, String, Option<String>)> {
    let stage = Stage::set().await;
    let old = stage.builder(stage.settings("old")).workflow::<Before>().start().await.unwrap();
    let id = old.client().start::<Before>(change).await.unwrap().id();
    stage.until("it waits", id, |row| row.state == "waiting").await;
    old.drain().await;

    let new = stage.builder(stage.settings("new")).workflow::<After>().start().await.unwrap();
    new.client().signal(id, "cue", &Cue("go".into())).await.unwrap();
    let ended = match change {
        // It goes on waiting for the time that its journal has.
        Change::Sleep => {
            stage.until("the letter was looked at", id, |row| row.node.as_deref() == Some(new.node())).await;
            assert_eq!(stage.row(id).await.unwrap().state, "waiting");
            Ended::Completed(())
        }
        _ => new.client().handle::<After>(id).result(LONG).await.unwrap(),
    };
    stage.verify().await;
    new.drain().await;
    match ended {
        Ended::Completed(()) => Ok(()),
        Ended::Stuck(StuckCause::Diverged { ask, journal, code, difference }) => {
            Err((ask, journal, code, difference))
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::another_number(
    Change::Weight,
    (0, "step `pack`", "step `pack` with another input"),
    Some("`weight`: 0.30000000000000004 in the journal, 0.4 in the code")
)]
#[case::something_deep_inside(
    Change::Label,
    (0, "step `pack`", "step `pack` with another input"),
    Some("`labels[1].text`: \"bottom\" in the journal, \"side\" in the code")
)]
#[case::a_new_field_with_another_value_than_its_default(
    Change::FragileNow,
    (0, "step `pack`", "step `pack` with another input"),
    Some("`fragile`: false in the journal, true in the code")
)]
#[case::another_message(Change::Message, (1, "emit of `packed`", "emit of `unpacked`"), None)]
#[case::no_longer_the_pivot(Change::NoLongerPivot, (2, "step `note` as the pivot", "step `note`"), None)]
#[case::the_pivot_now(Change::PivotNow, (2, "step `note`", "step `note` as the pivot"), None)]
#[tokio::test]
async fn what_would_have_another_effect_is_found_out(
    #[case] change: Change,
    #[case] (ask, journal, code): (u32, &str, &str),
    #[case] difference: Option<&str>,
) {
    let found = replayed(change).await;
    assert_eq!(found, Err((ask, journal.into(), code.into(), difference.map(str::to_owned))));
}

#[rstest]
#[case::fields_with_defaults_more_and_less_and_maps_in_another_order(Change::Nothing)]
#[case::a_message_with_another_payload(Change::Payload)]
#[case::a_wait_with_another_deadline(Change::Deadline)]
#[case::a_sleep_until_another_time(Change::Sleep)]
#[tokio::test]
async fn what_changes_no_effect_goes_on(#[case] change: Change) {
    assert_eq!(replayed(change).await, Ok(()));
}
