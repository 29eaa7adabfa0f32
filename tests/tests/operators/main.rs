//! Operators' actions on sagas that are really stuck: previewed, done, audited.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod attempts;
mod batch;
mod batch_killed;
mod batch_steered;
mod causes;
mod chain;
mod consent;
mod lists;
mod plans;
mod probe;
mod repair;
mod silent;
mod unread;
mod waiting;
#[path = "../engine/worker.rs"]
#[allow(dead_code, reason = "the engine's tests use all of it")]
mod worker;

use operator::{Action, By, Expected, Operator, OperatorError, Plan};
use orchestrator::{Client, Engine, SagaId};
use std::time::Duration;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

/// Who acts in these tests.
fn ada() -> By {
    By { actor: "ada".into(), reason: "the other side was called by phone".into() }
}

/// The second person in these tests.
fn grace() -> By {
    By { actor: "grace".into(), reason: "ada and the bank agree".into() }
}

/// Work on batches beside a node. It begins with nothing more when this is dropped.
struct Working {
    stop: DropGuard,
    tasks: TaskTracker,
}

impl Working {
    /// Starts the work by this desk.
    fn by(desk: Operator) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(operator::work_on_batches(desk, stop.clone()));
        tasks.close();
        Self { stop: stop.drop_guard(), tasks }
    }

    /// Starts the work beside this node.
    fn beside(node: &Engine) -> Self {
        Self::by(Operator::of(node.client()))
    }

    /// Ends it: what was begun is ended and noted.
    async fn end(self) {
        drop(self.stop);
        self.tasks.wait().await;
    }
}

/// Previews an action and executes it, and asserts that it did what the preview said.
async fn act(node: &Engine, saga: SagaId, action: Action) -> Result<Plan, OperatorError> {
    let operator = Operator::of(node.client());
    let plan = operator.plan(saga, action.clone(), ada()).await?;
    let expected = Expected { etag: plan.etag.clone(), plan_hash: Some(plan.hash.clone()) };
    let done = operator.execute(saga, action, ada(), expected).await?;
    assert_eq!(kinds(&plan), kinds(&done));
    assert_eq!((plan.state, plan.paused, &plan.calls), (done.state, done.paused, &done.calls));
    assert_eq!(plan.touched, done.touched);
    Ok(done)
}

/// The kinds of the entries that a plan writes.
fn kinds(plan: &Plan) -> Vec<String> {
    let kind = |entry| match serde_json::to_value(entry).unwrap() {
        serde_json::Value::Object(entry) => entry.keys().next().unwrap().clone(),
        other => panic!("an entry is an object, not {other}"),
    };
    plan.entries.iter().map(kind).collect()
}

/// Why a saga is where it is, in one line.
async fn line(node: &Engine, saga: SagaId) -> String {
    Operator::of(node.client()).see(saga).await.unwrap().why.to_string()
}

/// The same as people see it, with times from now.
async fn line_now(node: &Engine, saga: SagaId) -> String {
    let seen = Operator::of(node.client()).see(saga).await.unwrap();
    seen.why.line(seen.now)
}

/// Why an action is refused; `None` if it is allowed.
async fn refused(client: &Client, saga: SagaId, action: &str) -> Option<String> {
    let seen = Operator::of(client).see(saga).await.unwrap();
    let found = seen.allowed.into_iter().find(|allowed| allowed.action.name() == action);
    found.expect("every action is listed").refused
}

/// A value as an action carries it.
fn json(text: &str) -> orchestrator::journal::Json {
    serde_json::value::RawValue::from_string(text.to_owned()).unwrap().into()
}
