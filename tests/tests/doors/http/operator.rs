//! Operators at the JSON API: they see a saga whole, preview, and act on what they have seen.

use super::{
    booking::Customer,
    client::{Answer, Ask, Service},
    venue::event,
};
use api::http::auth::{Role, issue};
use axum::http::Method;
use serde_json::{Value, json};

/// Somebody at the desk.
pub struct Desk<'a> {
    service: &'a Service,
    token: String,
}

impl<'a> Desk<'a> {
    /// With a token of this role, whose subject this is.
    pub async fn of(service: &'a Service, role: Role, subject: &str) -> Self {
        let token = issue(&service.pool, role, subject, None).await.unwrap();
        Self { service, token: token.expose().to_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.service.get(path).token(&self.token).send().await
    }

    pub fn posting(&self, path: &str, body: &Value) -> Ask<'a> {
        self.service.ask(Method::POST, path).token(&self.token).json(body)
    }

    /// The saga as it is shown.
    pub async fn saga(&self, saga: &str) -> Value {
        self.get(&format!("/operator/sagas/{saga}")).await.is(200)
    }

    pub async fn preview(&self, saga: &str, body: Value) -> Answer {
        self.posting(&format!("/operator/sagas/{saga}/actions?preview=true"), &body).send().await
    }

    /// Acts on the version that was seen.
    pub async fn act(&self, saga: &str, seen: &str, body: Value) -> Answer {
        let ask = self.posting(&format!("/operator/sagas/{saga}/actions"), &body);
        ask.header("if-match", &format!("\"{seen}\"")).send().await
    }
}

/// A saga that waits for its customer to pay.
pub async fn waiting(service: &Service, seats: i16) -> String {
    let (_, seats) = event(service, "a long evening", seats).await;
    let ada = Customer::new(service).await;
    ada.reserve(&seats[..1]).await["saga_id"].as_str().unwrap().to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The counts that an action would change: of journal entries and of audit rows.
async fn traces(service: &Service) -> (i64, i64) {
    (
        service.count("select sum(journal_len) from usher.sagas").await,
        service.count("select count(*) from usher.audit").await,
    )
}

#[tokio::test]
async fn operators_act_auditors_only_read_and_others_see_nothing() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    let reads = [format!("/operator/sagas/{saga}"), "/operator/audit".to_owned()];
    let act = format!("/operator/sagas/{saga}/actions");
    let body = json!({"action": "pause", "reason": "looking into it"});
    let ada = Customer::new(&service).await;
    for path in &reads {
        service.get(path).send().await.problem(401, "unauthenticated");
        ada.get(path).await.problem(403, "forbidden");
    }
    ada.post(&act, body.clone()).await.problem(403, "forbidden");
    let shop = Desk::of(&service, Role::Service, "shop").await;
    let auditor = Desk::of(&service, Role::Auditor, "eve").await;
    for path in &reads {
        shop.get(path).await.problem(403, "forbidden");
        auditor.get(path).await.is(200);
    }
    let seen = auditor.saga(&saga).await;
    for desk in [&shop, &auditor] {
        let refused = desk.act(&saga, text(&seen["saga"]["etag"]), body.clone()).await;
        assert_eq!(refused.problem(403, "forbidden")["allowed"], json!(["operator"]));
        desk.preview(&saga, body.clone()).await.problem(403, "forbidden");
    }
    assert_eq!(auditor.saga(&saga).await["saga"]["etag"], seen["saga"]["etag"]);
}

