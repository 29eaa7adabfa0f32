//! Cancelling: possible until the pivot, once, and never forgotten.

use orchestrator::{BatchScope, Cancelled, Cause, Client, Ended, Reached, SagaId, State};
use rstest::rstest;
use std::time::Duration;
use tests::play::{Act, Ask, Cue, Gate, Line, Note, Part, Play, Stage, ask, decide, note};
use tests::support::wait_until;

const LONG: Duration = Duration::from_secs(30);

fn by(who: &str) -> Cause {
    Cause::Cancelled { by: who.into() }
}

#[tokio::test]
async fn a_waiting_saga_turns_back_at_once_and_twice_is_once() {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let play =
        one.client().start::<Play>(Part::of([note("here"), ask("room"), Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    let (first, second) =
        tokio::join!(one.client().cancel(play.id(), "ada"), other.client().cancel(play.id(), "bob"));
    assert_eq!((first.unwrap(), second.unwrap()), (Cancelled::TurnedBack, Cancelled::TurnedBack));
    assert!(matches!(play.result(LONG).await.unwrap(), Ended::Unwound(Cause::Cancelled { .. })));
    assert_eq!(other.client().cancel(play.id(), "ada").await.unwrap(), Cancelled::TurnedBack, "still so");
    assert_eq!(stage.kept(play.id()).await, Default::default());
    assert_eq!(stage.count_requests(play.id(), "room", true).await, 1);
    stage.verify().await;
    one.drain().await;
    other.drain().await;
}

#[rstest]
#[case::of_the_same_node(true)]
#[case::of_another_node(false)]
#[tokio::test]
async fn while_a_call_is_out_it_is_in_flight_and_turns_back_when_the_call_is_home(#[case] same: bool) {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |asked| if asked.undo { Act::Go } else { Act::Hold(held.clone()) });
    let play =
        one.client().start::<Play>(Part::of([note("here"), ask("room"), decide("sold")])).await.unwrap();
    let bookings = async || (!stage.kept(play.id()).await.bookings.is_empty()).then_some(());
    wait_until("the call has its effect", LONG, bookings).await;
    let client = if same { one.client() } else { other.client() };
    assert_eq!(client.cancel(play.id(), "ada").await.unwrap(), Cancelled::InFlight);
    assert_eq!(stage.row(play.id()).await.unwrap().state, "running");
    gate.open();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Unwound(by("ada")));
    assert_eq!(stage.kept(play.id()).await, Default::default());
    stage.verify().await;
    one.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn after_the_pivot_it_is_refused_and_changes_nothing() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |_| Act::Hold(held.clone()));
    let play =
        node.client().start::<Play>(Part::of([decide("sold"), ask("room"), note("end")])).await.unwrap();
    assert!(matches!(play.reached::<Note>(LONG).await.unwrap(), Reached::Done(_)));
    let refused = node.client().cancel(play.id(), "ada").await.unwrap();
    assert_eq!(refused, Cancelled::Refused(State::Running));
    gate.open();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["room".into()]));
    assert_eq!(stage.kept(play.id()).await.notes, ["sold", "end"]);
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn before_its_start_it_is_waiting_for_the_saga() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let part = Part::of([note("here"), Line::Wait(60_000)]);
    let id = orchestrator::SagaId::new_in(orchestrator::Bucket::of_key(&part.house));
    assert_eq!(node.client().cancel(id, "ada").await.unwrap(), Cancelled::InFlight);
    let play = node.client().start::<Play>(part).id(id).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Unwound(by("ada")));
    node.drain().await;
}

#[tokio::test]
async fn against_what_would_decide_the_saga_one_of_the_two_wins() {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let (mut sold, mut back) = (0, 0);
    for round in 0..40 {
        let part = Part::of([note("here"), ask("room"), Line::Wait(60_000), decide("sold")]);
        let play = one.client().start::<Play>(part).await.unwrap();
        assert!(matches!(play.reached::<Ask>(LONG).await.unwrap(), Reached::Done(_)));
        let (nodes, id) = (if round % 2 == 0 { [&one, &other] } else { [&other, &one] }, play.id());
        let cue = Cue("go".into());
        let (cancelled, told) =
            tokio::join!(nodes[0].client().cancel(id, "ada"), nodes[1].client().signal(id, "cue", &cue));
        told.unwrap();
        match (cancelled.unwrap(), play.result(LONG).await.unwrap()) {
            (Cancelled::Refused(_), Ended::Completed(_)) => {
                sold += 1;
                assert_eq!(stage.kept(id).await.notes, ["here", "sold"]);
            }
            (Cancelled::TurnedBack, Ended::Unwound(cause)) => {
                back += 1;
                assert_eq!(cause, by("ada"));
                assert_eq!(stage.kept(id).await, Default::default());
            }
            other => panic!("told one thing, done another: {other:?}"),
        }
    }
    println!("{sold} sold, {back} turned back");
    assert_eq!(sold + back, 40);
    stage.verify().await;
    one.drain().await;
    other.drain().await;
}

