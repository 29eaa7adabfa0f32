//! The stage: a database, nodes on it, and what can be seen from outside.

use super::{Desk, Play, Script, desk, note};
use crate::support;
use chrono::{DateTime, Utc};
use orchestrator::{BatchScope, Builder, Client, Database, Engine, SagaId, Settings, StuckCause};
use sqlx::{Connection, PgConnection, PgPool, Row};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A database for plays.
pub struct Stage {
    url: String,
    /// Dropped with the stage, if it is its own.
    _database: Option<support::Database>,
    /// Connections of the test itself, and of the desk.
    pub pool: PgPool,
    /// How the desk behaves towards the nodes of this process.
    pub script: Script,
    /// What one transaction of this stage's nodes may touch.
    pub scope: BatchScope,
}

/// A saga's row as a test sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaRow {
    /// Its state.
    pub state: String,
    /// When a lane must look at it.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether a call is out.
    pub leased: bool,
    /// Its epoch: how often it was claimed.
    pub epoch: i64,
    /// The token of the batch that wrote it last.
    pub token: i64,
    /// How many entries its journal has.
    pub journal_len: i32,
    /// How many claims came to nothing.
    pub claims: i16,
    /// How often the present step was tried.
    pub attempts: i32,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// Why it needs a person.
    pub stuck: Option<StuckCause>,
}

/// Locks that are held by somebody who is not a node.
pub struct Held(PgConnection);

impl Held {
    /// Releases them.
    pub async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.0).await.expect("the holder's connection is there");
    }
}

/// The result of a play: notes that are not struck out, and bookings of the desk that are not cancelled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Notes, in order.
    pub notes: Vec<String>,
    /// Bookings, by name.
    pub bookings: Vec<String>,
}

impl Stage {
    /// A stage with a new database.
    pub async fn set() -> Self {
        Self::set_for(BatchScope::Database).await
    }

    /// A stage with a new database, whose nodes run batches of this scope.
    pub async fn set_for(scope: BatchScope) -> Self {
        let database = support::Database::fresh().await;
        let url = database.url().to_owned();
        Self { scope, ..Self::on(&url, Some(database)).await }
    }

    /// A stage in an existing database, which has the engine's tables and is not dropped with the stage.
    pub async fn at_url(url: &str) -> Self {
        Self::on(url, None).await
    }

    async fn on(url: &str, database: Option<support::Database>) -> Self {
        let pool = PgPool::connect(url).await.expect("the test's database is there");
        for schema in [note::SCHEMA, desk::SCHEMA] {
            sqlx::raw_sql(schema).execute(&pool).await.expect("the schema is new");
        }
        let (url, scope) = (url.to_owned(), BatchScope::Database);
        Self { url, _database: database, pool, script: Script::default(), scope }
    }

    /// The database's URL, for other processes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Quick settings for a node of this name; no other test's node has it.
    pub fn settings(&self, name: &str) -> Settings {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Settings {
            node: format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            lanes: 1,
            batch_scope: self.scope,
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(30),
            drain: Duration::from_secs(5),
            ..Settings::default()
        }
    }

    /// The desk, as asked by this node.
    pub fn desk(&self, node: &str) -> Desk {
        Desk { pool: self.pool.clone(), node: node.to_owned(), script: self.script.clone() }
    }

    /// A node that knows the play; add to it what else it should know.
    pub fn builder(&self, settings: Settings) -> Builder<Desk> {
        self.builder_through(self.url(), settings)
    }

    /// As [`Stage::builder`], with another URL of the database.
    pub fn builder_through(&self, url: &str, settings: Settings) -> Builder<Desk> {
        let database = Database::at(url).expect("a test's URL can be read");
        Engine::builder(self.desk(&settings.node), database).settings(settings).workflow::<Play>()
    }

    /// A running node.
    pub async fn start(&self, settings: Settings) -> Engine {
        self.builder(settings).start().await.expect("a node starts")
    }

    /// A running node with quick settings.
    pub async fn node(&self, name: &str) -> Engine {
        self.start(self.settings(name)).await
    }

    /// A client without lanes.
    pub async fn outside(&self) -> Client {
        self.builder(self.settings("outside")).client().await.expect("a client connects")
    }

    /// The database's time.
    pub async fn now(&self) -> DateTime<Utc> {
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await.expect("there is a time")
    }

