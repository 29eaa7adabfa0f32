//! The `usher` program as people run it: real processes, real servers.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use dev::{Postgres, PostgresOptions, Redis, RedisOptions, Scratch};
use serde_json::{Value, json};
use sqlx::Connection;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here may take; a program that hangs must not hang the tests.
const BOUND: Duration = Duration::from_secs(30);

/// Servers of one test.
struct House {
    postgres: Postgres,
    redis: Redis,
    _scratch: Scratch,
}

/// A running program; killed when dropped.
struct Running(Child);

impl House {
    async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let scratch = Scratch::new().unwrap();
        let services = scratch.path().join("services");
        let mut options = PostgresOptions::in_dir(&services);
        options.durable = false;
        let postgres = Postgres::start(options).await.unwrap();
        let redis = Redis::start(RedisOptions::in_dir(&services)).await.unwrap();
        Self { postgres, redis, _scratch: scratch }
    }

    fn usher(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(arguments).env("USHER_DATABASE_URL", self.postgres.url("postgres"));
        command.env("USHER_REDIS_URL", self.redis.url()).env("USHER_GATEWAY_KEY", "sk_test_usher");
        command.env("USHER_HTTP_LISTEN", "127.0.0.1:0");
        command
    }

    /// Runs a command to its end.
    fn run(&self, arguments: &[&str]) -> Output {
        self.usher(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and gives what it prints.
    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.prints(arguments)).unwrap()
    }
}

