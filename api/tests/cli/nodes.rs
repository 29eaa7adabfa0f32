//! Nodes, from their start to their end, and the commands beside them.

use super::{
    running::{BOUND, Running},
    world::{World, program, serving},
};
use serde_json::{Value, json};
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn an_api_node_and_a_worker_book_together_and_leave_when_told() {
    let world = World::empty().await.with_redis().await;
    let early = world.run(&["serve"]);
    assert_eq!(early.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&early.stderr).contains("usher migrate"), "{early:?}");
    world.prints(&["migrate"]);
    let token = world.theatre_and_customer("Ada");

    let gateway = Running::logging(world.usher(&["gateway"]));
    let line = gateway.line_with("listening on");
    let gateway_url = line.split_whitespace().last().unwrap().to_owned();
    let node = |arguments: &[&str]| {
        let mut command = world.usher(arguments);
        command.env("USHER_GATEWAY_URL", &gateway_url).env("USHER_LANES_POLL_MS", "50");
        command
    };
    let (mut api, url) = serving(node(&["serve", "--no-lanes"]));
    let mut worker = Running::logging(node(&["serve", "--no-http"]));
    worker.line_with("running sagas");

    let http = reqwest::Client::new();
    let events: Value = http.get(format!("{url}/events")).send().await.unwrap().json().await.unwrap();
    let event = events["items"][0]["event_id"].as_str().unwrap();
    let seats: Value =
        http.get(format!("{url}/events/{event}/seats")).send().await.unwrap().json().await.unwrap();
    let post = async |path: &str, body: Value| {
        let key = uuid::Uuid::now_v7().to_string();
        let ask = http.post(format!("{url}{path}")).bearer_auth(&token).header("idempotency-key", key);
        let answer = ask.header("prefer", "wait=15").json(&body).timeout(BOUND).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body:#}");
        body
    };
    let reserved = post("/reservations", json!({"seat_id": seats["seats"][0]["seat_id"]})).await;
    post("/payments", json!({"reservation_id": reserved["reservation_id"], "method": "pm_card_visa"})).await;
    let booking = post("/bookings", json!({"reservation_id": reserved["reservation_id"]})).await;
    assert_eq!(booking["status"], "CONFIRMED");

    for leaving in [&mut api, &mut worker] {
        assert!(leaving.leaves("-TERM").success());
    }
    drop(gateway);
    let saga = reserved["saga_id"].as_str().unwrap();
    let shown = world.json(&["saga", "show", saga, "--json"]);
    assert_eq!(shown["timeline"][0]["kind"], "begun");
    let printed = world.prints(&["saga", "show", saga]);
    let price = steps::amount_in_words(reserved["amount"]["amount"].as_i64().unwrap(), "EUR");
    let moved = format!("captured {price}, refunded 0.00 EUR");
    assert!(printed.contains("done, decided") && printed.contains(&moved), "no `{moved}` in {printed}");
    assert_eq!(world.json(&["saga", "list", "--workflow", "booking", "--json"])[0]["id"], saga);
    assert_eq!(world.run(&["verify"]).status.code(), Some(0));
    let mut database = world.connect().await;
    sqlx::query("delete from booking.bookings").execute(&mut database).await.unwrap();
    assert_eq!(world.run(&["verify", "--json"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_why_a_saga_waits_and_moves_it_with_a_reason() {
    let world = World::open().await.with_redis().await;
    let token = world.theatre_and_customer("Ada");
    let (mut node, url) = serving(world.usher(&["serve"]));
    let http = reqwest::Client::new();
    let events: Value = http.get(format!("{url}/events")).send().await.unwrap().json().await.unwrap();
    let event = events["items"][0]["event_id"].as_str().unwrap();
    let seats: Value =
        http.get(format!("{url}/events/{event}/seats")).send().await.unwrap().json().await.unwrap();
    let ask = http.post(format!("{url}/reservations")).bearer_auth(&token).header("idempotency-key", "one");
    let body = json!({"seat_id": seats["seats"][0]["seat_id"]});
    let reserved: Value = ask.json(&body).send().await.unwrap().json().await.unwrap();
    let saga = reserved["saga_id"].as_str().unwrap();
    assert!(node.leaves("-TERM").success());

    assert!(world.prints(&["saga", "why", saga]).starts_with("waiting for payment order, "));
    let act = |arguments: &[&str]| world.run(&[&["saga", "act", saga], arguments].concat());
    assert_eq!(act(&["pause"]).status.code(), Some(2), "without a reason");
    let preview = act(&["cancel", "--reason", "she asked", "--preview", "--json"]);
    let plan: Value = serde_json::from_slice(&preview.stdout).unwrap();
    assert!(world.prints(&["saga", "why", saga]).starts_with("waiting"), "a preview changes nothing");

    assert!(act(&["pause", "--reason", "looking into it"]).status.success());
    assert!(world.prints(&["saga", "why", saga]).contains("looking into it"));
    let (etag, hash) = (plan["etag"].as_str().unwrap(), plan["hash"].as_str().unwrap());
    let stale = act(&["cancel", "--reason", "she asked", "--etag", etag, "--plan", hash]);
    assert_eq!(stale.status.code(), Some(1), "{stale:?}");
    assert!(act(&["resume", "--reason", "all is well"]).status.success());
    let cancelled = act(&["cancel", "--reason", "she asked"]);
    assert!(cancelled.status.success(), "{cancelled:?}");
    assert_eq!(act(&["extend", "2031-01-01T00:00:00Z", "--reason", "x"]).status.code(), Some(1));

    assert_eq!(world.run(&["audit", "verify"]).status.code(), Some(0));
    let mut database = world.connect().await;
    sqlx::query("update usher.audit set reason = 'another'").execute(&mut database).await.unwrap();
    assert_eq!(world.run(&["audit", "verify", "--json"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_nobody_can_act_on_is_settled_in_somebodys_name() {
    let world = World::open().await.with_redis().await;
    let mut database = world.connect().await;
    let stored = "insert into booking.inbox
            (provider, event_id, bucket, received_at, body, body_hash, state, kind, fact, occurred_at)
        values ('stripe', 'evt_1', 7, now() - interval '2 days', '', sha256(''), 'UNMATCHED', 'secured', '{}', now())";
    sqlx::query(stored).execute(&mut database).await.unwrap();
    assert_eq!(world.run(&["verify"]).status.code(), Some(1));
    let anonymous = world.run(&["inbox", "settle", "evt_1", "--reason", " ", "--by", "ada"]);
    assert_eq!(anonymous.status.code(), Some(2), "{anonymous:?}");
    let settle = ["inbox", "settle", "evt_1", "--reason", "another shop's", "--by", "ada"];
    assert_eq!(world.prints(&settle), "stripe/evt_1: settled\n");
    assert_eq!(world.run(&settle).status.code(), Some(1), "it is settled once");
    assert_eq!(world.json(&["inbox", "list", "--json"]), json!([]));
    let shown = world.json(&["inbox", "show", "evt_1", "--json"]).to_string();
    assert!(shown.contains("another shop's") && shown.contains("SETTLED"), "{shown}");
    assert_eq!(world.run(&["verify"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_listed_with_amounts_as_their_currency_is_written() {
    let world = World::open().await;
    let mut database = world.connect().await;
    let stored = "insert into booking.inbox
            (provider, event_id, bucket, received_at, body, body_hash, state, kind, fact, occurred_at, amount_minor, currency)
        select 'stripe', 'evt_' || currency, 7, now(), '', sha256(''), 'UNMATCHED', 'secured', '{}', now(), 3600, currency
        from unnest('{EUR,JPY,KWD}'::text[]) currency";
    sqlx::query(stored).execute(&mut database).await.unwrap();
    for command in [&["inbox", "list"][..], &["inbox", "show", "evt_EUR"], &["inbox", "show", "evt_KWD"]] {
        let shown = world.prints(command);
        assert!(shown.contains("36.00 EUR") || shown.contains("3.600 KWD"), "{shown}");
        assert!(!shown.contains("3600 EUR") && !shown.contains("3600 KWD"), "{shown}");
    }
    assert!(world.prints(&["inbox", "list"]).contains("3600 JPY"));
    assert_eq!(
        world.json(&["inbox", "list", "--json"])[0]["amount_minor"],
        3_600,
        "machines get minor units"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_says_so_before_it_closes_its_door() {
    let world = World::open().await.with_redis().await;
    let (mut node, url) = serving(world.usher(&["serve"]));
    let ready = format!("{url}/readyz");
    let http = reqwest::Client::new();
    assert_eq!(http.get(&ready).send().await.unwrap().status(), 200);
    node.signal("-TERM");
    let began = Instant::now();
    let status = loop {
        let answer = http.get(&ready).send().await.unwrap();
        if answer.status() != 200 || began.elapsed() > BOUND {
            break answer.status();
        }
    };
    assert_eq!(status, 503);
    assert!(node.ends().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_done_is_said_in_one_line_and_a_status() {
    let world = World::open().await.with_redis().await;
    let refused: [(&[&str], &str); 4] = [
        (&["token", "create", "--role", "operator"], "needs `--subject`"),
        (&["token", "create", "--role", "customer", "--name", "Ada"], "needs `--name` and `--email`"),
        (&["saga", "show", "01890a5d-ac96-774b-bcce-b302099a8057"], "there is no saga"),
        (&["config", "--config", "/none/such.toml"], "no configuration file at"),
    ];
    for (arguments, says) in refused {
        let output = world.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
        assert!(told.contains(says), "{told}");
    }
    let mut unreachable = world.usher(&["verify"]);
    unreachable.env("USHER_DATABASE_URL", "postgres://usher@127.0.0.1:1/usher");
    assert_eq!(unreachable.output().unwrap().status.code(), Some(2));
}

#[test]
fn every_setting_says_where_it_came_from_and_no_secret_is_told() {
    let mut command = program(&["config", "--json"]);
    command.env("USHER_GATEWAY_KEY", "sk_test_hunter2").env("USHER_LANES_COUNT", "3");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !text.contains("hunter2"), "{text}");
    let settings: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of = |key: &str| settings.iter().find(|setting| setting["key"] == key).unwrap().clone();
    assert_eq!(
        (&of("lanes.count")["value"], &of("lanes.count")["source"]),
        (&json!("3"), &json!("USHER_LANES_COUNT"))
    );
    assert_eq!(of("gateway.key")["value"], "********");
    assert_eq!(of("lanes.poll_ms")["source"], "default");
}
