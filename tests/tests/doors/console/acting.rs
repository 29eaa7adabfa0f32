//! Acting by plain forms: a preview, one button, and the answer to those who come too late.

use super::{
    stage::Stage,
    visitor::{OURS, Visitor},
};
use api::http::auth::Role;
use orchestrator::SagaId;
use reqwest::Method;

/// Previews an action, and gives the fields that its button sends.
async fn previewed(
    visitor: &Visitor<'_>,
    saga: SagaId,
    action: &str,
    more: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut fields = vec![("reason", "the gateway was called by phone")];
    fields.extend(more);
    let page = visitor.post(&format!("/console/sagas/{saga}/actions/{action}"), &fields).await.is(200);
    assert!(page.text.contains("Nothing has been done"), "{}", page.text);
    let names = ["reason", "etag", "plan"].iter().chain(more.iter().map(|(name, _)| name));
    names.map(|name| ((*name).to_owned(), page.field(name))).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn actions(stage: &Stage, saga: SagaId) -> Vec<String> {
    let query =
        "select actor || ' ' || action from usher.audit where saga_id = $1 and actor <> 'engine' order by at";
    sqlx::query_scalar(query).bind(saga.uuid()).fetch_all(&stage.pool).await.unwrap()
}

#[tokio::test]
async fn an_action_is_previewed_done_once_and_stands_in_the_audit() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    stage.tell_the_truth();
    let grace = stage.visitor(Role::Operator, "grace").await;
    let fields = previewed(&grace, saga, "compensate", &[]).await;
    assert!(actions(&stage, saga).await.is_empty(), "a preview does nothing");

    let address = format!("/console/sagas/{saga}/actions/compensate/do");
    let done = grace.post(&address, &borrowed(&fields)).await.is(303);
    assert_eq!(done.header("location"), format!("/console/sagas/{saga}?did=compensate"));
    grace.get(done.header("location")).await.is(200).says("Compensate</strong>: done.");
    // The same button is pressed again.
    let late = grace.post(&address, &borrowed(&fields)).await.is(412).says("The saga has changed");
    late.says("Preview again");
    stage.until(saga, "unwound").await;
    assert_eq!(actions(&stage, saga).await, ["grace compensate"]);
    grace.get(&format!("/console/audit?saga={saga}")).await.is(200).says("the gateway was called by phone");
}

#[tokio::test]
async fn of_two_operators_the_second_is_told_what_the_first_did() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let hedy = stage.visitor(Role::Operator, "hedy").await;
    let of_grace = previewed(&grace, saga, "pause", &[]).await;
    let of_hedy = previewed(&hedy, saga, "compensate", &[]).await;
    grace.post(&format!("/console/sagas/{saga}/actions/pause/do"), &borrowed(&of_grace)).await.is(303);
    hedy.post(&format!("/console/sagas/{saga}/actions/compensate/do"), &borrowed(&of_hedy)).await.is(412);
    assert_eq!(actions(&stage, saga).await, ["grace pause"]);
    hedy.post(&format!("/console/sagas/{saga}/actions/pause"), &[("reason", "me too")])
        .await
        .is(409)
        .says("it is already paused")
        .says("Resume");
}

#[tokio::test]
async fn rows_that_changed_under_the_same_saga_are_shown_and_nothing_is_done() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let fields = previewed(&grace, saga, "compensate", &[]).await;
    sqlx::query(
        "update booking.reservations set reserved_until = reserved_until + interval '1 hour' where id = $1",
    )
    .bind(saga.uuid())
    .execute(&stage.pool)
    .await
    .unwrap();
    let address = format!("/console/sagas/{saga}/actions/compensate/do");
    grace.post(&address, &borrowed(&fields)).await.is(409).says("The action would do something else now");
    assert!(actions(&stage, saga).await.is_empty());
}

#[tokio::test]
async fn a_write_without_this_sessions_proof_or_from_elsewhere_does_nothing() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let hedy = stage.visitor(Role::Operator, "hedy").await;
    let (fields, proof, others) =
        (previewed(&grace, saga, "pause", &[]).await, grace.proof().await, hedy.proof().await);
    let address = format!("/console/sagas/{saga}/actions/pause/do");
    let attempt = async |proof: Option<&str>, headers: &[(&str, &str)]| {
        let mut fields = borrowed(&fields);
        fields.extend(proof.map(|proof| ("proof", proof)));
        grace.send(Method::POST, &address, &fields, headers).await.status
    };
    assert_eq!(attempt(None, &OURS).await, 403);
    assert_eq!(attempt(Some(""), &OURS).await, 403);
    assert_eq!(attempt(Some(&others), &OURS).await, 403);
    assert_eq!(attempt(Some(&proof), &[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(attempt(Some(&proof), &[("sec-fetch-site", "same-site")]).await, 403);
    assert_eq!(attempt(Some(&proof), &[("origin", "https://evil.example")]).await, 403);
    assert!(actions(&stage, saga).await.is_empty());
    // Over plain HTTP, browsers send only `Origin: null`. Then the proof alone decides.
    assert_eq!(attempt(Some(&proof), &[("origin", "null")]).await, 303);
    let nobody = Visitor::new(&stage);
    assert_eq!(nobody.send(Method::POST, &address, &borrowed(&fields), &OURS).await.status, 401);
    assert_eq!(actions(&stage, saga).await, ["grace pause"]);
}

#[tokio::test]
async fn a_form_that_is_not_filled_in_comes_back_as_it_was_sent() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let address = format!("/console/sagas/{saga}/actions/set_output");
    let back = grace.post(&address, &[("output", "{ no"), ("reason", "typed <b>by</b> hand")]).await.is(422);
    back.says("must be JSON").says("{ no").says("typed &lt;b&gt;by&lt;/b&gt; hand");
    grace
        .post(&format!("/console/sagas/{saga}/actions/pause"), &[("reason", " ")])
        .await
        .is(422)
        .says("say why");
    let without =
        grace.post(&format!("/console/sagas/{saga}/actions/pause/do"), &[("reason", "at once")]).await;
    without.is(400).says("nothing is done without a preview");
}
