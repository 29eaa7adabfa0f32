//! Everything wrong at once, from seeds: five that every run of the tests has, and those that once failed. And a rolling
//! restart under load.
//!
//! `usher-chaos` runs more of either, and longer.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use rstest::rstest;
use std::{path::PathBuf, time::Duration};
use tests::chaos::{self, Options, Outcome, Rolling};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long faults strike.
const LENGTH: Duration = Duration::from_secs(60);
/// A run keeps one core half busy and waits for the rest of its time.
static ROOM: Semaphore = Semaphore::const_new(2);
/// SIGTERMs in each run of the tests.
const TERMS: usize = 10;

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_usher-chaos").into()
}

fn keep() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos")
}

async fn run(seed: u64) -> Outcome {
    let _room = ROOM.acquire().await.unwrap();
    let (stop, is_loud) = (CancellationToken::new(), false);
    let options = Options { program: program(), seed, length: LENGTH, is_loud, keep: keep(), stop };
    chaos::run(&options).await.unwrap()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_all_comes_to_rest_by_itself(#[values(1, 2, 3, 4, 5)] seed: u64) {
    let outcome = run(seed).await;
    println!("{}", chaos::table(std::slice::from_ref(&outcome)));
    assert!(outcome.is_good(), "{}", outcome.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_that_once_failed_do_not_fail_again() {
    for seed in chaos::kept_seeds() {
        let outcome = run(seed).await;
        assert!(outcome.is_good(), "{}", outcome.story());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request_and_leaves_no_lease() {
    let _room = ROOM.acquire().await.unwrap();
    let (stop, is_loud) = (CancellationToken::new(), false);
    let rolling = Rolling { program: program(), terms: TERMS, is_loud, keep: keep(), stop };
    let rolled = chaos::roll(&rolling).await.unwrap();
    println!("{}", rolled.story());
    assert!(rolled.is_good(), "{}", rolled.story());
}
