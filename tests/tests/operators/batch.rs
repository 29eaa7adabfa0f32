//! One action on many sagas: what goes first, what came of each, and when it stops by itself.

use super::{LONG, Working, ada, grace};
use futures_util::{StreamExt, stream};
use operator::{
    Action, Batch, BatchId, BatchState, Filter, ItemResult, Limits, NewBatch, Operator, OperatorError,
    Results,
};
use orchestrator::{Engine, SagaId, State};
use std::time::Duration;
use tests::{
    play::{ASK_MINOR, Act, Line, Part, Play, Stage, ask, note},
    support::wait_until,
};

/// Sagas that are stuck, as a batch asks for them.
pub fn stuck() -> Filter {
    Filter { status: Some(State::Stuck), ..Filter::default() }
}

/// Starts plays and waits until all are stuck, because the desk answers for the hotel what can't be true. Gives them
/// oldest first. The desk answers well from then on.
pub async fn make_stuck(stage: &Stage, node: &Engine, plays: usize) -> Vec<SagaId> {
    /// As many as the lanes take without a queue.
    const AT_ONCE: usize = 100;
    stage.script.set(|asked| if asked.what == "hotel" && !asked.undo { Act::Lie } else { Act::Go });
    let start = async || {
        let part = Part::of([note("one"), ask("hotel")]);
        node.client().start::<Play>(part).await.unwrap().id()
    };
    let starting = stream::iter(0..plays).map(|_| start()).buffer_unordered(AT_ONCE);
    let mut sagas: Vec<SagaId> = starting.collect().await;
    sagas.sort_unstable();
    wait_until("all are stuck", LONG, async || {
        let stuck = "select count(*) from usher.sagas where state = 'stuck'";
        let stuck: i64 = sqlx::query_scalar(stuck).fetch_one(&stage.pool).await.unwrap();
        (stuck == plays as i64).then_some(())
    })
    .await;
    stage.script.set(|_| Act::Go);
    sagas
}

/// Waits until a batch meets this condition.
pub async fn until(node: &Engine, id: BatchId, what: &str, wanted: impl Fn(&Batch) -> bool) -> Batch {
    let operator = Operator::of(node.client());
    wait_until(what, LONG, async || Some(operator.batch(id).await.unwrap()).filter(|batch| wanted(batch)))
        .await
}

/// Starts a batch.
pub async fn start(node: &Engine, filter: Filter, action: Action) -> BatchId {
    let new = NewBatch::new(filter, action, ada());
    Operator::of(node.client()).start_batch(BatchId::random(), new).await.unwrap().id
}

/// How often this batch acted on each of these.
pub async fn times_acted(stage: &Stage, id: BatchId) -> Vec<i64> {
    let acted = "select count(*) from usher.audit where detail ->> 'batch' = $1 group by saga_id";
    sqlx::query_scalar(acted).bind(id.to_string()).fetch_all(&stage.pool).await.unwrap()
}

