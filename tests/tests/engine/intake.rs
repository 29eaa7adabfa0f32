//! Backpressure: a full queue refuses, and what it refuses leaves nothing.

use futures_util::FutureExt;
use orchestrator::{Bucket, ClientError, Ended, SagaId, Settings};
use std::{future::IntoFuture, time::Duration};
use tests::{
    play::{Part, Play, Stage, note},
    support::Hold,
};

#[tokio::test]
async fn a_full_intake_refuses_the_fifth_start_and_leaves_no_row_of_it() {
    let stage = Stage::set().await;
    let engine = stage.start(Settings { intake_max: 4, ..stage.settings("node") }).await;
    let node = engine.node().to_owned();
    let hold = Hold::at("lane-gathered", &node);
    engine.client().nudge(SagaId::new_in(Bucket::of_key("nobody"))).await;
    hold.reached().await;

    let start = || engine.client().start::<Play>(Part::of([note("here")])).into_future();
    let mut four: Vec<_> = (0..4).map(|_| start()).collect();
    assert!(four.iter_mut().all(|start| start.now_or_never().is_none()), "four fit into the queue");
    let fifth = start().now_or_never().expect("a refusal needs no wait");
    assert!(matches!(fifth, Err(ClientError::Overloaded(_))));

    hold.release();
    for start in four {
        let ended = start.await.unwrap().result(Duration::from_secs(20)).await.unwrap();
        assert_eq!(ended, Ended::Completed(vec![]));
    }
    assert_eq!(stage.sagas().await, 4);
    let again = start().await.unwrap().result(Duration::from_secs(20)).await.unwrap();
    assert_eq!(again, Ended::Completed(vec![]), "there is room again");
    stage.verify().await;
    engine.drain().await;
}
