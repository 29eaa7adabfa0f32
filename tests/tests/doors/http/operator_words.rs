//! The words of operators at the JSON API: every row of the table of actions is tried, and a wrong word is answered
//! with the right ones.

use super::{
    client::Service,
    operator::{Desk, waiting},
};
use api::http::auth::Role;
use operator::{ActionKind, ItemResult, Trouble};
use orchestrator::State;
use serde_json::{Value, json};
use service::operators::{ActionRow, OUTPUT_BYTES_MAX, Parameter, REASON_CHARS_MAX, action_rows, words};
use uuid::Uuid;

/// A body for this action under this word, with all its parameters or only with those that it needs.
fn body(row: ActionRow, word: &str, only_needed: bool) -> Value {
    let mut body = json!({"action": word, "reason": "why not"});
    for takes in row.takes.iter().filter(|takes| takes.is_required || !only_needed) {
        body[takes.parameter.name()] = match takes.parameter {
            Parameter::Output => json!({"a": 1}),
            Parameter::DownTo | Parameter::To => json!(1),
            Parameter::Until => json!(chrono::Utc::now() + chrono::TimeDelta::minutes(20)),
        };
    }
    body
}

fn error(problem: &Value) -> (&str, &str) {
    let error = &problem["errors"][0];
    (error["pointer"].as_str().unwrap(), error["detail"].as_str().unwrap())
}

#[tokio::test]
async fn every_action_of_the_table_is_understood_and_a_slip_is_told_which_there_are() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Operator, "olga").await;
    for row in action_rows() {
        for word in [row.kind.name(), row.word].iter().chain(row.old_words) {
            for only_needed in [true, false] {
                let answer = desk.preview(&saga, body(row, word, only_needed)).await;
                let status = answer.status.as_u16();
                assert!(status == 200 || status == 409, "{word}: {answer:?}");
            }
        }
        for needed in row.takes.iter().filter(|takes| takes.is_required) {
            let mut body = body(row, row.word, true);
            body.as_object_mut().unwrap().remove(needed.parameter.name());
            let problem = desk.preview(&saga, body).await.problem(422, "validation");
            assert_eq!(error(&problem), (&*format!("/{}", needed.parameter.name()), "is missing"));
        }
        let id = Uuid::now_v7();
        let mut many = body(row, row.word, true);
        (many["id"], many["filter"]) = (json!(id), json!({"status": "waiting"}));
        if row.takes.iter().all(|takes| takes.parameter != Parameter::To) {
            let answer = desk.posting("/operator/batches?preview=true", &many).send().await;
            let expected = if row.kind.is_for_many() { 200 } else { 409 };
            assert_eq!(answer.status.as_u16(), expected, "{}: {answer:?}", row.word);
        }
    }
    let slip = json!({"action": "explode", "reason": "why not"});
    let batch = json!({"id": Uuid::now_v7(), "filter": {}, "action": "explode", "reason": "why not"});
    let one = desk.preview(&saga, slip).await.problem(422, "validation");
    let many = desk.posting("/operator/batches", &batch).send().await.problem(422, "validation");
    for problem in [one, many] {
        let (pointer, detail) = error(&problem);
        assert_eq!(pointer, "/action");
        for row in action_rows() {
            assert!(detail.contains(row.word), "no {} in {detail}", row.word);
        }
    }
    let shown = desk.saga(&saga).await;
    let allowed: Vec<&str> =
        shown["allowed"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(allowed, ActionKind::ALL.map(ActionKind::name));
}