#[tokio::test]
async fn a_batch_mends_every_saga_and_says_so_of_each() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let _working = Working::beside(&node);
    let sagas = make_stuck(&stage, &node, 23).await;
    let operator = Operator::of(node.client());
    let new = NewBatch::new(stuck(), Action::RetryNow, ada());
    let preview = operator.preview_batch(&new).await.unwrap();
    assert_eq!((preview.count, preview.capped, preview.sample.len()), (23, false, 10));

    let id = BatchId::random();
    let batch = operator.start_batch(id, new.clone()).await.unwrap();
    assert_eq!((batch.items, batch.state), (23, BatchState::Canary));
    let done = until(&node, id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!(done.results, Results { mended: 23, ..Results::default() });
    assert_eq!(done.round, 3, "5, 10, 8");
    let items = operator.batch_items(id, Some(ItemResult::Mended), None, 100).await.unwrap();
    let mut listed: Vec<SagaId> = items.iter().map(|item| item.saga).collect();
    listed.sort_unstable();
    assert_eq!(listed, sagas);
    let page = operator.batch_items(id, None, Some(20), 100).await.unwrap();
    assert_eq!(page.iter().map(|item| item.number).collect::<Vec<_>>(), [21, 22, 23]);
    assert_eq!(times_acted(&stage, id).await, [1; 23]);

    let again = operator.start_batch(id, new).await.unwrap();
    assert_eq!((again.state, again.items), (BatchState::Done, 23), "the same id is the same batch");
    let events = "select action from usher.audit where saga_id = $1 and bucket = $2 order by seq";
    let events: Vec<String> = sqlx::query_scalar(events)
        .bind(id.uuid())
        .bind(id.bucket().number())
        .fetch_all(&stage.pool)
        .await
        .unwrap();
    assert_eq!(events, ["batch_start", "batch_done"]);
    let mut connection = stage.pool.acquire().await.unwrap();
    let verified = operator::audit::verify(&mut connection).await.unwrap();
    assert!(verified.breaks.is_empty(), "{verified:?}");
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_canary_stops_a_batch_that_mends_nothing_after_five() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let _working = Working::beside(&node);
    make_stuck(&stage, &node, 20).await;
    stage.script.set(|_| Act::Lie);
    let id = start(&node, stuck(), Action::RetryNow).await;
    let batch = until(&node, id, "it stops", |batch| batch.state == BatchState::Stopped).await;
    assert_eq!(batch.results, Results { stuck_again: 5, waiting: 15, ..Results::default() });
    assert_eq!(
        batch.why.as_deref(),
        Some("100 % of the last 5 came to a bad end (5 stuck again, 0 failed), more than 20 %")
    );
    assert_eq!(times_acted(&stage, id).await, [1; 5]);

    // The desk answers well again, and somebody resumes the batch: it begins with a canary again, and leaves out
    // those that got stuck again.
    stage.script.set(|_| Act::Go);
    Operator::of(node.client()).resume_batch(id, ada()).await.unwrap();
    let done = until(&node, id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!(done.results, Results { stuck_again: 5, mended: 15, ..Results::default() });
    assert_eq!(times_acted(&stage, id).await, [1; 20]);
    node.drain().await;
}

#[tokio::test]
async fn a_batch_stops_in_the_round_in_which_too_many_get_stuck_again() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let _working = Working::beside(&node);
    let sagas = make_stuck(&stage, &node, 60).await;
    // Newest first: the canary and the round of ten go well, and then nothing does.
    let well = sagas[45..].to_vec();
    stage.script.set(move |asked| if well.contains(&asked.saga) { Act::Go } else { Act::Lie });
    let id = start(&node, stuck(), Action::RetryNow).await;
    let batch = until(&node, id, "it stops", |batch| batch.state == BatchState::Stopped).await;
    assert_eq!(batch.results, Results { mended: 15, stuck_again: 20, waiting: 25, ..Results::default() });
    assert_eq!(batch.round, 3);
    node.drain().await;
}

#[tokio::test]
async fn what_the_state_of_a_saga_does_not_allow_is_refused_with_the_reason_and_does_not_stop_the_others() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let _working = Working::beside(&node);
    let mut sagas = make_stuck(&stage, &node, 12).await;
    let over = node.client().start::<Play>(Part::of([note("one")])).await.unwrap().id();
    stage.until("it is over", over, |row| row.state == "completed").await;
    sagas.push(over);
    let filter = Filter { ids: sagas, ..Filter::default() };
    let id = start(&node, filter, Action::RetryNow).await;
    let done = until(&node, id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!(done.results, Results { mended: 12, refused: 1, ..Results::default() });
    let operator = Operator::of(node.client());
    let refused = operator.batch_items(id, Some(ItemResult::Refused), None, 10).await.unwrap();
    let [refused] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((refused.saga, refused.why.as_deref()), (over, Some("the saga is completed")));
    assert_eq!((refused.acted_at, refused.settled_at.is_some()), (None, true));
    assert_eq!(stage.audited(over, "retry_now").await, 0);
    node.drain().await;
}

#[tokio::test]
async fn a_canary_that_is_refused_altogether_stops_the_batch() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let _working = Working::beside(&node);
    make_stuck(&stage, &node, 8).await;
    let id = start(&node, stuck(), Action::WriteOff).await;
    let batch = until(&node, id, "it stops", |batch| batch.state == BatchState::Stopped).await;
    assert_eq!(batch.results, Results { refused: 5, waiting: 3, ..Results::default() });
    assert!(times_acted(&stage, id).await.is_empty());
    node.drain().await;
}