    /// Holds what this statement locks, on a connection of its own, until it is released or dropped.
    pub async fn hold(&self, statement: &str) -> Held {
        let mut connection = PgConnection::connect(&self.url).await.expect("the test's database is there");
        let statement = format!("begin; {statement}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("it can be locked");
        Held(connection)
    }

    /// Holds a saga's row.
    pub async fn hold_row(&self, saga: SagaId) -> Held {
        self.hold(&format!("select from usher.sagas where id = '{}' for update", saga.uuid())).await
    }

    /// Waits until so much time has passed.
    pub async fn pass(&self, time: Duration) {
        let end = Instant::now() + time;
        support::wait_until("the time has passed", time * 2, async || (Instant::now() >= end).then_some(()))
            .await;
    }

    /// Makes a saga look as if its holder had died in the middle of a call: its lease has run out, nobody renews it.
    pub async fn lose_holder(&self, saga: SagaId) {
        let lose = "update usher.sagas
            set leased = true, due_at = now() - interval '1 second', epoch = epoch + 1, token = 0
            where id = $1 and bucket = $2";
        let lose = sqlx::query(lose).bind(saga.uuid()).bind(saga.bucket().number());
        lose.execute(&self.pool).await.expect("the row can be written");
    }

    /// A saga's row, if there is one.
    pub async fn row(&self, saga: SagaId) -> Option<SagaRow> {
        let look = "select state, due_at, leased, epoch, token, journal_len, claims, attempts, node,
            stuck::text as stuck from usher.sagas where id = $1 and bucket = $2";
        let row = sqlx::query(look)
            .bind(saga.uuid())
            .bind(saga.bucket().number())
            .fetch_optional(&self.pool)
            .await
            .expect("rows can be read")?;
        let stuck: Option<String> = row.get("stuck");
        Some(SagaRow {
            state: row.get("state"),
            due_at: row.get("due_at"),
            leased: row.get("leased"),
            epoch: row.get("epoch"),
            token: row.get("token"),
            journal_len: row.get("journal_len"),
            claims: row.get("claims"),
            attempts: row.get("attempts"),
            node: row.get("node"),
            stuck: stuck.map(|json| serde_json::from_str(&json).expect("a cause can be read")),
        })
    }

    /// Waits until a saga's row is as wanted.
    pub async fn until(&self, what: &str, saga: SagaId, wanted: impl Fn(&SagaRow) -> bool) -> SagaRow {
        support::wait_until(what, Duration::from_secs(20), async || {
            self.row(saga).await.filter(|row| wanted(row))
        })
        .await
    }

    /// Waits until a saga needs a person, and says why.
    pub async fn stuck(&self, saga: SagaId) -> StuckCause {
        self.until("the saga is stuck", saga, |row| row.state == "stuck").await.stuck.expect("it says why")
    }

    /// The kinds of a saga's journal entries, in order.
    pub async fn journal(&self, saga: SagaId) -> Vec<String> {
        let read =
            "select kind from usher.journal_entries where saga_id = $1 and bucket = $2 order by position";
        sqlx::query_scalar(read)
            .bind(saga.uuid())
            .bind(saga.bucket().number())
            .fetch_all(&self.pool)
            .await
            .expect("the journal can be read")
    }

    /// How many audit rows of this action a saga has.
    pub async fn audited(&self, saga: SagaId, action: &str) -> i64 {
        sqlx::query_scalar(
            "select count(*) from usher.audit where saga_id = $1 and bucket = $2 and action = $3",
        )
        .bind(saga.uuid())
        .bind(saga.bucket().number())
        .bind(action)
        .fetch_one(&self.pool)
        .await
        .expect("the audit can be read")
    }

    /// How many sagas have a row.
    pub async fn sagas(&self) -> i64 {
        sqlx::query_scalar("select count(*) from usher.sagas").fetch_one(&self.pool).await.expect("a count")
    }

    /// The result of a play: what was not undone.
    pub async fn kept(&self, saga: SagaId) -> Kept {
        let notes = "select text from play.notes where saga = $1 and not struck order by position";
        let bookings = "select what from desk.bookings where saga = $1 and not cancelled order by what";
        let read = async |sql: &'static str| {
            sqlx::query_scalar(sql).bind(saga.uuid()).fetch_all(&self.pool).await.expect("books can be read")
        };
        Kept { notes: read(notes).await, bookings: read(bookings).await }
    }

    /// How often the desk was asked, by this saga.
    pub async fn count_requests(&self, saga: SagaId, what: &str, undo: bool) -> i64 {
        sqlx::query_scalar("select count(*) from desk.requests where saga = $1 and what = $2 and undo = $3")
            .bind(saga.uuid())
            .bind(what)
            .bind(undo)
            .fetch_one(&self.pool)
            .await
            .expect("the desk's books can be read")
    }

    /// Asserts every invariant that is shipped, and that notes and bookings agree with how each play ended.
    pub async fn verify(&self) {
        support::verify(&self.pool).await;
        let broken = "select s.id::text || ' is ' || s.state || ' and keeps ' || k.what
            from usher.sagas s
            join (
                select saga, 'the note ' || text as what from play.notes where not struck
                union all
                select saga, 'the booking ' || what from desk.bookings where not cancelled
            ) as k on k.saga = s.id
            where s.state = 'unwound'
            union all
            select s.id::text || ' is completed without ' || l.what
            from usher.sagas s
            join (
                select saga, 'the note ' || text as what from play.notes where struck
                union all
                select saga, 'the booking ' || what from desk.bookings where cancelled
            ) as l on l.saga = s.id
            where s.state = 'completed'
            union all
            select n.saga::text || ' has no entry for the note ' || n.text
            from play.notes n
            where not exists (
                select from usher.journal_entries j
                where j.saga_id = n.saga and j.bucket = n.bucket and j.position = n.position and j.kind = 'ended'
            )
            union all
            select saga::text || ' booked twice: ' || what
            from desk.bookings
            group by saga, what
            having count(*) > 1";
        let broken: Vec<String> =
            sqlx::query_scalar(broken).fetch_all(&self.pool).await.expect("books can be read");
        assert!(broken.is_empty(), "{broken:#?}");
    }
}
