//! A second person and batches over HTTP.

use super::{
    client::{Answer, Service},
    operator::Desk,
    operator_lists::lied_to,
};
use api::http::auth::Role;
use serde_json::{Value, json};
use std::time::Duration;
use steps::gateway::instant::Act;
use tests::support::wait_until;
use uuid::Uuid;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// One stuck saga whose payment is more than one person may move, and two operators.
async fn dear(service: &Service) -> (String, Desk<'_>, Desk<'_>) {
    let saga = lied_to(service, "dear", 1).await.pop_first().unwrap();
    service.gateway.script(|_| Act::Go);
    let (olga, eric) =
        (Desk::of(service, Role::Operator, "olga").await, Desk::of(service, Role::Operator, "eric").await);
    (saga, olga, eric)
}

/// Proposes that the saga turns back, and gives the proposal.
async fn proposed(desk: &Desk<'_>, saga: &str) -> Value {
    let plan = desk.preview(saga, json!({"action": "cancel"})).await.is(200)["plan"].clone();
    assert!(!plan["money"].as_array().unwrap().is_empty(), "{plan:#}");
    let body = json!({"action": "cancel", "reason": "the bank says no", "plan": plan["hash"]});
    let answer = desk.act(saga, text(&plan["etag"]), body).await.is(202);
    assert!(answer.get("plan").is_none(), "{answer:#}");
    answer["proposal"].clone()
}

#[tokio::test]
async fn what_moves_much_money_waits_for_a_second_person_who_gets_exactly_that_done() {
    let service = Service::with(&[("USHER_OPERATORS_SECOND_PERSON_ABOVE_MINOR", "1000")]).await;
    let (saga, olga, eric) = dear(&service).await;
    let auditor = Desk::of(&service, Role::Auditor, "eve").await;
    let before = olga.saga(&saga).await["saga"]["etag"].clone();
    let proposal = proposed(&olga, &saga).await;
    assert_eq!(
        (&proposal["state"], &proposal["actor"], &proposal["action"]),
        (&json!("open"), &json!("olga"), &json!("cancel"))
    );
    assert_eq!(olga.saga(&saga).await["saga"]["etag"], before, "nothing was done");
    let again = proposed(&olga, &saga).await;
    assert_eq!(again["id"], proposal["id"], "asked twice is one proposal");

    let path = format!("/operator/proposals/{}", text(&proposal["id"]));
    let reason = json!({"reason": "seen the statement"});
    let decide = async |desk: &Desk<'_>, how: &str, body: &Value| -> Answer {
        desk.posting(&format!("{path}/{how}"), body).send().await
    };
    decide(&olga, "consent", &reason).await.problem(403, "second-person-required");
    for how in ["consent", "decline"] {
        decide(&auditor, how, &reason).await.problem(403, "forbidden");
        decide(&eric, how, &json!({})).await.problem(422, "validation");
        decide(&eric, how, &json!({"reason": " "})).await.problem(422, "validation");
    }
    let open = auditor.get("/operator/proposals?open=true").await.is(200);
    assert_eq!(open["items"][0]["id"], proposal["id"]);

    let done = decide(&eric, "consent", &reason).await.is(202);
    assert_eq!(done["plan"]["action"], "cancel");
    decide(&eric, "consent", &reason).await.problem(409, "proposal-closed");
    decide(&olga, "decline", &reason).await.problem(409, "proposal-closed");
    let closed = auditor.get(&path).await.is(200);
    assert_eq!((&closed["state"], &closed["decided_by"]), (&json!("consented"), &json!("eric")));
    assert_eq!(auditor.get("/operator/proposals?open=true").await.is(200)["items"], json!([]));
    assert_eq!(auditor.get("/operator/proposals").await.is(200)["items"].as_array().unwrap().len(), 1);
    service.until_count("it is unwound", "select count(*) from usher.sagas where state = 'unwound'", 1).await;
    auditor.get("/operator/proposals/01890a5d-ac96-774b-bcce-b302099a8057").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_proposal_whose_saga_has_changed_is_not_done_and_one_may_be_declined() {
    let service = Service::with(&[("USHER_OPERATORS_SECOND_PERSON_ABOVE_MINOR", "1000")]).await;
    let (saga, olga, eric) = dear(&service).await;
    let proposal = proposed(&olga, &saga).await;
    let path = format!("/operator/proposals/{}", text(&proposal["id"]));
    let reason = json!({"reason": "not so fast"});
    let etag = text(&olga.saga(&saga).await["saga"]["etag"]).to_owned();
    eric.act(&saga, &etag, json!({"action": "pause", "reason": "wait"})).await.is(202);
    let late = eric.posting(&format!("{path}/consent"), &reason).send().await;
    late.problem(412, "precondition-failed");
    assert_eq!(service.count("select count(*) from usher.audit where action = 'cancel'").await, 0);
    let declined = eric.posting(&format!("{path}/decline"), &reason).send().await.is(200);
    assert_eq!((&declined["state"], &declined["decided_why"]), (&json!("declined"), &json!("not so fast")));
}

/// A batch as it is, once it is in this state.
async fn batch(desk: &Desk<'_>, id: Uuid, state: &str) -> Value {
    wait_until(&format!("the batch is {state}"), LONG, async || {
        let batch = desk.get(&format!("/operator/batches/{id}")).await.is(200);
        (batch["state"] == state).then_some(batch)
    })
    .await
}