#[tokio::test]
async fn every_word_of_a_filter_is_understood_and_a_slip_is_told_which_there_are() {
    let service = Service::start().await;
    let desk = Desk::of(&service, Role::Auditor, "eve").await;
    let found = async |field: &str, word: &str| {
        desk.get(&format!("/operator/sagas?{field}={word}")).await.is(200);
        desk.get(&format!("/operator/groups?{field}={word}")).await.is(200);
    };
    for state in words::STATES {
        found("status", state.as_str()).await;
    }
    for list in Trouble::ALL {
        found("trouble", list.as_str()).await;
        found("trouble", &list.as_str().replace('_', "-")).await;
    }
    for (slip, told) in [
        ("status=sad", words::STATES.map(State::as_str).join(", ")),
        ("trouble=stuk", Trouble::ALL.map(Trouble::as_str).join(", ")),
        ("cause=abc", "64 hexadecimal digits".into()),
        ("older_than=soon", "90s, 30m, 24h or 7d".into()),
    ] {
        let (field, word) = slip.split_once('=').unwrap();
        for list in ["sagas", "groups"] {
            let problem =
                desk.get(&format!("/operator/{list}?{slip}")).await.problem(400, "malformed-request");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(&told) && detail.contains(&format!("`{field}`")), "{detail}");
            assert!(detail.ends_with(&format!("and is \"{word}\"")), "{detail}");
        }
    }
    let items = format!("/operator/batches/{}/items?result=sad", Uuid::now_v7());
    let problem = desk.get(&items).await.problem(400, "malformed-request");
    let results = words::RESULTS.map(ItemResult::as_str).join(", ");
    assert!(problem["detail"].as_str().unwrap().contains(&results), "{problem:#}");
}

#[tokio::test]
async fn a_reason_and_an_output_have_their_bounds() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Operator, "olga").await;
    let etag = desk.saga(&saga).await["saga"]["etag"].as_str().unwrap().to_owned();
    let (longest, too_long) = ("ü".repeat(REASON_CHARS_MAX), "ü".repeat(REASON_CHARS_MAX + 1));
    let told = format!("must have at most {REASON_CHARS_MAX} characters, and has {}", REASON_CHARS_MAX + 1);
    let refused = |problem: Value| assert_eq!(error(&problem), ("/reason", &*told));
    let pause = |reason: &str| json!({"action": "pause", "reason": reason});
    refused(desk.act(&saga, &etag, pause(&too_long)).await.problem(422, "validation"));
    refused(desk.preview(&saga, pause(&too_long)).await.problem(422, "validation"));
    let batch = json!({"id": Uuid::now_v7(), "filter": {}, "action": "pause", "reason": too_long});
    refused(desk.posting("/operator/batches", &batch).send().await.problem(422, "validation"));
    for path in ["batches/{}/pause", "proposals/{}/consent"] {
        let path = format!("/operator/{}", path.replace("{}", &Uuid::now_v7().to_string()));
        refused(desk.posting(&path, &json!({"reason": too_long})).send().await.problem(422, "validation"));
    }
    let large = json!({"action": "set_output", "reason": "x", "output": "x".repeat(OUTPUT_BYTES_MAX)});
    let problem = desk.preview(&saga, large).await.problem(422, "validation");
    assert_eq!(error(&problem).0, "/output");
    desk.act(&saga, &etag, pause(&longest)).await.is(202);
}

#[test]
fn the_document_has_the_words_of_the_tables() {
    let document = serde_json::to_value(api::http::document()).unwrap();
    let names = json!(ActionKind::ALL.map(ActionKind::name));
    for body in ["NewAction", "NewBatch"] {
        let properties = &document["components"]["schemas"][body]["properties"];
        assert_eq!(properties["action"]["enum"], names, "{body}");
        assert_eq!(properties["reason"]["maxLength"], json!(REASON_CHARS_MAX), "{body}");
    }
    let properties = &document["components"]["schemas"]["NewAction"]["properties"];
    for parameter in Parameter::ALL {
        assert!(properties[parameter.name()]["description"].is_string(), "{}", parameter.name());
    }
    let filter = &document["components"]["schemas"]["SagaFilter"]["properties"];
    assert_eq!(filter["trouble"]["enum"], json!(Trouble::ALL.map(Trouble::as_str)));
    assert_eq!(filter["status"]["enum"], json!(words::STATES.map(State::as_str)));
}
