//! The desk: a stand-in for another company with books of its own, and the calls to it.

use super::{QUICK, Twist};
use orchestrator::{Call, Policy, Probe, Rejected, SagaId, Stake, Step, StepError, Way};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::watch;

/// A node's client of the desk.
#[derive(Clone)]
pub struct Desk {
    /// The desk's books, on connections of their own.
    pub pool: PgPool,
    /// The name of the node that asks.
    pub node: String,
    /// How it behaves.
    pub script: Script,
}

/// One request.
#[derive(Clone, Debug)]
pub struct DeskRequest {
    /// The saga that asks.
    pub saga: SagaId,
    /// For what.
    pub what: String,
    /// Whether it cancels what was asked for.
    pub undo: bool,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The node that made the request.
    pub node: String,
}

/// What the desk does with a request.
#[derive(Clone)]
pub enum Act {
    /// It does what it is asked to do.
    Go,
    /// It refuses for good.
    Refuse,
    /// It does nothing, and the caller does not know it.
    Lose,
    /// The same, with a code.
    LoseWith(&'static str),
    /// It does what it is asked to do, and the caller does not know it.
    LoseAnswer,
    /// It does nothing yet.
    Later(Duration),
    /// It does something else than it was asked for.
    Lie,
    /// It panics.
    Panic,
    /// It does what it is asked to do; the answer comes when the gate opens.
    Hold(Gate),
}

type Behaviour = dyn Fn(&DeskRequest) -> Act + Send + Sync;

/// How a desk behaves, for all nodes that share it.
#[derive(Clone)]
pub struct Script(Arc<RwLock<Box<Behaviour>>>);

impl Default for Script {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Box::new(|_| Act::Go))))
    }
}

impl Script {
    /// Sets how it behaves from now on.
    pub fn set(&self, behaviour: impl Fn(&DeskRequest) -> Act + Send + Sync + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Box::new(behaviour);
    }

    fn act(&self, asked: &DeskRequest) -> Act {
        self.0.read().unwrap_or_else(PoisonError::into_inner)(asked)
    }
}

/// Holds answers back until it is opened.
#[derive(Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A gate that is shut.
    pub fn shut() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Goes through, once it is open.
    pub async fn pass(&self) {
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

/// Where the desk's books are: every request that it heard, and what stands.
pub(super) const SCHEMA: &str = "
    create schema desk;
    create table desk.requests (number bigint generated always as identity primary key, saga uuid, key text,
        what text, undo boolean, node text, at timestamptz default clock_timestamp());
    create table desk.bookings (key text primary key, saga uuid, what text, cancelled boolean)";

impl Desk {
    async fn serve(&self, asked: &DeskRequest, key: &str) -> Result<String, StepError> {
        let hear = "insert into desk.requests (saga, key, what, undo, node) values ($1, $2, $3, $4, $5)";
        sqlx::query(hear)
            .bind(asked.saga.uuid())
            .bind(key)
            .bind(&asked.what)
            .bind(asked.undo)
            .bind(&asked.node)
            .execute(&self.pool)
            .await?;
        match self.script.act(asked) {
            Act::Go => self.book(asked, key).await,
            Act::Refuse => Err(Rejected::new("none-left", format!("no {} left", asked.what)).into()),
            Act::Lose => Err(StepError::unclear("no answer")),
            Act::LoseWith(code) => Err(StepError::unclear_with_code(code, "no answer")),
            Act::LoseAnswer => {
                self.book(asked, key).await?;
                Err(StepError::unclear("no answer"))
            }
            Act::Later(after) => Err(StepError::Later(after)),
            Act::Lie => Err(StepError::Contradiction(format!("{} is a horse", asked.what))),
            Act::Panic => panic!("the call for `{}` panics", asked.what),
            Act::Hold(gate) => {
                let booked = self.book(asked, key).await;
                gate.pass().await;
                booked
            }
        }
    }

    /// What the desk has under a key. The question is recorded among the requests, with the name `probe`.
    async fn look_up(&self, saga: SagaId, key: &str) -> Result<Probe<String>, StepError> {
        let hear =
            "insert into desk.requests (saga, key, what, undo, node) values ($1, $2, 'probe', false, $3)";
        sqlx::query(hear).bind(saga.uuid()).bind(key).bind(&self.node).execute(&self.pool).await?;
        let asked =
            DeskRequest { saga, what: "probe".into(), undo: false, attempt: 1, node: self.node.clone() };
        if matches!(self.script.act(&asked), Act::Lose) {
            return Ok(Probe::Unknown);
        }
        let found: Option<String> =
            sqlx::query_scalar("select what from desk.bookings where key = $1 and not cancelled")
                .bind(key)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.map_or(Probe::NotDone, Probe::Done))
    }

    async fn book(&self, asked: &DeskRequest, key: &str) -> Result<String, StepError> {
        // A key that was cancelled before it was booked stays cancelled.
        let book = "insert into desk.bookings (key, saga, what, cancelled) values ($1, $2, $3, $4)
            on conflict (key) do update set cancelled = desk.bookings.cancelled or excluded.cancelled";
        sqlx::query(book)
            .bind(key)
            .bind(asked.saga.uuid())
            .bind(&asked.what)
            .bind(asked.undo)
            .execute(&self.pool)
            .await?;
        Ok(asked.what.clone())
    }
}

