//! `usher verify` finds nothing wrong with what the service does, and everything that we break.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use secrecy::ExposeSecret;
use serde_json::json;
use service::verify::{INVARIANTS, check, check_locks};
use sqlx::AssertSqlSafe;
use steps::gateway::instant::{Act, Operation};

/// A database at rest after a booking, a decline, a cancellation and an expiry.
async fn lived_in() -> Service {
    let service = Service::start().await;
    let (_, seats) = event(&service, "a season", 8).await;
    let ada = Customer::new(&service).await;
    let booked = ada.reserve(&[seats[0], seats[1]]).await;
    ada.pay(&booked).await.is(202);
    service
        .until_count("it is captured", "select count(*) from booking.payments where money = 'CAPTURED'", 1)
        .await;
    let body = json!({"reservation_id": booked["reservation_id"]});
    ada.post("/bookings", body).await.is(200);

    let given_back = ada.reserve(&seats[3..4]).await;
    ada.delete(&format!("/reservations/{}", given_back["reservation_id"].as_str().unwrap())).await;
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::Decline,
        _ => Act::Go,
    });
    let declined = ada.reserve(&seats[4..5]).await;
    ada.pay(&declined).await.is(202);
    sqlx::query("update booking.events set hold_ms = 100").execute(&service.pool).await.unwrap();
    ada.reserve(&seats[5..6]).await;
    service
        .until_count("three have unwound", "select count(*) from usher.sagas where state = 'unwound'", 3)
        .await;
    service
        .until_count("one is completed", "select count(*) from usher.sagas where state = 'completed'", 1)
        .await;
    service.leave().await;
    service
}

/// The names of the invariants that are broken.
async fn broken(service: &Service) -> Vec<&'static str> {
    let mut connection = service.pool.acquire().await.unwrap();
    let mut names = Vec::new();
    for invariant in INVARIANTS {
        if check(&mut connection, invariant).await.unwrap().violations > 0 {
            names.push(invariant.name);
        }
    }
    names
}

#[tokio::test]
async fn what_the_service_did_breaks_no_invariant() {
    let service = lived_in().await;
    assert_eq!(broken(&service).await, [""; 0]);
}

/// One way to break the database, and who must notice.
const DAMAGE: &[(&str, &str)] = &[
    (
        "seat_booked_twice",
        "drop index booking.one_live_claim_a_seat;
         insert into booking.reservation_seats (reservation_id, seat_id, hold, bucket)
             select r.id, c.seat_id, 9, r.bucket from booking.reservations r, booking.reservation_seats c
             where r.status = 'EXPIRED' and c.live limit 1;
         insert into booking.bookings (id, reservation_id, payment_id, user_id, created_at, bucket, code)
             select gen_random_uuid(), reservation_id, gen_random_uuid(), gen_random_uuid(), now(), bucket, 'ABCDEFGHJKMN'
             from booking.reservation_seats where hold = 9",
    ),
    ("seat_owner", "update booking.seats set reservation_id = gen_random_uuid() where status = 'BOOKED'"),
    ("reservation_seats", "update booking.reservation_seats set live = true where not live"),
    (
        "reservation_overdue",
        "update booking.reservations set status = 'PENDING', ended_at = null, reserved_until = now() - interval '1 hour'
         where status = 'EXPIRED'",
    ),
    ("booking_links", "update booking.reservations set booking_id = gen_random_uuid() where status = 'CONFIRMED'"),
    ("booking_money", "update booking.payments set amount_minor = 1 where status = 'SUCCESS'"),
    ("money_kept", "delete from booking.bookings"),
    ("money_balance", "update booking.ledger set amount_minor = amount_minor + 1 where kind = 'captured'"),
    ("ledger_accounts", "delete from booking.ledger where kind = 'captured'"),
    (
        "ledger_captured_twice",
        "insert into booking.ledger select payment_id, bucket, kind, 'again', from_account, to_account, amount_minor,
             currency, at from booking.ledger where kind = 'captured'",
    ),
    (
        "refunded_too_much",
        "insert into booking.ledger select payment_id, bucket, 'refunded', 're_1', 'owed', 'customer', amount_minor + 1,
             currency, at from booking.ledger where kind = 'captured'",
    ),
    (
        "refund_owed",
        "insert into booking.ledger select payment_id, bucket, 'refund_owed', 're_1', 'taken', 'owed', amount_minor,
             currency, at from booking.ledger where kind = 'captured'",
    ),
    ("payment_orphan", "update booking.reservations set payment_id = gen_random_uuid() where status = 'CONFIRMED'"),
    (
        "inbox_waiting",
        "insert into booking.inbox (provider, event_id, bucket, received_at, body, body_hash, state, kind, payment_id, fact, occurred_at)
         values ('stripe', 'evt', 1, now() - interval '1 hour', '', sha256(''), 'PENDING', 'captured', gen_random_uuid(), '{}', now())",
    ),
    (
        "inbox_twice",
        "insert into booking.inbox (provider, event_id, bucket, received_at, body, body_hash, state)
             values ('stripe', 'evt', 1, now(), '', sha256(''), 'IGNORED');
         insert into booking.inbox_variants (provider, event_id, body_hash, bucket, received_at, body)
             values ('stripe', 'evt', sha256('x'), 1, now(), 'x')",
    ),
    (
        "outbox_undelivered",
        "insert into booking.subscriptions (id, bucket, url, types, secret, created_at, since)
             values (gen_random_uuid(), 1, 'https://example.org', '{}', 'whsec_', now(), now() - interval '2 hours');
         insert into usher.outbox (saga_id, bucket, position, kind, payload, created_at)
             values (gen_random_uuid(), 1, 0, 'told', 'null', now() - interval '1 hour')",
    ),
    (
        "outbox_order",
        "insert into booking.deliveries (saga_id, bucket, position, ordinal, subscription_id, decided_at, due_at, delivered_at)
         select '01890a5d-ac96-774b-bcce-b302099a8057', 1, n, 0, '01890a5d-ac96-774b-bcce-b302099a8001', now(),
             case n when 0 then now() end, case n when 1 then now() end
         from generate_series(0, 1) n",
    ),
    (
        "saga_forgotten",
        "update usher.sagas set state = 'waiting', due_at = now() - interval '1 hour' where state = 'unwound'",
    ),
    ("saga_stuck_silently", "update usher.sagas set state = 'stuck', stuck = '\"foreign_wait\"' where state = 'unwound'"),
    (
        "saga_lease_silent",
        "update usher.sagas set state = 'running', leased = true, due_at = now() + interval '5 seconds',
             updated_at = now() - interval '2 minutes' where state = 'unwound'",
    ),
    (
        "saga_passed_over",
        "update usher.sagas set state = 'waiting', due_at = now() - interval '1 minute', updated_at = now() - interval '1 minute'
             where state = 'unwound';
         insert into usher.nodes (id, bucket, name, started_at, seen_at, lease_ms, call_max_ms, workflows, versions)
             values (gen_random_uuid(), 1, 'n', now() - interval '1 hour', now(), 1000, 1000, '{booking}', '{1}')",
    ),
    ("journal_gap", "delete from usher.journal where position = 0"),
    ("journal_epoch", "update usher.journal set epoch = 0 where position > 2"),
    ("journal_end", "update usher.sagas set state = 'unwound' where state = 'completed'"),
    (
        "compensation_missing",
        "update usher.journal set entries = replace(entries::text, 'undo_ended', 'undo_lost')::json",
    ),
    (
        "compensation_twice",
        "update usher.journal set entries = replace(entries::text, '\"of\":2', '\"of\":1')::json",
    ),
    ("start_key_twice", "drop index usher.sagas_start_key; update usher.sagas set start_key = 'the key', workflow = 'x'"),
    (
        "audit_anonymous",
        "insert into usher.audit (id, bucket, saga_id, at, actor, action, reason)
         values (gen_random_uuid(), 1, gen_random_uuid(), now(), '', 'retry', 'why not')",
    ),
    ("told_confirmed", "delete from booking.bookings"),
    ("bucket_strayed", "update booking.users set bucket = (bucket + 1) % 1024"),
];

