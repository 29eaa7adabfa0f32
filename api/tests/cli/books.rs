//! `usher reconcile`, `usher case` and the roles of `usher migrate`, as people and scripts run them.

use super::world::World;
use dev::gateway::{Config, serve};
use serde_json::{Value, json};
use std::process::Output;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A migrated database of its own, served as the app role, and a gateway.
struct Books {
    world: World,
    gateway: String,
    http: reqwest::Client,
    stop: Option<DropGuard>,
}

impl Books {
    async fn open() -> Self {
        let world = World::empty().await.with_user("ada");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(serve(Config::default(), listener, stop.clone().cancelled_owned()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let books = Self { world, gateway, http, stop: Some(stop.drop_guard()) };
        let migrated = books.as_owner(&["migrate", "--app-role", "usher_app", "--read-role", "usher_read"]);
        assert!(migrated.status.success(), "{migrated:?}");
        books
    }

    fn run_as(&self, role: &str, arguments: &[&str]) -> Output {
        self.world.usher_as(role, arguments).env("USHER_GATEWAY_URL", &self.gateway).output().unwrap()
    }

    fn as_owner(&self, arguments: &[&str]) -> Output {
        self.run_as("usher", arguments)
    }

    /// Runs a command that must end with this status, and gives what it prints.
    #[track_caller]
    fn ends(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run_as("usher_app", arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap() + &said
    }

    #[track_caller]
    fn json(&self, status: i32, arguments: &[&str]) -> Value {
        let output = self.run_as("usher_app", arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let ask = self.http.post(format!("{}{path}", self.gateway)).bearer_auth("sk_test_usher");
        let ask = if path.starts_with("/control") { ask.json(&json!({})) } else { ask.form(form) };
        ask.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Charges a card at the gateway without us.
    async fn charge(&self) -> String {
        let order = [
            ("amount", "700"),
            ("currency", "eur"),
            ("payment_method", "pm_card_visa"),
            ("capture_method", "automatic"),
        ];
        let made = self.post("/v1/payment_intents", &order).await;
        let intent = made["id"].as_str().unwrap().to_owned();
        self.post(&format!("/v1/payment_intents/{intent}/confirm"), &[]).await;
        intent
    }
}

/// A reconciliation in which no payment is too young to be compared.
const NOW: &[&str] = &["reconcile", "--since", "1h", "--settled-after", "0s"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [NOW, more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_learn_from_the_status_whether_the_books_agree() {
    let mut books = Books::open().await;
    let clean = books.json(0, &with(&["--json"]));
    assert_eq!(
        (&clean["complete"], &clean["compared"], &clean["classes"]),
        (&json!(true), &json!(0), &json!([]))
    );
    assert_eq!(clean["gateway"], "stripe");

    let intent = books.charge().await;
    let found = books.json(1, &with(&["--json"]));
    let class = json!({"class": "unknown-payment", "currency": "EUR", "count": 1, "ours_minor": 0, "theirs_minor": 700});
    assert_eq!(found["classes"], json!([class]));
    assert_eq!(
        found["differences"],
        json!([{
            "class": "unknown-payment", "reference": intent, "payment_id": null, "reservation_id": null,
            "currency": "EUR", "ours_minor": 0, "theirs_minor": 700,
            "what": "the gateway has 7.00 EUR, and no payment of ours is known by it",
            "safe_action": "if it names a payment of ours, we have lost it: give the money back, \
                `usher case give-back <id> --reason …`; else find out who charged it, and refund it in the gateway's dashboard",
        }])
    );
    let keys: Vec<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "cases_vanished",
        "classes",
        "compared",
        "complete",
        "differences",
        "gateway",
        "reached",
        "since",
        "truncated",
        "until",
    ];
    assert_eq!(
        keys.iter().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(),
        expected
    );
    let shown = books.ends(1, NOW);
    assert!(shown.contains("7.00 EUR") && !shown.contains("700"), "{shown}");
    assert!(
        shown.contains("unknown-payment") && shown.contains("refund it in the gateway's dashboard"),
        "{shown}"
    );
    let young = books.ends(0, &["reconcile", "--since", "1h"]);
    assert!(young.contains("in-flight"), "{young}");
    let verified = books.ends(0, &["verify", "--gateway", "--since", "1h"]);
    assert!(verified.contains("booking-without-money"), "{verified}");

    drop(books.stop.take());
    let away = books.ends(2, NOW);
    assert!(away.contains("the books were compared until") && away.contains("go on with `--since"), "{away}");
    assert_eq!(
        books.json(0, &["case", "list", "--json"]).as_array().unwrap().len(),
        1,
        "nothing is resolved blindly"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_listed_shown_and_settled_with_a_name_and_a_reason() {
    let books = Books::open().await;
    books.charge().await;
    books.ends(1, NOW);
    let listed = books.json(0, &["case", "list", "--class", "unknown-payment", "--json"]);
    let id = listed[0]["id"].as_str().unwrap();
    let shown = books.ends(0, &["case", "show", id]);
    assert!(shown.contains("docs/operating.md#unknown-payment") && shown.contains("7.00 EUR"), "{shown}");
    assert!(!shown.contains("700"), "minor units: {shown}");
    let told = books.ends(2, &["case", "tell", id, "--reason", "a lost webhook?"]);
    assert!(told.contains("find out who charged it"), "{told}");
    books.ends(2, &["case", "resolve", id, "--reason", " "]);
    let settled = books.json(0, &["case", "resolve", id, "--reason", "the box office's own", "--json"]);
    let said = (&settled["state"], &settled["resolved_by"], &settled["how"], &settled["note"]);
    assert_eq!(said, (&json!("RESOLVED"), &json!("ada"), &json!("settled"), &json!("the box office's own")));
    books.ends(2, &["case", "resolve", id, "--reason", "again"]);
    assert_eq!(books.json(0, &["case", "list", "--json"]), json!([]));
    assert_eq!(books.json(0, &["case", "list", "--all", "--json"]).as_array().unwrap().len(), 1);
    // The difference is still there, so it is a new case.
    books.ends(1, NOW);
    assert_ne!(books.json(0, &["case", "list", "--json"])[0]["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_again_keeps_the_roles_and_the_app_role_may_not_migrate() {
    let books = Books::open().await;
    let again = books.as_owner(&["migrate"]);
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        again.status.success()
            && said.contains("`usher_app` may serve")
            && said.contains("`usher_read` may read")
    );
    assert_eq!(books.run_as("usher_read", &["verify"]).status.code(), Some(0));
    assert_eq!(books.run_as("usher_read", &["case", "list"]).status.code(), Some(0));
    let refused = books.run_as("usher_app", &["migrate", "--app-role", "usher_app"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let wrong = books.as_owner(&["migrate", "--app-role", "x; drop table"]);
    assert_eq!(wrong.status.code(), Some(2));
    let owner = books.as_owner(&["migrate", "--app-role", "usher"]);
    assert!(String::from_utf8_lossy(&owner.stderr).contains("its rights can't be limited"), "{owner:?}");
}