/// Who asks for the cancellation: this decides by which way the letter and its answer travel.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asks {
    ItsNode,
    AnotherNode,
    ANodeWithoutLanes,
}

/// Lets the engine try a stuck saga again, as it does by itself where that makes sense.
async fn retry(stage: &Stage, client: &Client, saga: SagaId) {
    let due = "update usher.sagas set due_at = now() where id = $1 and bucket = $2 and state = 'stuck'";
    let due = sqlx::query(due).bind(saga.uuid()).bind(saga.bucket().number());
    assert_eq!(due.execute(&stage.pool).await.unwrap().rows_affected(), 1);
    client.nudge(saga).await;
    stage.until("it is tried again", saga, |row| row.state != "stuck").await;
}

/// How many cancellations are in a saga's mailbox.
async fn cancellations(stage: &Stage, saga: SagaId) -> i64 {
    sqlx::query_scalar("select count(*) from usher.mailbox where saga_id = $1 and kind = 'cancel'")
        .bind(saga.uuid())
        .fetch_one(&stage.pool)
        .await
        .unwrap()
}

#[rstest]
#[tokio::test]
async fn what_was_refused_while_it_was_stuck_does_not_come_true_once_it_is_tried_again(
    #[values(Asks::ItsNode, Asks::AnotherNode, Asks::ANodeWithoutLanes)] asks: Asks,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let (node, other, outside) = (stage.node("node").await, stage.node("other").await, stage.outside().await);
    stage.script.set(|_| Act::Lie);
    let play =
        node.client().start::<Play>(Part::of([note("here"), ask("room"), decide("sold")])).await.unwrap();
    stage.stuck(play.id()).await;
    let client = match asks {
        Asks::ItsNode => node.client(),
        Asks::AnotherNode => other.client(),
        Asks::ANodeWithoutLanes => &outside,
    };
    assert_eq!(client.cancel(play.id(), "ada").await.unwrap(), Cancelled::Refused(State::Stuck));
    assert_eq!(cancellations(&stage, play.id()).await, 0, "refused is gone");
    stage.script.set(|_| Act::Go);
    retry(&stage, &outside, play.id()).await;
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["room".into()]));
    assert_eq!(stage.kept(play.id()).await.notes, ["here", "sold"]);
    stage.verify().await;
    node.drain().await;
    other.drain().await;
}

#[rstest]
#[case::decided(vec![decide("sold"), ask("room")], State::Running)]
#[case::over(vec![decide("sold")], State::Completed)]
#[tokio::test]
async fn nothing_is_left_of_what_was_refused(
    #[case] lines: Vec<Line>,
    #[case] state: State,
    #[values(Asks::ItsNode, Asks::AnotherNode, Asks::ANodeWithoutLanes)] asks: Asks,
) {
    let stage = Stage::set().await;
    let (node, other, outside) = (stage.node("node").await, stage.node("other").await, stage.outside().await);
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |_| Act::Hold(held.clone()));
    let play = node.client().start::<Play>(Part::of(lines)).await.unwrap();
    stage.until("it is so far", play.id(), |row| row.state == state.as_str()).await;
    let client = match asks {
        Asks::ItsNode => node.client(),
        Asks::AnotherNode => other.client(),
        Asks::ANodeWithoutLanes => &outside,
    };
    assert_eq!(client.cancel(play.id(), "ada").await.unwrap(), Cancelled::Refused(state));
    assert_eq!(cancellations(&stage, play.id()).await, 0);
    gate.open();
    assert!(matches!(play.result(LONG).await.unwrap(), Ended::Completed(_)));
    node.drain().await;
    other.drain().await;
}
