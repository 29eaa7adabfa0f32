//! What the database refuses to the role that nodes serve as, and what it does not.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use rstest::rstest;
use serde_json::json;
use service::jobs::Jobs;
use service::roles::{Purpose, RoleError, grant};
use service::verify::{INVARIANTS, check};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::support::Database;

const DENIED: &str = "42501";
const READ_ONLY: &str = "25006";

async fn app(database: &Database) -> PgConnection {
    PgConnection::connect(&database.app_url()).await.unwrap()
}

/// The code of the error that a statement ends with.
async fn refused(connection: &mut PgConnection, sql: &str) -> String {
    let ended = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
    let error = ended.expect_err(sql).into_database_error().unwrap();
    error.code().unwrap().into_owned()
}

#[rstest]
#[case::journal("usher.journal")]
#[case::audit("usher.audit")]
#[case::ledger("booking.ledger")]
#[tokio::test]
async fn what_was_written_can_be_neither_changed_nor_deleted(#[case] table: &str) {
    let database = Database::fresh().await;
    let mut app = app(&database).await;
    for sql in [
        format!("update {table} set bucket = 1"),
        format!("delete from {table}"),
        format!("truncate {table}"),
        format!("drop table {table}"),
        format!("alter table {table} add column more int"),
        format!("select * from {table} for update"),
    ] {
        assert_eq!(refused(&mut app, &sql).await, DENIED, "{sql}");
    }
    sqlx::raw_sql(AssertSqlSafe(format!("select * from {table} limit 1"))).execute(&mut app).await.unwrap();
}

#[rstest]
#[case::attempts("usher.attempts")]
#[case::labels("usher.labels")]
#[tokio::test]
async fn what_goes_with_its_saga_can_be_deleted_but_not_changed(#[case] table: &str) {
    let database = Database::fresh().await;
    let mut app = app(&database).await;
    let change = format!("update {table} set bucket = 1");
    assert_eq!(refused(&mut app, &change).await, DENIED);
    sqlx::raw_sql(AssertSqlSafe(format!("delete from {table}"))).execute(&mut app).await.unwrap();
}

#[tokio::test]
async fn a_week_of_the_journal_is_no_way_round_it() {
    let database = Database::fresh().await;
    let weeks = "select 'usher.' || c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'usher.journal'::regclass";
    let weeks: Vec<String> =
        sqlx::query_scalar(weeks).fetch_all(&mut database.connect().await).await.unwrap();
    assert!(weeks.len() > 1, "{weeks:?}");
    let mut app = app(&database).await;
    for week in weeks {
        for sql in [
            format!("delete from {week}"),
            format!("update {week} set epoch = 0"),
            format!("drop table {week}"),
        ] {
            assert_eq!(refused(&mut app, &sql).await, DENIED, "{sql}");
        }
    }
}

#[tokio::test]
async fn a_node_makes_no_tables_no_roles_and_no_functions() {
    let database = Database::fresh().await;
    let mut app = app(&database).await;
    for sql in [
        "create table usher.mine (n int)",
        "create table booking.mine (n int)",
        "create schema mine",
        "create role mine",
        "create or replace function usher.drop_journal_week(monday date) returns boolean language sql as 'select true'",
        "update usher.migrations set success = true",
    ] {
        let code = refused(&mut app, sql).await;
        assert!(code == DENIED, "{sql}: {code}");
    }
}

#[tokio::test]
async fn the_functions_of_the_owner_do_what_they_are_for_and_nothing_else() {
    let database = Database::fresh().await;
    let mut app = app(&database).await;
    for sql in [
        "select usher.drop_journal_week(date_trunc('week', now() at time zone 'UTC')::date)", // it isn't over
        "select usher.drop_journal_week('2026-03-03')",                                       // a Tuesday
        "select usher.create_journal_week('2026-03-03')",
        "select usher.create_journal_week('2190-03-01')",
    ] {
        assert_eq!(refused(&mut app, sql).await, "22023", "{sql}");
    }
    let ask = async |app: &mut PgConnection, sql: &'static str| -> bool {
        sqlx::query_scalar(sql).fetch_one(app).await.unwrap()
    };
    assert!(ask(&mut app, "select usher.create_journal_week('2020-03-02')").await);
    assert!(!ask(&mut app, "select usher.create_journal_week('2020-03-02')").await, "it is there");
    let saga =
        "insert into usher.sagas (id, bucket, workflow, version, state, journal_len, created_at, updated_at)
        values (usher.first_id_of('2020-03-04Z'), 0, 'w', 1, 'completed', 0, now(), now())";
    sqlx::raw_sql(saga).execute(&mut app).await.unwrap();
    assert!(!ask(&mut app, "select usher.drop_journal_week('2020-03-02')").await, "it has a saga");
    sqlx::raw_sql("delete from usher.sagas").execute(&mut app).await.unwrap();
    assert!(ask(&mut app, "select usher.drop_journal_week('2020-03-02')").await);
    // The reading role may not call these functions.
    let nobody = "select has_function_privilege('usher_read', 'usher.drop_journal_week(date)', 'execute')";
    assert!(!ask(&mut app, nobody).await);
}