#[tokio::test]
async fn a_saga_is_shown_whole_and_again_only_when_something_of_it_changed() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Operator, "olga").await;
    let path = format!("/operator/sagas/{saga}");
    let answer = desk.get(&path).await;
    let shown = answer.is(200);
    assert_eq!(shown["saga"]["why"]["why"], "waiting_for_signal");
    assert!(text(&shown["saga"]["line"]).starts_with("waiting for payment"), "{shown:#}");
    let kinds: Vec<&str> =
        shown["timeline"].as_array().unwrap().iter().map(|entry| text(&entry["kind"])).collect();
    assert_eq!(kinds, ["begun", "ended", "ended", "waiting"]);
    let allowed = shown["allowed"].as_array().unwrap();
    let of = |name| allowed.iter().find(|one| one["action"] == name).unwrap();
    assert_eq!(of("pause")["refused"], Value::Null);
    assert_eq!(of("resume")["refused"], "it is not paused");

    let tag = answer.header("etag").to_owned();
    let again = async || service.get(&path).token(&desk.token).header("if-none-match", &tag).send().await;
    again().await.is(304);
    // A letter changes what is shown, and not the saga's version.
    let letter = "insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, received_at)
        select id, bucket, 'signal', 'payment-news', 'nobody', '{}', now() from usher.sagas";
    sqlx::query(letter).execute(&service.pool).await.unwrap();
    let changed = again().await.is(200);
    assert_eq!(changed["saga"]["etag"], shown["saga"]["etag"]);
    assert_eq!(changed["letters"][0]["sender"], "nobody");
    // The answer's tag is accepted too as the version that was seen.
    let pause = desk.posting(&format!("{path}/actions"), &json!({"action": "pause", "reason": "a look"}));
    pause.header("if-match", &tag).send().await.is(202);
    let unknown = "/operator/sagas/01890a5d-ac96-774b-bcce-b302099a8057";
    desk.get(unknown).await.problem(404, "not-found");
    desk.get("/operator/sagas/one").await.problem(404, "not-found");
}

#[tokio::test]
async fn an_action_needs_a_reason_and_the_version_that_was_seen() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Operator, "olga").await;
    let etag = text(&desk.saga(&saga).await["saga"]["etag"]).to_owned();
    let before = traces(&service).await;
    let path = format!("/operator/sagas/{saga}/actions");
    let pause = json!({"action": "pause", "reason": "looking into it"});

    desk.posting(&path, &pause).send().await.problem(428, "precondition-required");
    desk.posting(&path, &pause).header("if-match", "*").send().await.problem(428, "precondition-required");
    let weak = desk.posting(&path, &pause).header("if-match", &format!("W/\"{etag}\"")).send().await;
    weak.problem(412, "precondition-failed");
    let stale = desk.act(&saga, "1-1-running", pause.clone()).await;
    stale.problem(412, "precondition-failed");
    assert_eq!(stale.header("etag"), format!("\"{etag}\""), "it says what the version is now");

    let pointers = async |body: Value| {
        let problem = desk.act(&saga, &etag, body).await.problem(422, "validation");
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|error| text(&error["pointer"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pointers(json!({"action": "pause"})).await, ["/reason"]);
    assert_eq!(pointers(json!({"action": "pause", "reason": "  "})).await, ["/reason"]);
    assert_eq!(pointers(json!({"action": "explode", "reason": "why not"})).await, ["/action"]);
    assert_eq!(pointers(json!({"reason": "why not"})).await, ["/action"]);
    assert_eq!(pointers(json!({"action": "rewind", "reason": "again"})).await, ["/to"]);
    assert_eq!(pointers(json!({"action": "rewind", "to": -1, "reason": "again"})).await, ["/to"]);
    assert_eq!(
        pointers(json!({"action": "pause", "until": "2031-01-01T00:00:00Z", "reason": "x"})).await,
        ["/until"]
    );
    assert_eq!(pointers(json!({"action": "extend", "until": "soon", "reason": "x"})).await, ["/until"]);
    assert_eq!(pointers(json!({"action": "pause", "reason": "x", "force": true})).await, ["/force"]);
    let not_now = desk.act(&saga, &etag, json!({"action": "write_off", "reason": "x"})).await;
    let allowed = not_now.problem(409, "action-not-allowed")["allowed"].clone();
    assert!(allowed.as_array().unwrap().contains(&json!("pause")), "{allowed}");
    assert_eq!(traces(&service).await, before, "nothing of all that left a trace");

    let done = desk.act(&saga, &etag, pause).await.is(202);
    assert_eq!(done["plan"]["paused"], true);
    let audit = desk.get(&format!("/operator/audit?saga={saga}")).await.is(200);
    let row = &audit["items"][0];
    assert_eq!(
        (text(&row["actor"]), text(&row["reason"])),
        ("olga", "looking into it"),
        "the token's subject"
    );
}

#[tokio::test]
async fn a_preview_does_nothing_and_only_what_it_said_is_done() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Operator, "olga").await;
    let before = traces(&service).await;
    let preview = desk.preview(&saga, json!({"action": "cancel"})).await.is(200);
    let plan = &preview["plan"];
    let seat = json!([{"things": {"name": "seats", "count": 1}}]);
    assert_eq!((&plan["frees"], &plan["state"]), (&seat, &json!("unwinding")), "once the lock is released");
    let tables: Vec<&str> =
        plan["touched"].as_array().unwrap().iter().map(|touched| text(&touched["table"])).collect();
    assert!(tables.contains(&"usher.audit"), "{tables:?}");
    assert_eq!(traces(&service).await, before, "nothing was done");
    assert_eq!(desk.saga(&saga).await["saga"]["etag"], plan["etag"]);

    let (etag, hash) = (text(&plan["etag"]), text(&plan["hash"]));
    // The hash of this plan, sent with another action.
    let other = desk.act(&saga, etag, json!({"action": "pause", "reason": "x", "plan": hash})).await;
    other.problem(409, "plan-changed");
    assert_eq!(traces(&service).await, before);
    // The saga is changed by somebody else in between.
    let eric = Desk::of(&service, Role::Operator, "eric").await;
    eric.act(&saga, etag, json!({"action": "pause", "reason": "wait"})).await.is(202);
    let late = desk.act(&saga, etag, json!({"action": "cancel", "reason": "she asked", "plan": hash})).await;
    late.problem(412, "precondition-failed");

    let stale =
        desk.posting(&format!("/operator/sagas/{saga}/actions?preview=true"), &json!({"action": "cancel"}));
    stale.header("if-match", &format!("\"{etag}\"")).send().await.problem(412, "precondition-failed");
    let plan = desk.preview(&saga, json!({"action": "cancel"})).await.is(200)["plan"].clone();
    let body = json!({"action": "cancel", "reason": "she asked", "plan": plan["hash"]});
    let done = desk.act(&saga, text(&plan["etag"]), body).await.is(202);
    assert_eq!(done["plan"]["hash"], plan["hash"]);
    assert_eq!(done["plan"]["state"], "unwinding");
}

