//! Nodes that die: before and after every commit and every call, with whole stretches and cut ones. Others finish.

use crate::{
    losses::quarantined_for_good,
    worker::{Death, Worker},
};
use futures_util::future::join_all;
use orchestrator::{Bucket, SagaId, StuckCause};
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::{Kept, Line, Part, Stage, Twist, ask, decide, note},
    support::wait_until,
};
use tokio::sync::Semaphore;

const LONG: Duration = Duration::from_secs(60);
/// More than the places at which a worker of any play can die.
const DEATHS_MAX: usize = 60;
/// Processes at once: more would only wait for each other.
const AT_ONCE: usize = 3;

/// A play that goes well, with everything in it.
fn there() -> Vec<Line> {
    vec![
        note("one"),
        ask("flight"),
        note("two"),
        ask("hotel"),
        decide("sold"),
        ask("car"),
        Line::Touch("bell".into()),
        note("end"),
    ]
}

/// A play that turns back at its end.
fn and_back() -> Vec<Line> {
    vec![
        note("one"),
        ask("flight"),
        Line::Touch("bell".into()),
        note("two"),
        ask("hotel"),
        Line::Fail("no".into()),
    ]
}

fn kept(notes: &[&str], bookings: &[&str]) -> Kept {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Kept { notes: owned(notes), bookings: owned(bookings) }
}

/// Lets workers die at the first, second, … hit of a point until one of them lives to see the end of its play.
async fn die_at(stage: &Stage, point: &str, stretch: u32, lines: &[Line], busy: &Semaphore) -> Vec<SagaId> {
    let mut sagas = Vec::new();
    for hits in 0..DEATHS_MAX {
        let _turn = busy.acquire().await.unwrap();
        let part = Part::of(lines.to_vec());
        let id = SagaId::new_in(Bucket::of_key(&part.house));
        let worker = Worker::on(stage, &format!("{point} {hits}")).blind().play(id, &part);
        let worker =
            worker.with("STRETCH", stretch).with("FAILPOINTS", format!("{point}={hits}*off->1*return"));
        sagas.push(id);
        if worker.spawn().ended().await == Death::Peaceful {
            assert!(hits > 2, "{point} was hit {hits} times only");
            return sagas;
        }
    }
    panic!("{point} is hit more than {DEATHS_MAX} times in one play");
}

#[rstest]
#[case::there_in_whole_stretches(there(), 64)]
#[case::there_in_cut_stretches(there(), 1)]
#[case::and_back_in_whole_stretches(and_back(), 64)]
#[case::and_back_in_cut_stretches(and_back(), 1)]
#[tokio::test]
async fn whenever_a_node_dies_another_finishes_its_play(#[case] lines: Vec<Line>, #[case] stretch: u32) {
    let stage = Stage::set().await;
    let busy = Semaphore::new(AT_ONCE);
    let points = ["lane-before-commit", "lane-after-commit", "call-before", "call-after"];
    let dying = points.iter().map(|point| die_at(&stage, point, stretch, &lines, &busy));
    let sagas: Vec<SagaId> = join_all(dying).await.concat();

    let survivor = Worker::on(&stage, "survivor").with("STRETCH", stretch).spawn();
    let restless = "select count(*) from usher.sagas where state not in ('completed', 'unwound')";
    wait_until("every play is at rest", LONG, async || {
        let restless: i64 = sqlx::query_scalar(restless).fetch_one(&stage.pool).await.unwrap();
        (restless == 0).then_some(())
    })
    .await;
    let mut never_begun = 0;
    for saga in &sagas {
        let row = stage.row(*saga).await;
        let expected = match row.as_ref().map(|row| row.state.as_str()) {
            Some("completed") => kept(&["one", "two", "sold", "end"], &["bell", "car", "flight", "hotel"]),
            Some("unwound") => Kept::default(),
            None => {
                never_begun += 1;
                Kept::default()
            }
            Some(state) => panic!("{saga} is {state}"),
        };
        assert_eq!(stage.kept(*saga).await, expected, "{row:?}");
    }
    assert_eq!(never_begun, 1, "only who died before the first commit of all left nothing");
    let doubled = "select count(*) from desk.requests group by saga, what, undo having count(*) > 2";
    let doubled: Vec<i64> = sqlx::query_scalar(doubled).fetch_all(&stage.pool).await.unwrap();
    assert!(doubled.is_empty(), "one death repeats a call once: {doubled:?}");
    stage.verify().await;
    drop(survivor);
}

#[rstest]
#[case::in_our_transaction(Line::Note("deadly".into(), Twist::Abort), 3)]
#[case::in_a_call(Line::Ask("deadly".into(), Twist::Abort), 4)]
#[tokio::test]
async fn a_step_that_kills_its_process_is_quarantined_after_three_claims_and_tried_three_times_more(
    #[case] deadly: Line,
    #[case] deaths: usize,
) {
    let stage = Stage::set().await;
    let part = Part::of([note("before"), deadly]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let mut connection = stage.pool.acquire().await.unwrap();
    orchestrator::Client::start_in::<tests::play::Play>(&mut connection, &part, id).await.unwrap();
    // As if whoever should have run it had died long ago.
    let long_ago = "update usher.sagas set due_at = now() - interval '1 hour' where state = 'running'";
    sqlx::query(long_ago).execute(&mut *connection).await.unwrap();
    drop(connection);

    let mut died = 0;
    let row = loop {
        let worker = Worker::on(&stage, &format!("victim {died}")).with("LEASE_MS", 150).spawn();
        tokio::select! {
            death = worker.ended() => assert_eq!(death, Death::Sudden),
            row = stage.until("the saga is stuck", id, |row| row.state == "stuck") => break row,
        }
        died += 1;
        assert!(died < 10, "it kills and kills: {:?}", stage.row(id).await);
    };
    let quarantined = serde_json::json!({ "quarantined": { "claims": 3 } });
    assert_eq!(serde_json::to_value(row.stuck).unwrap(), quarantined);
    assert_eq!(died, deaths);
    assert!(row.due_at.is_some(), "it is tried again, in case it was innocent");
    assert_eq!(stage.audited(id, "stuck").await, 1);

    let due = "update usher.sagas set due_at = now() where state = 'stuck'";
    sqlx::query(due).execute(&stage.pool).await.unwrap();
    let (died, row) = quarantined_for_good(&stage, id).await;
    assert_eq!((died, row.stuck), (3, Some(StuckCause::Quarantined { claims: 6 })));
    stage.verify().await;
}
