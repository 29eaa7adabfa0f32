//! The audit's chain of hashes holds, and shows where somebody has changed it.

use super::act;
use operator::{Action, audit};
use rstest::rstest;
use tests::play::{Line, Part, Play, Stage};

#[rstest]
#[case::changed("update usher.audit set reason = 'nothing happened' where seq = 2", 2, "the row was changed")]
#[case::taken_out("delete from usher.audit where seq = 2", 2, "rows are missing")]
#[case::cut_off("delete from usher.audit where seq > 1", 2, "the last rows are missing")]
#[tokio::test]
async fn a_forged_audit_row_is_found(#[case] forgery: &'static str, #[case] seq: i64, #[case] why: &str) {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    for action in [Action::Pause, Action::Resume, Action::Pause] {
        act(&node, play.id(), action).await.unwrap();
    }
    let mut connection = stage.pool.acquire().await.unwrap();
    let verified = audit::verify(&mut connection).await.unwrap();
    assert_eq!((verified.rows, verified.unchained, verified.breaks.len()), (3, 0, 0), "{verified:?}");

    sqlx::query(forgery).execute(&mut *connection).await.unwrap();
    let verified = audit::verify(&mut connection).await.unwrap();
    let [found] = &verified.breaks[..] else { panic!("one chain is broken: {verified:?}") };
    assert_eq!((found.bucket, found.seq, found.why), (play.id().bucket().number(), seq, why));
    node.drain().await;
}