#[tokio::test]
async fn every_invariant_notices_when_it_is_broken() {
    let damaged: Vec<&str> = DAMAGE.iter().map(|(name, _)| *name).collect();
    let known: Vec<&str> = INVARIANTS.iter().map(|invariant| invariant.name).collect();
    assert_eq!(damaged, known);
    let service = lived_in().await;
    for (name, sql) in DAMAGE {
        // The damage is rolled back afterwards, so that each invariant is checked on otherwise good data.
        let mut connection = service.pool.acquire().await.unwrap();
        sqlx::raw_sql("begin").execute(&mut *connection).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(*sql))
            .execute(&mut *connection)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let invariant = INVARIANTS.iter().find(|invariant| invariant.name == *name).unwrap();
        let finding =
            check(&mut connection, invariant).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
        assert!(finding.violations > 0, "{name} did not notice `{sql}`");
        for violation in finding.listed {
            let said = violation.detail;
            // Two seats of 25.00 EUR were booked.
            let mut numbers = said.split(|letter: char| !letter.is_alphanumeric());
            let is_bare = said.contains('{') || numbers.any(|number| ["5000", "5001"].contains(&number));
            assert!(!is_bare, "{name} says amounts in minor units: {said}");
        }
    }
}

#[tokio::test]
async fn a_lock_that_was_left_behind_is_found() {
    let service = lived_in().await;
    let redis_url = service.app.service.config.redis.url.expose_secret().to_owned();
    let prefix = service.app.service.config.redis.prefix.clone();
    let mut connection = service.pool.acquire().await.unwrap();
    let clean = check_locks(&mut connection, &redis_url, &prefix).await.unwrap();
    assert_eq!(clean.violations, 0, "{clean:?}");

    let reservation: uuid::Uuid =
        sqlx::query_scalar("select id from booking.reservations where status = 'CONFIRMED'")
            .fetch_one(&service.pool)
            .await
            .unwrap();
    let mut redis =
        redis::Client::open(redis_url.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let key = format!("{prefix}lock:seat:left-behind");
    let () =
        redis::cmd("SET").arg(&key).arg(format!("{reservation}:1")).query_async(&mut redis).await.unwrap();
    let found = check_locks(&mut connection, &redis_url, &prefix).await.unwrap();
    let details: Vec<&str> = found.listed.iter().map(|violation| violation.detail.as_str()).collect();
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(details[0] == "never ends" && details[1].ends_with("whose saga is completed"), "{details:?}");
}
