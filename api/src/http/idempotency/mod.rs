//! A POST that is repeated has its effect only once.
//!
//! 1. The key is *claimed* by one statement, with the request's hash and the id that its effect will have.
//! 2. The effect starts under that id, idempotently.
//! 3. The answer is stored, and repetitions get it from then on.
//!
//! No transaction is held in between. A crash after 1 or 2 leaves a claim that runs out; the next request with the
//! key takes it over and completes it under the *same* effect id, so two of them at once are harmless too. A
//! refusal that certainly had no effect frees the key; a refusal that may have had an effect keeps the id.
//!
//! All of it runs in a task of its own: a caller who hangs up does not leave it half-way.

mod answer;
mod key;

pub use answer::{Answer, Done};
pub use key::IdempotencyKey;

use super::{
    app::App,
    auth::Caller,
    problem::{Problem, ProblemType},
    store::idempotency::{self as store, Claim, Scope},
};
use axum::response::Response;
use orchestrator::Bucket;
use sha2::{Digest, Sha256};
use std::{future::Future, time::Duration};
use uuid::Uuid;

/// How long a key is remembered.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a claim counts as running: longer than a request that need not wait takes. Taking over a claim that
/// still runs costs work, not correctness, and after a crash nobody waits for long.
const CLAIMED_FOR: Duration = Duration::from_secs(3);

/// `Retry-After` while the first request still runs.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often we claim again if the key was freed between our claim and our look.
const ROUNDS_MAX: usize = 3;

/// A request that must have its effect only once.
#[derive(Clone, Debug)]
pub struct Request {
    scope: Scope,
    hash: [u8; 32],
}

impl Request {
    /// The request of a caller, which is identified by its path and body.
    pub fn new(caller: &Caller, key: IdempotencyKey, path: &str, body: &[u8; 32]) -> Self {
        let hash = Sha256::new().chain_update(path).chain_update([0]).chain_update(body).finalize().into();
        Self { scope: Scope { principal: caller.principal(), key: key.0 }, hash }
    }
}

/// Has the effect once, and gives every request with the same key the same answer.
///
/// `effect` gets the id under which it must start, a new one in `bucket` unless an earlier request drew it.
///
/// # Errors
/// 409 while the first request runs, 422 for another request under the key, and what `effect` returns.
pub async fn once<E, F>(app: &App, request: Request, bucket: Bucket, effect: E) -> Result<Response, Problem>
where
    E: FnOnce(Uuid) -> F + Send + 'static,
    F: Future<Output = Result<Done, Problem>> + Send + 'static,
{
    let task = app.service.tasks.spawn(run(app.clone(), request, bucket, effect));
    task.await.unwrap_or_else(|died| Err(Problem::internal(died)))
}

async fn run<E, F>(app: App, request: Request, bucket: Bucket, effect: E) -> Result<Response, Problem>
where
    E: FnOnce(Uuid) -> F,
    F: Future<Output = Result<Done, Problem>>,
{
    let claim = match claim(&app, &request, bucket).await? {
        Claimed::New(claim) => claim,
        Claimed::Before(answer) => return Ok(answer.replayed()),
    };
    match effect(claim.effect_id).await {
        Ok(Done::Effect(answer)) => keep(&app, &request.scope, &claim, answer).await,
        Ok(Done::Refusal(problem)) => {
            keep(&app, &request.scope, &claim, Answer::refusal(&problem)?).await?;
            Err(problem)
        }
        Ok(Done::NoEffect(response)) => {
            free(&app, &request.scope, &claim, true).await;
            Ok(response)
        }
        Err(problem) => {
            free(&app, &request.scope, &claim, surely_without_effect(problem.kind)).await;
            Err(problem)
        }
    }
}

async fn keep(app: &App, scope: &Scope, claim: &Claim, answer: Answer) -> Result<Response, Problem> {
    let (status, location) = (answer.status_number(), answer.location.as_deref());
    store::answer(&mut *app.service.connection().await?, scope, claim, status, &answer.body, location)
        .await?;
    Ok(answer.first())
}

enum Claimed {
    New(Claim),
    Before(Answer),
}

async fn claim(app: &App, request: &Request, bucket: Bucket) -> Result<Claimed, Problem> {
    let mut connection = app.service.connection().await?;
    for _ in 0..ROUNDS_MAX {
        let new_effect = bucket.new_id();
        let claimed =
            store::claim(&mut connection, &request.scope, &request.hash, new_effect, CLAIMED_FOR, KEPT)
                .await?;
        if let Some(claim) = claimed {
            return Ok(Claimed::New(claim));
        }
        // The key was freed between the two statements, so we try once more.
        let Some(standing) = store::find(&mut connection, &request.scope).await? else { continue };
        if standing.request_hash != request.hash {
            let detail = "the key belongs to another request; use a new one";
            return Err(Problem::new(ProblemType::IdempotencyKeyReused, detail));
        }
        return match standing.answer {
            Some((status, body, location)) => Ok(Claimed::Before(Answer::stored(status, body, location)?)),
            None => Err(in_progress()),
        };
    }
    Err(in_progress())
}

fn in_progress() -> Problem {
    Problem::new(ProblemType::IdempotencyKeyInProgress, "the first request with this key is still running")
        .retry_after(RETRY_AFTER)
}

/// Whether a refusal of this type came before any effect. After the others the effect may have begun, and a new
/// effect id could begin it twice.
fn surely_without_effect(kind: ProblemType) -> bool {
    !matches!(kind, ProblemType::Internal | ProblemType::Unavailable)
}

/// Frees the key if possible. If that fails, the claim runs out by itself.
async fn free(app: &App, scope: &Scope, claim: &Claim, no_effect: bool) {
    let freed = async {
        let mut connection = app.service.pool.acquire().await?;
        match no_effect {
            true => store::release(&mut connection, scope, claim).await,
            false => store::abandon(&mut connection, scope, claim).await,
        }
    };
    if let Err(error) = freed.await {
        tracing::warn!(%error, "an idempotency key could not be freed and stays claimed for some seconds");
    }
}