#[tokio::test]
async fn a_whole_booking_and_every_job_work_as_the_app_role() {
    let service = Service::start().await;
    let who = sqlx::query_scalar("select current_user::text").fetch_one(&service.app.service.pool).await;
    assert_eq!(who.ok(), Some("usher_app".to_owned()));
    let (_, seats) = event(&service, "as the app role", 2).await;
    let ada = Customer::new(&service).await;
    let booked = ada.reserve(&seats[..1]).await;
    ada.pay(&booked).await.is(202);
    ada.post_waiting("/bookings", json!({"reservation_id": booked["reservation_id"]})).await;
    let given_back = ada.reserve(&seats[1..]).await;
    ada.delete(&format!("/reservations/{}", given_back["reservation_id"].as_str().unwrap())).await;
    service
        .until_count(
            "both are at rest",
            "select count(*) from usher.sagas where state in ('completed', 'unwound')",
            2,
        )
        .await;
    Jobs::run_once(&service.app.service).await;
    assert_eq!(service.count("select count(*) from booking.bookings").await, 1);
    service.leave().await;
}

#[tokio::test]
async fn who_looks_sees_everything_but_keys_and_changes_nothing() {
    let database = Database::fresh().await;
    let mut read = PgConnection::connect(&database.read_url()).await.unwrap();
    for sql in ["delete from usher.sagas", "insert into booking.ledger default values"] {
        let code = refused(&mut read, sql).await;
        assert!(code == DENIED || code == READ_ONLY, "{sql}: {code}");
    }
    assert_eq!(refused(&mut read, "select * from booking.tokens").await, DENIED);
    assert_eq!(refused(&mut read, "select secret from booking.subscriptions").await, DENIED);
    for invariant in INVARIANTS.iter().filter(|invariant| !invariant.sql.contains("booking.tokens")) {
        check(&mut read, invariant).await.unwrap_or_else(|error| panic!("{}: {error}", invariant.name));
    }
}

#[tokio::test]
async fn every_session_has_its_timeouts() {
    let database = Database::fresh().await;
    let cases = [(database.app_url(), "10s"), (database.read_url(), "30s")];
    for (url, statement) in cases {
        let mut session = PgConnection::connect(&url).await.unwrap();
        for (name, expected) in [
            ("statement_timeout", statement),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "15s"),
            ("tcp_user_timeout", "10000"), // as the socket has it
        ] {
            let value: String = sqlx::query_scalar("select current_setting($1)")
                .bind(name)
                .fetch_one(&mut session)
                .await
                .unwrap();
            assert_eq!(value, expected, "{name} at {url}");
        }
    }
}

#[tokio::test]
async fn granting_again_changes_nothing_and_takes_back_what_was_added_by_hand() {
    let database = Database::fresh().await;
    let mut owner = database.connect().await;
    let rights = "select c.oid::regclass::text || ' ' || c.relacl::text from pg_class c
        where c.relnamespace in ('usher'::regnamespace, 'booking'::regnamespace) and c.relacl is not null order by 1";
    let rights = async |owner: &mut PgConnection| -> Vec<String> {
        sqlx::query_scalar(rights).fetch_all(owner).await.unwrap()
    };
    let before = rights(&mut owner).await;
    sqlx::raw_sql("grant update, delete on booking.ledger to usher_app; create table booking.newest (n int)")
        .execute(&mut owner)
        .await
        .unwrap();
    // No role is named: those that had rights get them again, also on the new table.
    let granted = grant(database.url(), &[]).await.unwrap();
    let granted: Vec<_> = granted.iter().map(|(purpose, name)| (*purpose, name.as_str())).collect();
    assert_eq!(granted, [(Purpose::App, "usher_app"), (Purpose::Read, "usher_read")]);
    assert_eq!(refused(&mut app(&database).await, "delete from booking.ledger").await, DENIED);
    sqlx::raw_sql("select * from booking.newest").execute(&mut app(&database).await).await.unwrap();
    sqlx::raw_sql("drop table booking.newest").execute(&mut owner).await.unwrap();
    assert_eq!(rights(&mut owner).await, before);
}

#[tokio::test]
async fn a_role_that_nothing_can_be_refused_to_is_refused() {
    let database = Database::fresh().await;
    let owner: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut database.connect().await)
        .await
        .unwrap();
    let wanted = [(Purpose::App, owner.parse().unwrap())];
    assert!(matches!(grant(database.url(), &wanted).await, Err(RoleError::TooMighty(_))));
}
