//! What can't be written down stops its saga alone, with the reason, and holds up nobody.

use orchestrator::{BatchScope, Cause, ClientError, Ended, Engine, StuckCause};
use rstest::rstest;
use std::time::Duration;
use tests::play::{Cue, Line, Part, Play, Stage, Twist, ask, note};

const LONG: Duration = Duration::from_secs(20);

async fn assert_others_go_on(stage: &Stage, node: &Engine) {
    let other = node.client().start::<Play>(Part::of([note("other"), ask("car")])).await.unwrap();
    assert_eq!(other.result(LONG).await.unwrap(), Ended::Completed(vec!["car".into()]));
    stage.verify().await;
}

#[rstest]
#[tokio::test]
async fn an_error_with_a_nul_is_kept_without_it(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let part = Part::of([note("before"), Line::Note("bad".into(), Twist::Nul)]);
    let play = node.client().start::<Play>(part).await.unwrap();
    let Ended::Unwound(Cause::Failed { error, .. }) = play.result(LONG).await.unwrap() else {
        panic!("it is {:?}", stage.row(play.id()).await)
    };
    assert!(error.contains("no\u{fffd}thing"), "{error}");
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_step_that_hides_an_sql_error_is_named(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let part = Part::of([note("before"), ask("car"), Line::Note("bad".into(), Twist::Hide)]);
    let play = node.client().start::<Play>(part).await.unwrap();
    let Ended::Stuck(cause) = play.result(LONG).await.unwrap() else {
        panic!("it is {:?}", stage.row(play.id()).await)
    };
    let StuckCause::Unwritable { what, .. } = &cause else { panic!("{cause:?}") };
    assert_eq!(what, "step `note`");
    assert_eq!(stage.kept(play.id()).await.notes, ["before"]);
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_deadline_at_the_end_of_time_is_one_like_others(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let part = Part::of([note("before"), Line::Sleep(chrono::DateTime::<chrono::Utc>::MAX_UTC)]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.until("it sleeps", play.id(), |row| row.state == "waiting").await;
    let part = Part::of([note("before"), Line::Wait(u64::MAX)]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_saga_whose_rows_can_not_be_written_is_stuck_with_the_reason_and_its_letters_are_kept(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000), note("end")])).await.unwrap();
    let bad = "alter table usher.journal add constraint bad check (entries::text not like '%unlucky%')";
    sqlx::query(bad).execute(&stage.pool).await.unwrap();
    let told = node.client().signal(play.id(), "cue", &Cue("unlucky".into())).await;
    assert!(told.is_ok(), "the letter is in the mailbox: {told:?}");
    let cause = stage.stuck(play.id()).await;
    let StuckCause::Unwritable { error, .. } = &cause else { panic!("{cause:?}") };
    assert!(error.contains("constraint"), "{error}");
    assert_eq!(stage.audited(play.id(), "stuck").await, 1);
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn what_no_column_can_keep_is_refused_at_the_door(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let start = node.client().start::<Play>(Part::of([note("no")])).key("a\0b").await;
    assert!(matches!(start.err(), Some(ClientError::Unstorable { .. })));
    let start = node.client().start::<Play>(Part::of([note("no")])).trace("a\0b").await;
    assert!(matches!(start.err(), Some(ClientError::Unstorable { .. })));
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    let letter = node.client().signal(play.id(), "a\0b", &Cue("go".into())).await;
    assert!(matches!(letter.err(), Some(ClientError::Unstorable { .. })));
    let cancel = node.client().cancel(play.id(), "a\0b").await;
    assert!(matches!(cancel.err(), Some(ClientError::Unstorable { .. })));
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_start_that_can_not_be_begun_tells_its_caller_why(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let bad = "alter table usher.journal add constraint bad check (entries::text not like '%unlucky%')";
    sqlx::query(bad).execute(&stage.pool).await.unwrap();
    let start = node.client().start::<Play>(Part::of([note("unlucky"), Line::Wait(60_000)])).await;
    let Err(ClientError::Failed(why)) = start else { panic!("it began") };
    assert!(why.contains("constraint"), "{why}");
    assert_eq!(stage.sagas().await, 0);
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_panic_of_the_engine_itself_stops_its_saga_alone(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000), note("end")])).await.unwrap();
    let point = format!("lane-before-commit@{}", node.node());
    fail::cfg(&point, "panic(out of order)").unwrap();
    let told = node.client().signal(play.id(), "cue", &Cue("go".into())).await;
    fail::remove(&point);
    assert!(told.is_ok(), "the letter is in the mailbox: {told:?}");
    let StuckCause::Unwritable { error, .. } = stage.stuck(play.id()).await else { panic!("not unwritable") };
    assert!(error.contains("out of order"), "{error}");
    let due = "update usher.sagas set due_at = now() where state = 'stuck'";
    sqlx::query(due).execute(&stage.pool).await.unwrap();
    stage.until("it has gone on with its letter", play.id(), |row| row.state == "completed").await;
    assert_others_go_on(&stage, &node).await;
    node.drain().await;
}
