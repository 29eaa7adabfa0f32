//! Long sagas: thousands of steps in one journal, done, and undone from the latest to the first.

use orchestrator::{BatchScope, Cause, Ended, Settings};
use rstest::rstest;
use std::time::{Duration, Instant};
use tests::play::{Line, Part, Play, Stage, note};

/// Ten times what the test takes alone in a development build. Each stretch replays those before it, so the time
/// grows faster than the number of steps.
const MINUTE: Duration = Duration::from_secs(60);
const STEPS: usize = 4_000;

#[rstest]
#[tokio::test]
async fn thousands_of_steps_are_done_and_undone_within_a_minute(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let settings = Settings { journal_entries_max: 2 * STEPS + 10, ..stage.settings("node") };
    let node = stage.start(settings).await;
    for steps in [STEPS / 4, STEPS] {
        let mut lines = vec![note("one of many"); steps];
        lines.push(Line::Fail("enough".to_owned()));
        let began = Instant::now();
        let play = node.client().start::<Play>(Part::of(lines)).await.unwrap();
        let ended = play.result(MINUTE).await.unwrap();
        println!("{steps} steps: {:?}", began.elapsed());
        assert!(matches!(ended, Ended::Unwound(Cause::Rejected(_))), "{ended:?}");
    }
}