#[tokio::test]
async fn a_batch_mends_what_it_was_previewed_for_and_starting_it_twice_is_one() {
    let service = Service::start().await;
    let sagas = lied_to(&service, "many", 7).await;
    service.gateway.script(|_| Act::Go);
    let olga = Desk::of(&service, Role::Operator, "olga").await;
    let auditor = Desk::of(&service, Role::Auditor, "eve").await;
    let id = Uuid::now_v7();
    let new = json!({
        "id": id, "filter": {"trouble": "stuck"}, "action": "cancel", "reason": "the gateway lied", "canary": 2,
    });
    let preview = olga.posting("/operator/batches?preview=true", &new).send().await.is(200);
    assert_eq!((&preview["count"], &preview["capped"]), (&json!(7), &json!(false)));
    assert_eq!(preview["second_person"], false);
    assert!(text(&preview["sample"][0]["line"]).starts_with("pay contradicted"));
    assert_eq!(
        auditor.get("/operator/batches").await.is(200)["items"],
        json!([]),
        "a preview starts nothing"
    );
    auditor.posting("/operator/batches", &new).send().await.problem(403, "forbidden");

    let started = olga.posting("/operator/batches", &new).send().await;
    assert_eq!(started.is(202)["items"], 7);
    assert_eq!(started.header("location"), format!("/operator/batches/{id}"));
    let again = olga.posting("/operator/batches", &new).send().await.is(202);
    assert_eq!(again["id"], id.to_string());
    let mut other = new.clone();
    other["action"] = json!("pause");
    let pointer = olga.posting("/operator/batches", &other).send().await.problem(422, "validation");
    assert_eq!(pointer["errors"][0]["pointer"], "/id");

    let done = batch(&auditor, id, "done").await;
    assert_eq!((&done["results"]["mended"], &done["actor"]), (&json!(7), &json!("olga")));
    let items = auditor.get(&format!("/operator/batches/{id}/items?limit=4")).await;
    let link = items.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    let rest = auditor.get(&link).await.is(200);
    let acted: std::collections::BTreeSet<String> = items.is(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .chain(rest["items"].as_array().unwrap())
        .map(|item| text(&item["saga"]).to_owned())
        .collect();
    assert_eq!(acted, sagas);
    let none = auditor.get(&format!("/operator/batches/{id}/items?result=failed")).await.is(200);
    assert_eq!(none["items"], json!([]));
    auditor.get(&format!("/operator/batches/{id}/items?result=sad")).await.problem(400, "malformed-request");
    assert_eq!(auditor.get("/operator/batches").await.is(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(service.count("select count(*) from usher.audit where action = 'cancel'").await, 7);
    let over = olga.posting(&format!("/operator/batches/{id}/pause"), &json!({"reason": "x"})).send().await;
    over.problem(409, "action-not-allowed");
}

#[tokio::test]
async fn a_dear_batch_waits_for_consent_and_a_wrong_one_is_not_made() {
    let service = Service::with(&[("USHER_OPERATORS_SECOND_PERSON_ABOVE_MINOR", "1000")]).await;
    lied_to(&service, "dear", 2).await;
    service.gateway.script(|_| Act::Go);
    let (olga, eric) =
        (Desk::of(&service, Role::Operator, "olga").await, Desk::of(&service, Role::Operator, "eric").await);
    let (id, reason) = (Uuid::now_v7(), json!({"reason": "as agreed"}));
    let new =
        json!({"id": id, "filter": {"status": "stuck"}, "action": "cancel", "reason": "the gateway lied"});
    assert_eq!(olga.posting("/operator/batches", &new).send().await.is(202)["state"], "awaiting_consent");
    let steer = async |desk: &Desk<'_>, how: &str| {
        desk.posting(&format!("/operator/batches/{id}/{how}"), &reason).send().await
    };
    steer(&olga, "consent").await.problem(403, "second-person-required");
    steer(&olga, "resume").await.problem(409, "action-not-allowed");
    assert_eq!(steer(&eric, "consent").await.is(200)["consented_by"], "eric");
    batch(&olga, id, "done").await;

    let wrong = async |field: &str, value: Value| {
        let mut body = json!({"id": Uuid::now_v7(), "filter": {}, "action": "pause", "reason": "x"});
        body[field] = value;
        let problem = olga.posting("/operator/batches", &body).send().await.problem(422, "validation");
        text(&problem["errors"][0]["pointer"]).to_owned()
    };
    assert_eq!(
        wrong("id", json!("0fd5bd5f-6a1c-4b8e-9d6c-111111111111")).await,
        "/id",
        "it must tell the time"
    );
    assert_eq!(wrong("id", Value::Null).await, "/id");
    assert_eq!(wrong("filter", json!({"trouble": "sad"})).await, "/filter/trouble");
    assert_eq!(wrong("filter", json!({"state": "stuck"})).await, "/filter/state", "a slip is not `any`");
    assert_eq!(wrong("filter", json!({"q": "nobody@example.org"})).await, "/filter/q", "and not every saga");
    assert_eq!(wrong("reason", json!("")).await, "/reason");
    assert_eq!(wrong("canary", json!(0)).await, "/canary");
    assert_eq!(wrong("stop_at_error_rate", json!(1.5)).await, "/stop_at_error_rate");
    let one_only = json!({"id": Uuid::now_v7(), "filter": {}, "action": "rewind", "to": 2, "reason": "x"});
    olga.posting("/operator/batches", &one_only).send().await.problem(409, "action-not-allowed");
    let gone = format!("/operator/batches/{}", Uuid::now_v7());
    olga.get(&gone).await.problem(404, "not-found");
    olga.get(&format!("{gone}/items")).await.problem(404, "not-found");
}
