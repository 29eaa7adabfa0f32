//! The live stream: it brings what has changed, and ends when it must.

use super::stage::{LONG, Stage};
use api::http::auth::Role;
use reqwest::Response;
use tests::support::wait_until;
use tokio::time::timeout;

async fn open(stage: &Stage, cookie: &str, page: &str) -> Response {
    let request = stage.http.get(stage.url("/console/live")).query(&[("page", page)]);
    request.header("cookie", cookie).send().await.unwrap()
}

/// Reads until `words` come; false if the stream ends before.
async fn hears(stream: &mut Response, words: &str) -> bool {
    let mut heard = String::new();
    let listening = async {
        while let Ok(Some(bytes)) = stream.chunk().await {
            heard.push_str(&String::from_utf8_lossy(&bytes));
            if heard.contains(words) {
                return true;
            }
        }
        false
    };
    timeout(LONG, listening).await.unwrap_or_else(|_| panic!("waited in vain for `{words}`"))
}

#[tokio::test]
async fn what_changes_comes_by_itself() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let cookie = grace.cookie.lock().unwrap().clone();
    let answer = open(&stage, &cookie, &format!("/console/sagas/{saga}")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer;
    assert!(hears(&mut stream, "\"id\":\"why\"").await);
    stage.tell_the_truth();
    let operator = stage.service.operator();
    let by = operator::By { actor: "grace".into(), reason: "test".into() };
    let action = operator::Action::Compensate { down_to: None };
    let etag = operator.see(saga).await.unwrap().etag;
    let expected = operator::Expected { etag, plan_hash: None };
    operator.execute(saga, action, by, expected).await.unwrap();
    assert!(hears(&mut stream, "state unwound").await);
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_the_node() {
    let stage = Stage::set().await;
    let (grace, hedy) =
        (stage.visitor(Role::Operator, "grace").await, stage.visitor(Role::Auditor, "hedy").await);
    let cookies = [grace, hedy].map(|visitor| visitor.cookie.lock().unwrap().clone());
    let mut of_grace = open(&stage, &cookies[0], "/console").await;
    let mut of_hedy = open(&stage, &cookies[1], "/console").await;
    assert!(hears(&mut of_grace, "event: at").await && hears(&mut of_hedy, "event: at").await);
    sqlx::query("update booking.tokens set revoked_at = now() where subject = 'grace'")
        .execute(&stage.pool)
        .await
        .unwrap();
    assert!(hears(&mut of_grace, "event: signed-out").await);
    assert!(!hears(&mut of_grace, "never said").await, "it ends");
    stage.service.begin_draining();
    assert!(!hears(&mut of_hedy, "never said").await, "it ends");
    stage.strike().await;
}

#[tokio::test]
async fn there_are_only_so_many_streams_and_none_without_a_session() {
    let stage = Stage::set().await;
    assert_eq!(open(&stage, "", "/console").await.status(), 401);
    let grace = stage.visitor(Role::Operator, "grace").await;
    let cookie = grace.cookie.lock().unwrap().clone();
    assert_eq!(open(&stage, &cookie, "/console/nowhere").await.status(), 404);
    let mut held = Vec::new();
    let refused = loop {
        let answer = open(&stage, &cookie, "/console/sign-out-is-no-page").await;
        assert_eq!(answer.status(), 404);
        let answer = open(&stage, &cookie, "/console").await;
        if answer.status() != 200 {
            break answer;
        }
        held.push(answer);
        assert!(held.len() <= 64, "there is no end to them");
    };
    assert_eq!((held.len(), refused.status().as_u16()), (64, 429));
    drop(held);
    wait_until("a place is free again", LONG, async || {
        (open(&stage, &cookie, "/console").await.status() == 200).then_some(())
    })
    .await;
}
