//! Attempts that left no entry: each is known, with its node, its claim and what it met.

use super::{
    LONG, act,
    worker::{Death, Worker},
};
use operator::{Action, Attempt, Operator};
use orchestrator::{Bucket, Ended, SagaId};
use std::time::Duration;
use tests::play::{Act, Gate, Line, Part, Play, SagaRow, Stage, Twist, ask, note};

#[tokio::test]
async fn attempts_on_two_nodes_are_told_apart_and_entries_say_who_wrote_them() {
    let stage = Stage::set().await;
    let first = stage.node("first").await;
    stage.script.set(|asked| match (asked.node.as_str(), asked.attempt) {
        (node, _) if node.starts_with("first") => Act::Later(Duration::from_millis(300)),
        (_, 1) => Act::LoseWith("desk 500"),
        _ => Act::Go,
    });
    let play = first.client().start::<Play>(Part::of([note("one"), ask("flight")])).await.unwrap();
    stage.until("it was put off", play.id(), |row| row.state == "waiting").await;
    let names = [first.node().to_owned(), String::new()];
    first.drain().await;
    let second = stage.node("second").await;
    let ended = second.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into()]));
    let names = [names[0].clone(), second.node().to_owned()];

    let seen = Operator::of(second.client()).see(play.id()).await.unwrap();
    let [put_off, lost] = &seen.attempts[..] else { panic!("two: {:?}", seen.attempts) };
    assert_eq!([&put_off.node, &lost.node], [&names[0], &names[1]]);
    assert_eq!(
        (put_off.code.as_deref(), put_off.in_doubt),
        (None, false),
        "it surely did nothing: {put_off:?}"
    );
    assert_eq!((lost.code.as_deref(), lost.in_doubt), (Some("desk 500"), true), "{lost:?}");
    for Attempt { position, undo, began_at, ended_at, .. } in &seen.attempts {
        assert_eq!((position.index(), *undo), (2, false));
        assert!(began_at < ended_at);
    }
    assert!(put_off.epoch < lost.epoch && put_off.ended_at < lost.began_at);
    assert_eq!(Operator::of(second.client()).attempts(play.id()).await.unwrap(), seen.attempts);

    let kinds: Vec<&str> = seen.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["begun", "ended", "started", "ended", "returned"]);
    let writers: Vec<Option<&str>> = seen.entries.iter().map(|entry| entry.node.as_deref()).collect();
    let [first, second_name] = [Some(names[0].as_str()), Some(names[1].as_str())];
    assert_eq!(writers, [first, first, first, second_name, second_name]);
    assert!(seen.entries.is_sorted_by_key(|entry| entry.epoch));
    let [key] = &seen.keys[..] else { panic!("one call, one key: {:?}", seen.keys) };
    assert_eq!(
        (key.position.index(), key.key.clone(), key.expires_at),
        (2, format!("{}:2", play.id()), None)
    );
    stage.verify().await;
    second.drain().await;
}

#[tokio::test]
async fn a_node_that_dies_with_a_call_out_leaves_an_attempt_in_doubt() {
    let stage = Stage::set().await;
    let part = Part::of([note("one"), ask("flight")]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let dying = Worker::on(&stage, "dying").with("FAILPOINTS", "call-after=1*return").play(id, &part).spawn();
    assert_eq!(dying.ended().await, Death::Sudden);
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |_| Act::Hold(held.clone()));
    let node = stage.node("survivor").await;
    let taken = |row: &SagaRow| row.leased && row.node.as_deref() == Some(node.node()) && row.attempts == 2;
    stage.until("the survivor calls", id, taken).await;
    let seen = Operator::of(node.client()).see(id).await.unwrap();
    let [lost] = &seen.attempts[..] else { panic!("one: {:?}", seen.attempts) };
    assert_eq!((lost.node.as_str(), lost.position.index(), lost.in_doubt), ("dying", 2, true));
    assert_eq!(lost.error, "its node did not come back with an answer");
    assert_eq!(seen.status.trouble, Some(operator::Trouble::InDoubt));
    assert_eq!(seen.status.cause.as_deref(), Some("play v1: outcome of `ask` is unknown"));
    gate.open();
    stage.until("it is completed", id, |row| row.state == "completed").await;
    let seen = Operator::of(node.client()).see(id).await.unwrap();
    assert_eq!((seen.status.trouble, seen.status.cause), (None, None));
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_step_of_ours_and_its_compensation_leave_attempts_that_are_not_in_doubt() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let part = Part::of([Line::Note("one".into(), Twist::SqlUndo), Line::Note("two".into(), Twist::Sql)]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.stuck(play.id()).await;
    let attempts = Operator::of(node.client()).attempts(play.id()).await.unwrap();
    let told: Vec<(i32, bool, i32)> =
        attempts.iter().map(|attempt| (attempt.position.index(), attempt.undo, attempt.number)).collect();
    assert_eq!(told, [(2, false, 1), (2, false, 2), (2, false, 3), (1, true, 1), (1, true, 2), (1, true, 3)]);
    assert!(attempts.iter().all(|attempt| !attempt.in_doubt && attempt.code.as_deref() == Some("sql 22012")));
    node.drain().await;
}

#[tokio::test]
async fn only_the_latest_attempts_of_a_saga_are_kept() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    stage.script.set(|asked| if asked.undo { Act::Lose } else { Act::Go });
    let part = Part::of([ask("flight"), Line::Fail("no".into())]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.stuck(play.id()).await;
    // As if it had been tried for weeks.
    let weeks = "insert into usher.attempts
            (saga_id, bucket, epoch, position, undo, number, node, began_at, ended_at, error, in_doubt)
        select saga_id, bucket, -n, position, undo, number, node, began_at, ended_at, error, in_doubt
        from usher.attempts, generate_series(1, 300) as n
        where number = 1";
    sqlx::query(weeks).execute(&stage.pool).await.unwrap();
    act(&node, play.id(), Action::RetryNow).await.unwrap();
    let thrice_more = |row: &SagaRow| row.state == "stuck" && row.attempts == 3 && row.journal_len > 5;
    stage.until("it is stuck again", play.id(), thrice_more).await;
    let attempts = Operator::of(node.client()).attempts(play.id()).await.unwrap();
    assert_eq!(attempts.len(), 200);
    let latest: Vec<i32> = attempts[194..].iter().map(|attempt| attempt.number).collect();
    assert_eq!(latest, [1, 2, 3, 1, 2, 3]);
    node.drain().await;
}