/// The price of each thing that the desk is asked for.
pub const ASK_MINOR: i64 = 12_500;

/// Asks the desk for something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// For what.
    pub what: String,
    /// [`Twist::Abort`] kills the process that is about to call.
    pub twist: Twist,
}

impl Step for Ask {
    const NAME: &'static str = "ask";
    const POLICY: Policy = QUICK;
    const UNDO_POLICY: Policy = QUICK;
    type Output = String;
    type Medium = Call<Desk>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Desk>) -> Result<String, StepError> {
        if self.twist == Twist::Abort {
            std::process::abort();
        }
        call.serve(&request(call, &self.what, false), &call.key()).await
    }

    async fn compensate(&self, call: &mut Call<Desk>, _: Option<String>) -> Result<(), StepError> {
        call.serve(&request(call, &self.what, true), &call.key()).await.map(drop)
    }

    async fn probe(&self, call: &mut Call<Desk>) -> Result<Probe<String>, StepError> {
        call.look_up(call.saga(), &call.key()).await
    }

    fn labels(&self, _: Option<&String>) -> Vec<(String, String)> {
        vec![("what".into(), self.what.clone())]
    }

    fn stakes(&self, _: Option<&String>) -> Vec<Stake> {
        vec![Stake::Money { minor: ASK_MINOR, currency: "EUR".into() }]
    }

    fn describe(&self, way: Way) -> Option<String> {
        let verb = if way == Way::Forward { "book" } else { "cancel" };
        Some(format!("{verb} {}", self.what))
    }
}

/// Asks the desk for something that is harmless to ask for again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Touch {
    /// For what.
    pub what: String,
}

impl Step for Touch {
    const NAME: &'static str = "touch";
    const POLICY: Policy = QUICK;
    const UNDO_POLICY: Policy = QUICK;
    const REPEATABLE: bool = true;
    type Output = ();
    type Medium = Call<Desk>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Desk>) -> Result<(), StepError> {
        call.serve(&request(call, &self.what, false), &call.key()).await.map(drop)
    }

    async fn compensate(&self, call: &mut Call<Desk>, _: Option<()>) -> Result<(), StepError> {
        call.serve(&request(call, &self.what, true), &call.key()).await.map(drop)
    }
}

fn request(call: &Call<Desk>, what: &str, undo: bool) -> DeskRequest {
    let (saga, attempt, node) = (call.saga(), call.attempt(), call.node.clone());
    DeskRequest { saga, what: what.to_owned(), undo, attempt, node }
}
