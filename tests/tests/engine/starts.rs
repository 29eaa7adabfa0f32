//! The same start again and again: one saga, whoever asks and wherever.

use futures_util::future::join_all;
use orchestrator::{BatchScope, Bucket, Ended, Engine, Handle, SagaId};
use rstest::rstest;
use std::{collections::HashSet, future::IntoFuture, time::Duration};
use tests::play::{Line, Part, Play, Stage, Twist, ask, note};

const LONG: Duration = Duration::from_secs(30);

/// Starts the same play from fifty clients at once, on both nodes by turns.
async fn fifty(nodes: [&Engine; 2], part: &Part, id: Option<SagaId>) -> Vec<Handle<Play>> {
    let start = |n: usize| {
        let request = nodes[n % 2].client().start::<Play>(part.clone());
        match id {
            Some(id) => request.id(id).into_future(),
            None => request.key("the same").into_future(),
        }
    };
    join_all((0..50).map(start)).await.into_iter().map(Result::unwrap).collect()
}

#[rstest]
#[tokio::test]
async fn fifty_times_at_once_is_one_saga(
    #[values(true, false)] by_key: bool,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let part = Part::of([note("here"), ask("room")]);
    let id = (!by_key).then(|| SagaId::new_in(Bucket::of_key(&part.house)));
    let plays = fifty([&one, &other], &part, id).await;

    let ids: HashSet<SagaId> = plays.iter().map(Handle::id).collect();
    assert_eq!(ids.len(), 1);
    for play in &plays {
        assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["room".into()]));
    }
    assert_eq!(plays.iter().filter(|play| !play.existing()).count(), 1, "one of them began it");
    assert_eq!(stage.sagas().await, 1);
    assert_eq!(stage.count_requests(plays[0].id(), "room", false).await, 1);

    let late = fifty([&one, &other], &part, id).await;
    assert!(late.iter().all(|play| play.existing() && play.id() == plays[0].id()));
    stage.verify().await;
    one.drain().await;
    other.drain().await;
}

#[rstest]
#[tokio::test]
async fn fifty_times_at_once_refused_is_fifty_refusals_and_no_row(#[values(true, false)] by_key: bool) {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let part = Part::of([Line::Note("no".into(), Twist::Refuse)]);
    let id = (!by_key).then(|| SagaId::new_in(Bucket::of_key(&part.house)));
    for play in fifty([&one, &other], &part, id).await {
        let ended = play.result(LONG).await.unwrap();
        assert!(matches!(ended, Ended::Unwound(_)), "{ended:?}");
    }
    assert_eq!(stage.sagas().await, 0);
    one.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn one_key_in_two_houses_is_two_sagas() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let start = |house: &str| {
        node.client().start::<Play>(Part::of([note("here")]).at(house)).key("the same").into_future()
    };
    let (one, other) = (start("one").await.unwrap(), start("other").await.unwrap());
    assert_ne!(one.id(), other.id());
    assert_eq!(stage.sagas().await, 2);
    node.drain().await;
}
