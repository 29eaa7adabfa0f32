//! `usher subscription` and `usher events tail` as people run them: real processes, a real server.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use dev::{Postgres, PostgresOptions, Scratch};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(30);
const SAGA: &str = "0199c0de-0000-7000-8000-000000000123";
const BUCKET: i16 = 0x123;

struct House {
    postgres: Postgres,
    _scratch: Scratch,
}

impl House {
    async fn open() -> Self {
        let scratch = Scratch::new().unwrap();
        let mut options = PostgresOptions::in_dir(scratch.path().join("services"));
        options.durable = false;
        let house = Self { postgres: Postgres::start(options).await.unwrap(), _scratch: scratch };
        house.prints(&["migrate"]);
        house
    }

    fn usher(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(arguments).env("USHER_DATABASE_URL", self.postgres.url("postgres"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.usher(arguments).output().unwrap()
    }

    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.prints(arguments)).unwrap()
    }

    /// What it says when it refuses.
    fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    async fn execute(&self, sql: &'static str) {
        let mut connection = PgConnection::connect(&self.postgres.url("postgres")).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    /// A saga tells something.
    async fn tell(&self, position: i32, kind: &str, seconds_ago: i32) {
        let mut connection = PgConnection::connect(&self.postgres.url("postgres")).await.unwrap();
        sqlx::query(
            "insert into usher.outbox (saga_id, bucket, position, kind, payload, created_at)
             values ($1::uuid, $2, $3, $4, json_build_object('booking_id', 'b-' || $3), now() - $5 * interval '1 second')",
        )
        .bind(SAGA)
        .bind(BUCKET)
        .bind(position)
        .bind(kind)
        .bind(seconds_ago)
        .execute(&mut connection)
        .await
        .unwrap();
    }
}

/// A program that goes on, and the lines that it prints; killed when dropped.
struct Following(Child, Receiver<String>);

impl Following {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (found, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).all(|line| found.send(line).is_ok()));
        Self(child, lines)
    }

    fn line(&self) -> String {
        self.1.recv_timeout(BOUND).expect("a line is printed")
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_added_listed_and_removed() {
    let house = House::open().await;
    let added =
        house.json(&["subscription", "add", "https://192.0.32.8/hooks", "--types", "a.b,c.d", "--json"]);
    let (id, secret) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let told = house.prints(&["subscription", "add", "https://192.0.32.8/other"]);
    assert!(told.contains("whsec_") && told.contains("this once"), "{told}");

    let listed = house.json(&["subscription", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["id"], &listed[0]["types"]), (&json!(id), &json!(["a.b", "c.d"])));
    assert_eq!(
        (&listed[0]["state"], &listed[0]["url"]),
        (&json!("well"), &json!("https://192.0.32.8/hooks"))
    );
    let table = house.prints(&["subscription", "list"]);
    assert!(table.contains(id) && table.contains("a.b c.d") && !table.contains("whsec_"), "{table}");
    assert!(!listed.to_string().contains("whsec_"), "a secret is shown once");

    house
        .execute("update booking.subscriptions set disabled_at = now(), disabled_because = 'it was tired'")
        .await;
    assert!(house.prints(&["subscription", "list"]).contains("it was tired"));
    house.prints(&["subscription", "enable", id]);
    assert_eq!(house.json(&["subscription", "list", "--json"])[0]["state"], "well");
    let removed = house.json(&["subscription", "remove", id, "--json"]);
    assert_eq!(removed, json!({"id": id, "dropped": 0}));
    for gone in ["remove", "enable"] {
        assert!(house.refuses(&["subscription", gone, id]).contains("there is no subscription"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_be_chosen_and_comes_by_standard_input() {
    let house = House::open().await;
    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let mut command = house.usher(&["subscription", "add", "https://192.0.32.8/", "--secret", "-", "--json"]);
    let mut adding = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(adding.stdin.take().unwrap(), "{secret}").unwrap();
    let added: Value = serde_json::from_slice(&adding.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(added["secret"], secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_subscribed_is_refused_in_words() {
    let house = House::open().await;
    for (arguments, says) in [
        (&["http://example.org/"][..], "only https is allowed"),
        (&["https://127.0.0.1/"], "is a private address"),
        (&["https://0x7f.1/"], "is a private address"),
        (&["https://localhost/"], "leads to private addresses only"),
        (&["https://user:pass@192.0.32.8/"], "user name or a password"),
        (&["example.org"], "is no URL"),
        (&["https://192.0.32.8/", "--types", "Booking Confirmed"], "is no type"),
        (&["https://192.0.32.8/", "--secret", "hunter2"], "a secret is `whsec_`"),
    ] {
        let said = house.refuses(&[&["subscription", "add"], arguments].concat());
        assert!(said.contains(says), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "a secret is never told");
    }
    let mut allowed = house.usher(&["subscription", "add", "http://localhost:1/"]);
    assert!(allowed.env("USHER_OUTBOX_PRIVATE_ADDRESSES", "allow").output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_shows_what_was_told_one_line_a_message() {
    let house = House::open().await;
    assert_eq!(house.prints(&["events", "tail"]), "");
    for (position, kind, ago) in
        [(1, "booking.confirmed", 7_200), (2, "booking.cancelled", 60), (3, "told", 30)]
    {
        house.tell(position, kind, ago).await;
    }
    let lines = house.prints(&["events", "tail"]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("booking.confirmed") && lines[0].contains("b-1"), "{lines:?}");
    let count = |arguments: &[&str]| house.prints(&[&["events", "tail"], arguments].concat()).lines().count();
    assert_eq!(count(&["-n", "2"]), 2);
    assert_eq!(count(&["--since", "1h"]), 2);
    assert_eq!(count(&["--since", "1d", "--type", "booking.confirmed,told"]), 2);
    assert_eq!(count(&["--saga", SAGA]), 3);
    assert_eq!(count(&["--saga", "0199c0de-0000-7000-8000-000000000124"]), 0);
    assert_eq!(count(&["--failed"]), 0);
    let event: Value = serde_json::from_str(&house.prints(&["events", "tail", "-n", "1", "--json"])).unwrap();
    assert_eq!(
        (&event["specversion"], &event["type"], &event["sagaid"]),
        (&json!("1.0"), &json!("told"), &json!(SAGA))
    );
    assert!(house.refuses(&["events", "tail", "--since", "yesterday"]).contains("30m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_follows_until_it_is_told_to_stop() {
    let house = House::open().await;
    house.tell(1, "told", 1).await;
    let mut following = Following::start(house.usher(&["events", "tail", "--follow", "--json"]));
    let number = |line: String| serde_json::from_str::<Value>(&line).unwrap()["data"]["booking_id"].clone();
    assert_eq!(number(following.line()), "b-1");
    house.tell(2, "told", 0).await;
    assert_eq!(number(following.line()), "b-2");
    // Committed later, though it began before.
    house.tell(3, "told", 5).await;
    assert_eq!(number(following.line()), "b-3");
    house.tell(4, "told", 0).await;
    assert_eq!(number(following.line()), "b-4", "none is told twice");
    let pid = following.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert!(following.0.wait().unwrap().success(), "Ctrl-C is a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_arrive_is_shown_with_its_reason() {
    let house = House::open().await;
    house.json(&["subscription", "add", "https://192.0.32.8/hooks", "--json"]);
    house.tell(1, "told", 7_200).await;
    house.tell(2, "told", 60).await;
    house
        .execute(
            "insert into booking.deliveries
                 (saga_id, bucket, position, ordinal, subscription_id, decided_at, due_at, attempts, last_error, failed_at)
             select m.saga_id, m.bucket, m.position, m.ordinal, s.id, m.created_at,
                    case m.position when 2 then now() end, 7, 'answered 500', case m.position when 1 then now() end
             from usher.outbox m, booking.subscriptions s",
        )
        .await;
    let failed = house.prints(&["events", "tail", "--failed"]);
    let lines: Vec<&str> = failed.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].ends_with("given up after 7 attempts, to https://192.0.32.8/hooks: answered 500"),
        "{failed}"
    );
    assert!(lines[1].contains("late after 7 attempts"), "{failed}");
    let first: Value =
        serde_json::from_str(house.prints(&["events", "tail", "--failed", "--json"]).lines().next().unwrap())
            .unwrap();
    assert_eq!((&first["state"], &first["event"]["type"]), (&json!("given up"), &json!("told")));
    assert_eq!(house.run(&["verify"]).status.code(), Some(1));

    let resent = house.prints(&["events", "resend", SAGA, "--position", "1"]);
    assert_eq!(resent, "1 deliveries are sent once more\n");
    assert!(house.prints(&["events", "tail", "--failed"]).lines().all(|line| line.contains("late")));
    assert_eq!(
        house.run(&["events", "drop", SAGA]).status.code(),
        Some(1),
        "what is on its way is not dropped"
    );
    house.execute("update booking.deliveries set failed_at = now(), due_at = null where position = 1").await;
    assert_eq!(house.prints(&["events", "drop", SAGA]), "1 deliveries are forgotten\n");
    assert_eq!(house.prints(&["events", "tail", "--failed"]).lines().count(), 1);
}