impl Running {
    /// Starts a program and waits for a line of its log or output that has `word`; gives that line.
    fn start(mut command: Command, word: &str) -> (Self, String) {
        command.env("USHER_LOG_FORMAT", "json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Self(command.spawn().unwrap());
        let (found, lines) = std::sync::mpsc::channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(running.0.stdout.take().unwrap()), Box::new(running.0.stderr.take().unwrap())];
        for output in outputs {
            let found = found.clone();
            // Reads to the end, so that the program never waits for a full pipe.
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = found.send(line);
                }
            });
        }
        let began = Instant::now();
        let mut seen = Vec::new();
        while let Ok(line) = lines.recv_timeout(BOUND.saturating_sub(began.elapsed())) {
            if line.contains(word) {
                return (running, line);
            }
            seen.push(line);
        }
        panic!("no line has `{word}`: {seen:#?}");
    }

    fn terminate(&self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// How it ends, within the bound that operators are promised.
    async fn ends(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(25), "it does not leave");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The address in a node's log line.
fn address(line: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap();
    format!("http://{}", line["address"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_node_and_a_worker_book_together_and_leave_when_told() {
    let house = House::open().await;
    let early = house.run(&["serve"]);
    assert_eq!(early.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&early.stderr).contains("usher migrate"), "{early:?}");
    house.prints(&["migrate"]);
    house.prints(&["venue", "generate", "theatre"]);
    let customer = ["token", "create", "--role", "customer", "--name", "Ada", "--email", "ada@example.org"];
    let token = house.prints(&customer).trim().to_owned();

    let (gateway, line) = Running::start(house.usher(&["gateway"]), "listening on");
    let gateway_url = line.split_whitespace().last().unwrap().to_owned();
    let node = |arguments: &[&str]| {
        let mut command = house.usher(arguments);
        command.env("USHER_GATEWAY_URL", &gateway_url).env("USHER_LANES_POLL_MS", "50");
        command
    };
    let (mut api, line) = Running::start(node(&["serve", "--no-lanes"]), "serving the API");
    let url = address(&line);
    let (mut worker, _) = Running::start(node(&["serve", "--no-http"]), "running sagas");

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
        leaving.terminate();
        assert!(leaving.ends().await.success());
    }
    drop(gateway);
    let saga = reserved["saga_id"].as_str().unwrap();
    let shown = house.json(&["saga", "show", saga, "--json"]);
    assert_eq!(shown["timeline"][0]["kind"], "begun");
    assert!(house.prints(&["saga", "show", saga]).contains("done, decided"));
    assert_eq!(house.json(&["saga", "list", "--workflow", "booking", "--json"])[0]["id"], saga);
    assert_eq!(house.run(&["verify"]).status.code(), Some(0));
    let mut database = sqlx::PgConnection::connect(&house.postgres.url("postgres")).await.unwrap();
    sqlx::query("delete from booking.bookings").execute(&mut database).await.unwrap();
    assert_eq!(house.run(&["verify", "--json"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_why_a_saga_waits_and_moves_it_with_a_reason() {
    let house = House::open().await;
    house.prints(&["migrate"]);
    house.prints(&["venue", "generate", "theatre"]);
    let customer = ["token", "create", "--role", "customer", "--name", "Ada", "--email", "ada@example.org"];
    let token = house.prints(&customer).trim().to_owned();
    let (mut node, line) = Running::start(house.usher(&["serve"]), "serving the API");
    let (url, http) = (address(&line), reqwest::Client::new());
    let events: Value = http.get(format!("{url}/events")).send().await.unwrap().json().await.unwrap();
    let event = events["items"][0]["event_id"].as_str().unwrap();
    let seats: Value =
        http.get(format!("{url}/events/{event}/seats")).send().await.unwrap().json().await.unwrap();
    let ask = http.post(format!("{url}/reservations")).bearer_auth(&token).header("idempotency-key", "one");
    let body = json!({"seat_id": seats["seats"][0]["seat_id"]});
    let reserved: Value = ask.json(&body).send().await.unwrap().json().await.unwrap();
    let saga = reserved["saga_id"].as_str().unwrap();
    node.terminate();
    assert!(node.ends().await.success());

    assert!(house.prints(&["saga", "why", saga]).starts_with("waiting for payment order, "));
    let act = |arguments: &[&str]| house.run(&[&["saga", "act", saga], arguments].concat());
    assert_eq!(act(&["pause"]).status.code(), Some(2), "without a reason");
    let preview = act(&["cancel", "--reason", "she asked", "--preview", "--json"]);
    let plan: Value = serde_json::from_slice(&preview.stdout).unwrap();
    assert!(house.prints(&["saga", "why", saga]).starts_with("waiting"), "a preview changes nothing");

    assert!(act(&["pause", "--reason", "looking into it"]).status.success());
    assert!(house.prints(&["saga", "why", saga]).contains("looking into it"));
    let (etag, hash) = (plan["etag"].as_str().unwrap(), plan["hash"].as_str().unwrap());
    let stale = act(&["cancel", "--reason", "she asked", "--etag", etag, "--plan", hash]);
    assert_eq!(stale.status.code(), Some(1), "{stale:?}");
    assert!(act(&["resume", "--reason", "all is well"]).status.success());
    let cancelled = act(&["cancel", "--reason", "she asked"]);
    assert!(cancelled.status.success(), "{cancelled:?}");
    assert_eq!(act(&["extend", "2031-01-01T00:00:00Z", "--reason", "x"]).status.code(), Some(1));

    assert_eq!(house.run(&["audit", "verify"]).status.code(), Some(0));
    let mut database = sqlx::PgConnection::connect(&house.postgres.url("postgres")).await.unwrap();
    sqlx::query("update usher.audit set reason = 'another'").execute(&mut database).await.unwrap();
    assert_eq!(house.run(&["audit", "verify", "--json"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_nobody_can_act_on_is_settled_in_somebodys_name() {
    let house = House::open().await;
    house.prints(&["migrate"]);
    let mut database = sqlx::PgConnection::connect(&house.postgres.url("postgres")).await.unwrap();
    let stored = "insert into booking.inbox
            (provider, event_id, bucket, received_at, body, body_hash, state, kind, fact, occurred_at)
        values ('stripe', 'evt_1', 7, now() - interval '2 days', '', sha256(''), 'UNMATCHED', 'secured', '{}', now())";
    sqlx::query(stored).execute(&mut database).await.unwrap();
    assert_eq!(house.run(&["verify"]).status.code(), Some(1));
    let anonymous = house.run(&["inbox", "settle", "evt_1", "--reason", " ", "--by", "ada"]);
    assert_eq!(anonymous.status.code(), Some(2), "{anonymous:?}");
    let settle = ["inbox", "settle", "evt_1", "--reason", "another shop's", "--by", "ada"];
    assert_eq!(house.prints(&settle), "stripe/evt_1: settled\n");
    assert_eq!(house.run(&settle).status.code(), Some(1), "it is settled once");
    assert_eq!(house.json(&["inbox", "list", "--json"]), json!([]));
    let shown = house.json(&["inbox", "show", "evt_1", "--json"]).to_string();
    assert!(shown.contains("another shop's") && shown.contains("SETTLED"), "{shown}");
    assert_eq!(house.run(&["verify"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_says_so_before_it_closes_its_door() {
    let house = House::open().await;
    house.prints(&["migrate"]);
    let (mut node, line) = Running::start(house.usher(&["serve"]), "serving the API");
    let ready = format!("{}/readyz", address(&line));
    let http = reqwest::Client::new();
    assert_eq!(http.get(&ready).send().await.unwrap().status(), 200);
    node.terminate();
    let began = Instant::now();
    let status = loop {
        let answer = http.get(&ready).send().await.unwrap();
        if answer.status() != 200 || began.elapsed() > BOUND {
            break answer.status();
        }
    };
    assert_eq!(status, 503);
    assert!(node.ends().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_done_is_said_in_one_line_and_a_status() {
    let house = House::open().await;
    house.prints(&["migrate"]);
    let refused: [(&[&str], &str); 4] = [
        (&["token", "create", "--role", "operator"], "needs `--subject`"),
        (&["token", "create", "--role", "customer", "--name", "Ada"], "needs `--name` and `--email`"),
        (&["saga", "show", "01890a5d-ac96-774b-bcce-b302099a8057"], "there is no saga"),
        (&["config", "--config", "/none/such.toml"], "no configuration file at"),
    ];
    for (arguments, says) in refused {
        let output = house.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
        assert!(told.contains(says), "{told}");
    }
    let mut unreachable = house.usher(&["verify"]);
    unreachable.env("USHER_DATABASE_URL", "postgres://usher@127.0.0.1:1/usher");
    assert_eq!(unreachable.output().unwrap().status.code(), Some(2));
}

#[test]
fn every_setting_says_where_it_came_from_and_no_secret_is_told() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command
        .args(["config", "--json"])
        .env("USHER_GATEWAY_KEY", "sk_test_hunter2")
        .env("USHER_LANES_COUNT", "3");
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