#[tokio::test]
async fn a_double_click_and_a_second_operator_do_nothing_twice() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let (olga, eric) =
        (Desk::of(&service, Role::Operator, "olga").await, Desk::of(&service, Role::Operator, "eric").await);
    let etag = text(&olga.saga(&saga).await["saga"]["etag"]).to_owned();
    let cancel = json!({"action": "cancel", "reason": "she asked"});
    let answers = futures_util::future::join_all([
        olga.act(&saga, &etag, cancel.clone()),
        olga.act(&saga, &etag, cancel.clone()),
        eric.act(&saga, &etag, cancel.clone()),
    ])
    .await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 412, 412], "{answers:#?}");
    assert_eq!(service.count("select count(*) from usher.audit where action = 'cancel'").await, 1);
}

#[tokio::test]
async fn the_audit_is_read_page_by_page_and_by_what_is_looked_for() {
    let service = Service::start().await;
    let saga = waiting(&service, 2).await;
    service.leave().await;
    let (olga, eric) = (
        Desk::of(&service, Role::Operator, "olga & co").await,
        Desk::of(&service, Role::Operator, "eric").await,
    );
    for (desk, action) in [(&olga, "pause"), (&eric, "resume"), (&olga, "pause"), (&olga, "resume")] {
        let etag = text(&desk.saga(&saga).await["saga"]["etag"]).to_owned();
        desk.act(&saga, &etag, json!({"action": action, "reason": "as agreed"})).await.is(202);
    }
    let auditor = Desk::of(&service, Role::Auditor, "eve").await;
    let list = async |query: &str| auditor.get(&format!("/operator/audit{query}")).await;
    let items = async |query: &str| list(query).await.is(200)["items"].as_array().unwrap().len();
    assert_eq!(items("").await, 4);
    assert_eq!(items("?actor=eric").await, 1);
    assert_eq!(items("?action=pause").await, 2);
    assert_eq!(items(&format!("?saga={saga}&action=resume")).await, 2);
    assert_eq!(items("?saga=01890a5d-ac96-774b-bcce-b302099a8057").await, 0);
    list("?saga=one").await.problem(400, "malformed-request");
    list("?who=eric").await.problem(400, "malformed-request");

    let first = list("?actor=olga+%26+co&limit=2").await;
    let link = first.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    let second = auditor.get(&link).await.is(200);
    let actions = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| text(&row["action"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (actions(&first.json()), actions(&second)),
        (vec!["resume".into(), "pause".into()], vec!["pause".into()])
    );
    assert_eq!(second["next"], Value::Null);
}
