//! A rolling deploy: what a newer binary wrote is left to those who know it, and nobody else touches it.

use orchestrator::{BatchScope, Ended, Engine, SagaId, StuckCause};
use rstest::rstest;
use std::time::Duration;
use tests::play::{Cue, Line, Part, Play, SagaRow, Stage, note};

const LONG: Duration = Duration::from_secs(20);

/// A play that waits, on a node that then leaves.
async fn waiting(stage: &Stage) -> SagaId {
    let node = stage.node("before").await;
    let play = node.client().start::<Play>(Part::of([note("here"), Line::Wait(60_000)])).await.unwrap();
    let id = play.id();
    stage.until("it waits", id, |row| row.state == "waiting").await;
    node.drain().await;
    id
}

/// Appends this entry as a newer node would, and makes the saga due since so many seconds.
async fn append(stage: &Stage, saga: SagaId, entry: &str, due_s: f64) {
    let append = "with moved as (
            update usher.sagas
            set epoch = epoch + 1, token = token + 1, journal_len = journal_len + 1,
                due_at = now() - $3 * interval '1 second'
            where id = $1 and bucket = $2
            returning id, bucket, journal_len, epoch, token
        )
        insert into usher.journal (saga_id, bucket, position, entries, epoch, token, written_at)
        select id, bucket, journal_len - 1, json_build_array($4::json), epoch, token, now() from moved";
    sqlx::query(append)
        .bind(saga.uuid())
        .bind(saga.bucket().number())
        .bind(due_s)
        .bind(entry)
        .execute(&stage.pool)
        .await
        .unwrap();
}

/// Time for many sweeps: another saga comes and goes.
async fn many_sweeps(node: &Engine) {
    let other = node.client().start::<Play>(Part::of([Line::Wait(300)])).await.unwrap();
    assert!(matches!(other.result(LONG).await.unwrap(), Ended::Unwound(_)));
}

async fn row(stage: &Stage, saga: SagaId) -> SagaRow {
    stage.row(saga).await.expect("it has a row")
}

#[rstest]
#[case::an_entry(r#"{"forked": {"ask": 2, "into": 3}}"#)]
#[case::an_action(r#"{"operator": {"action": {"reroute": {"to": 1}}, "actor": "ada", "reason": "so", "at": "2026-03-01T19:00:00Z"}}"#)]
#[case::a_cause(r#"{"turned_back": {"cause": {"storm": {"force": 9}}}}"#)]
#[case::a_value(r#"{"value": {"ask": 2, "recall": {"dice": 6}}}"#)]
#[tokio::test]
async fn a_journal_with_a_newer_word_is_left_as_it_is(
    #[case] entry: &str,
    #[values(0.0, 3600.0)] due_s: f64,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let saga = waiting(&stage).await;
    append(&stage, saga, entry, due_s).await;
    let before = row(&stage, saga).await;

    let old = stage.node("old").await;
    many_sweeps(&old).await;
    assert_eq!(row(&stage, saga).await, before, "nobody who can't read it touches it");
    let seen = old.client().handle::<Play>(saga).result(Duration::from_millis(50)).await.unwrap();
    assert_eq!(seen, Ended::NotYet, "whoever waits here is told to wait on");
    old.client().signal(saga, "cue", &Cue("go".into())).await.unwrap();
    many_sweeps(&old).await;
    assert_eq!(row(&stage, saga).await, before, "a letter lies in its mailbox and makes nobody read it");

    // A newer node moves the saga on, to a state that this binary can read again.
    let undo = "with gone as (delete from usher.journal where saga_id = $1 and position = 3)
        update usher.sagas set epoch = epoch + 1, journal_len = 3, due_at = now() where id = $1";
    sqlx::query(undo).bind(saga.uuid()).execute(&stage.pool).await.unwrap();
    let ended = old.client().handle::<Play>(saga).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["go".into()]), "what can be read is taken again");
    old.drain().await;
}

#[tokio::test]
async fn a_saga_that_is_stuck_for_a_newer_reason_is_left_as_it_is() {
    let stage = Stage::set().await;
    let saga = waiting(&stage).await;
    let stick = r#"update usher.sagas
        set state = 'stuck', stuck = '{"flooded": {"by": "rain"}}', due_at = now() - interval '1 hour' where id = $1"#;
    sqlx::query(stick).bind(saga.uuid()).execute(&stage.pool).await.unwrap();
    let look = "select epoch, claims, due_at::text, updated_at::text from usher.sagas where id = $1";
    let look = async || -> (i64, i16, String, String) {
        sqlx::query_as(look).bind(saga.uuid()).fetch_one(&stage.pool).await.unwrap()
    };
    let before = look().await;
    let old = stage.node("old").await;
    many_sweeps(&old).await;
    assert_eq!(look().await, before);
    old.drain().await;
}

#[rstest]
#[case::an_entry_without_what_every_binary_writes(r#"{"waiting": {"ask": 2}}"#)]
#[case::an_entry_that_can_not_follow(r#"{"begun": {"workflow": "play", "version": 1, "input": {}}}"#)]
#[tokio::test]
async fn a_journal_that_nobody_can_read_makes_its_saga_stuck(#[case] entry: &str) {
    let stage = Stage::set().await;
    let saga = waiting(&stage).await;
    append(&stage, saga, entry, 0.0).await;
    let node = stage.node("node").await;
    assert!(matches!(stage.stuck(saga).await, StuckCause::Undecodable { .. }));
    node.drain().await;
}
