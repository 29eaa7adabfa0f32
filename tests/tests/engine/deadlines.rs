//! Deadlines: the database's clock decides, and a letter that is received exactly at the deadline still counts.

use chrono::TimeDelta;
use orchestrator::{Cause, Ended, SagaId};
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::{Cue, Line, Part, Play, Stage, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(20);

/// Puts a letter into the mailbox as if it had been received so many microseconds after the deadline.
async fn deliver(stage: &Stage, saga: SagaId, sender: &str, after_us: i64) {
    let put = "insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, received_at)
        select id, bucket, 'signal', 'cue', $3, to_json($3::text), due_at - interval '1 microsecond'
            + $4 * interval '1 microsecond'
        from usher.sagas where id = $1 and bucket = $2";
    let put =
        sqlx::query(put).bind(saga.uuid()).bind(saga.bucket().number()).bind(sender).bind(after_us as f64);
    assert_eq!(put.execute(&stage.pool).await.unwrap().rows_affected(), 1);
}

#[rstest]
#[case::at_the_very_deadline(0, true)]
#[case::one_microsecond_later(1, false)]
#[tokio::test]
async fn a_letter_counts_if_it_was_received_at_the_deadline_however_late_someone_looks(
    #[case] after_us: i64,
    #[case] counts: bool,
) {
    let stage = Stage::set().await;
    let engine = stage.node("first").await;
    let until = stage.now().await + TimeDelta::milliseconds(400);
    let part = Part::of([note("here"), Line::WaitUntil(until)]);
    let play = engine.client().start::<Play>(part).await.unwrap();
    let id = play.id();
    assert_eq!(stage.row(id).await.unwrap().state, "waiting");
    // Nobody looks while the time passes.
    drop(play);
    engine.drain().await;
    deliver(&stage, id, "letter", after_us).await;
    wait_until("the deadline is past", LONG, async || {
        (stage.now().await > until + TimeDelta::milliseconds(50)).then_some(())
    })
    .await;

    let engine = stage.node("second").await;
    let ended = engine.client().handle::<Play>(id).result(LONG).await.unwrap();
    if counts {
        assert_eq!(ended, Ended::Completed(vec!["letter".into()]));
    } else {
        assert_eq!(ended, Ended::Unwound(Cause::Expired { signal: "cue".into() }));
        assert!(stage.kept(id).await.notes.is_empty());
    }
    let kept = "select count(*) from usher.mailbox where saga_id = $1";
    let kept: i64 = sqlx::query_scalar(kept).bind(id.uuid()).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(kept, 1, "late or not, it stays in the mailbox");
    stage.verify().await;
    engine.drain().await;
}

#[tokio::test]
async fn of_several_letters_the_first_received_counts_and_then_the_first_by_its_sender() {
    let stage = Stage::set().await;
    let engine = stage.node("first").await;
    let until = stage.now().await + TimeDelta::milliseconds(400);
    let play = engine.client().start::<Play>(Part::of([Line::WaitUntil(until)])).await.unwrap();
    let id = play.id();
    drop(play);
    engine.drain().await;
    for (sender, after_us) in [("a", -5), ("d", -10), ("c", -10), ("b", 3)] {
        deliver(&stage, id, sender, after_us).await;
    }
    let engine = stage.node("second").await;
    let ended = engine.client().handle::<Play>(id).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["c".into()]));
    engine.drain().await;
}

#[tokio::test]
async fn a_letter_after_the_deadline_is_kept_and_changes_nothing() {
    let stage = Stage::set().await;
    let engine = stage.node("node").await;
    let play = engine.client().start::<Play>(Part::of([note("here"), Line::Wait(50)])).await.unwrap();
    let ended = play.result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Unwound(Cause::Expired { signal: "cue".into() }));
    let before = stage.row(play.id()).await;
    engine.client().signal(play.id(), "late", &Cue("late".into())).await.unwrap();
    assert_eq!(stage.row(play.id()).await, before);
    stage.verify().await;
    engine.drain().await;
}
