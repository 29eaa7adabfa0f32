//! `usher subscription` and `usher events tail` as people run them: real processes, a real server.

use super::{running::Running, world::World};
use serde_json::{Value, json};
use std::{io::Write, process::Stdio};

const SAGA: &str = "0199c0de-0000-7000-8000-000000000123";
const BUCKET: i16 = 0x123;

impl World {
    async fn execute(&self, sql: &'static str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    /// A saga writes a message to its outbox.
    async fn add_message(&self, position: i32, kind: &str, seconds_ago: i32) {
        let mut connection = self.connect().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_added_listed_and_removed() {
    let world = World::open().await;
    let added =
        world.json(&["subscription", "add", "https://192.0.32.8/hooks", "--types", "a.b,c.d", "--json"]);
    let (id, secret) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let told = world.prints(&["subscription", "add", "https://192.0.32.8/other"]);
    assert!(told.contains("whsec_") && told.contains("this once"), "{told}");

    let listed = world.json(&["subscription", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["id"], &listed[0]["types"]), (&json!(id), &json!(["a.b", "c.d"])));
    assert_eq!(
        (&listed[0]["state"], &listed[0]["url"]),
        (&json!("well"), &json!("https://192.0.32.8/hooks"))
    );
    let table = world.prints(&["subscription", "list"]);
    assert!(table.contains(id) && table.contains("a.b c.d") && !table.contains("whsec_"), "{table}");
    assert!(!listed.to_string().contains("whsec_"), "a secret is shown once");

    world
        .execute("update booking.subscriptions set disabled_at = now(), disabled_because = 'it was tired'")
        .await;
    assert!(world.prints(&["subscription", "list"]).contains("it was tired"));
    world.prints(&["subscription", "enable", id]);
    assert_eq!(world.json(&["subscription", "list", "--json"])[0]["state"], "well");
    let removed = world.json(&["subscription", "remove", id, "--json"]);
    assert_eq!(removed, json!({"id": id, "dropped": 0}));
    for gone in ["remove", "enable"] {
        assert!(world.refuses(&["subscription", gone, id]).contains("there is no subscription"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_be_chosen_and_comes_by_standard_input() {
    let world = World::open().await;
    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let mut command = world.usher(&["subscription", "add", "https://192.0.32.8/", "--secret", "-", "--json"]);
    let mut adding = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(adding.stdin.take().unwrap(), "{secret}").unwrap();
    let added: Value = serde_json::from_slice(&adding.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(added["secret"], secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_subscribed_is_refused_in_words() {
    let world = World::open().await;
    for (arguments, says) in [
        (&["http://example.org/"][..], "only https is allowed"),
        (&["https://127.0.0.1/"], "is a private address"),
        (&["https://0x7f.1/"], "is a private address"),
        (&["https://localhost/"], "leads to private addresses only"),
        (&["https://user:pass@192.0.32.8/"], "user name or a password"),
        (&["example.org"], "is not a URL"),
        (&["https://192.0.32.8/", "--types", "Booking Confirmed"], "is not a type"),
        (&["https://192.0.32.8/", "--secret", "hunter2"], "a secret is `whsec_`"),
    ] {
        let said = world.refuses(&[&["subscription", "add"], arguments].concat());
        assert!(said.contains(says), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "a secret is never told");
    }
    let mut allowed = world.usher(&["subscription", "add", "http://localhost:1/"]);
    assert!(allowed.env("USHER_OUTBOX_PRIVATE_ADDRESSES", "allow").output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_shows_what_was_told_one_line_a_message() {
    let world = World::open().await;
    assert_eq!(world.prints(&["events", "tail"]), "");
    for (position, kind, ago) in
        [(1, "booking.confirmed", 7_200), (2, "booking.cancelled", 60), (3, "told", 30)]
    {
        world.add_message(position, kind, ago).await;
    }
    let lines = world.prints(&["events", "tail"]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("booking.confirmed") && lines[0].contains("b-1"), "{lines:?}");
    let count = |arguments: &[&str]| world.prints(&[&["events", "tail"], arguments].concat()).lines().count();
    assert_eq!(count(&["-n", "2"]), 2);
    assert_eq!(count(&["--since", "1h"]), 2);
    assert_eq!(count(&["--since", "1d", "--type", "booking.confirmed,told"]), 2);
    assert_eq!(count(&["--saga", SAGA]), 3);
    assert_eq!(count(&["--saga", "0199c0de-0000-7000-8000-000000000124"]), 0);
    assert_eq!(count(&["--failed"]), 0);
    let event: Value = serde_json::from_str(&world.prints(&["events", "tail", "-n", "1", "--json"])).unwrap();
    assert_eq!(
        (&event["specversion"], &event["type"], &event["sagaid"]),
        (&json!("1.0"), &json!("told"), &json!(SAGA))
    );
    assert!(world.refuses(&["events", "tail", "--since", "yesterday"]).contains("30m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_follows_until_it_is_told_to_stop() {
    let world = World::open().await;
    world.add_message(1, "told", 1).await;
    let mut following = Running::printing(world.usher(&["events", "tail", "--follow", "--json"]));
    let number = |line: String| serde_json::from_str::<Value>(&line).unwrap()["data"]["booking_id"].clone();
    assert_eq!(number(following.line()), "b-1");
    world.add_message(2, "told", 0).await;
    assert_eq!(number(following.line()), "b-2");
    // This message is committed later, though its transaction may be older.
    world.add_message(3, "told", 5).await;
    assert_eq!(number(following.line()), "b-3");
    world.add_message(4, "told", 0).await;
    assert_eq!(number(following.line()), "b-4", "none is told twice");
    assert!(following.leaves("-INT").success(), "Ctrl-C is a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_arrive_is_shown_with_its_reason() {
    let world = World::open().await;
    world.json(&["subscription", "add", "https://192.0.32.8/hooks", "--json"]);
    world.add_message(1, "told", 7_200).await;
    world.add_message(2, "told", 60).await;
    world
        .execute(
            "insert into booking.deliveries
                 (saga_id, bucket, position, ordinal, subscription_id, decided_at, due_at, attempts, last_error, failed_at)
             select m.saga_id, m.bucket, m.position, m.ordinal, s.id, m.created_at,
                    case m.position when 2 then now() end, 7, 'answered 500', case m.position when 1 then now() end
             from usher.outbox m, booking.subscriptions s",
        )
        .await;
    let failed = world.prints(&["events", "tail", "--failed"]);
    let lines: Vec<&str> = failed.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].ends_with("given up after 7 attempts, to https://192.0.32.8/hooks: answered 500"),
        "{failed}"
    );
    assert!(lines[1].contains("late after 7 attempts"), "{failed}");
    let first: Value =
        serde_json::from_str(world.prints(&["events", "tail", "--failed", "--json"]).lines().next().unwrap())
            .unwrap();
    assert_eq!((&first["state"], &first["event"]["type"]), (&json!("given up"), &json!("told")));
    assert_eq!(world.run(&["verify"]).status.code(), Some(1));

    let resent = world.prints(&["events", "resend", SAGA, "--position", "1"]);
    assert_eq!(resent, "1 delivery is sent once more\n");
    assert!(world.prints(&["events", "tail", "--failed"]).lines().all(|line| line.contains("late")));
    assert_eq!(
        world.run(&["events", "drop", SAGA]).status.code(),
        Some(1),
        "what is on its way is not dropped"
    );
    world.execute("update booking.deliveries set failed_at = now(), due_at = null where position = 1").await;
    assert_eq!(world.prints(&["events", "drop", SAGA]), "1 delivery is forgotten\n");
    assert_eq!(world.prints(&["events", "tail", "--failed"]).lines().count(), 1);
}