#[tokio::test]
async fn a_saga_that_is_still_being_retried_when_the_time_is_over_is_acted_on_without_a_verdict() {
    let stage = Stage::set().await;
    let bound = Duration::from_millis(300);
    let node = stage.node("node").await;
    let _working = Working::by(Operator::of(node.client()).with_verdict_within(bound));
    make_stuck(&stage, &node, 6).await;
    // The desk asks to be called later: the sagas are neither stuck nor mended.
    stage.script.set(|_| Act::Later(Duration::from_secs(20)));
    let id = start(&node, stuck(), Action::RetryNow).await;
    let batch = until(&node, id, "it stops", |batch| batch.state == BatchState::Stopped).await;
    assert_eq!(batch.results, Results { acted: 5, waiting: 1, ..Results::default() });
    let why = batch.why.unwrap();
    assert!(why.starts_with("none of the first 5 was seen to go on"), "{why}");
    node.drain().await;
}

#[tokio::test]
async fn what_is_all_that_was_wanted_settles_at_once() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let _working = Working::beside(&node);
    let mut sagas = Vec::new();
    for _ in 0..7 {
        let part = Part::of([Line::Wait(600_000)]);
        sagas.push(node.client().start::<Play>(part).await.unwrap().id());
    }
    let waiting = Filter { status: Some(State::Waiting), ..Filter::default() };
    let id = start(&node, waiting, Action::Pause).await;
    let done = until(&node, id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!(done.results, Results { mended: 7, ..Results::default() });
    for saga in sagas {
        assert_eq!(stage.row(saga).await.unwrap().due_at, None, "it is paused");
    }
    node.drain().await;
}

#[tokio::test]
async fn a_batch_that_moves_much_money_waits_for_a_second_person() {
    let stage = Stage::set().await;
    let limits = Limits { second_person_above_minor: Some(2 * ASK_MINOR) };
    let node = stage.node("node").await;
    make_stuck(&stage, &node, 3).await;
    let operator = Operator::of(node.client()).with_limits(limits);
    let _working = Working::by(operator.clone());
    let new = NewBatch::new(stuck(), Action::RetryNow, ada());
    assert!(operator.preview_batch(&new).await.unwrap().second_person);
    let batch = operator.start_batch(BatchId::random(), new.clone()).await.unwrap();
    assert_eq!(batch.state, BatchState::AwaitingConsent);
    let same = operator.consent_batch(batch.id, ada()).await;
    assert!(matches!(same, Err(OperatorError::SamePerson(_))), "{same:?}");
    let paused = operator.pause_batch(batch.id, ada()).await;
    let Err(OperatorError::NotAllowed { allowed, .. }) = paused else { panic!("{paused:?}") };
    assert_eq!(allowed, ["batch_consent", "batch_cancel"]);
    assert!(times_acted(&stage, batch.id).await.is_empty());

    operator.consent_batch(batch.id, grace()).await.unwrap();
    let done = until(&node, batch.id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!((done.results.mended, done.consented_by.as_deref()), (3, Some("grace")));
    let names = "select distinct detail ->> 'consented_by' from usher.audit where action = 'retry_now'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&stage.pool).await.unwrap();
    assert_eq!(names, ["grace"]);
    node.drain().await;
}

#[tokio::test]
async fn what_makes_no_sense_for_many_is_refused_before_there_is_a_batch() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = Operator::of(node.client());
    let rewind = Action::Rewind { to: serde_json::from_value(2.into()).unwrap() };
    let resolve = Action::MarkResolved { output: super::json("[]") };
    for action in [rewind, resolve] {
        let new = NewBatch::new(stuck(), action, ada());
        let refused = operator.start_batch(BatchId::random(), new).await;
        assert!(matches!(refused, Err(OperatorError::NotAllowed { .. })), "{refused:?}");
    }
    let anonymous = NewBatch {
        by: operator::By { actor: " ".into(), ..ada() },
        ..NewBatch::new(stuck(), Action::RetryNow, ada())
    };
    let refused = operator.start_batch(BatchId::random(), anonymous).await;
    assert!(matches!(refused, Err(OperatorError::Anonymous)), "{refused:?}");
    assert!(operator.batches(None, 10).await.unwrap().is_empty());
    node.drain().await;
}
