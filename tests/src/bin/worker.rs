//! A node for tests that kill it: connects, runs plays, works on operators' batches, and begins a play if it is told to.
//!
//! `worker URL` reads from the environment: `NODE`, its name; `LEASE_MS`, `POLL_MS`, `STRETCH` and `SCOPE` (`bucket`,
//! or nothing), its settings; `START`, a saga's id, and `PART`, its part as JSON, if it is to begin one; `FAILPOINTS`
//! as the crate `fail` reads them, where the action `return` kills the process. If it has begun a saga, it waits
//! until that saga is at rest, and ends with status 0. Otherwise it works until it is killed.

use anyhow::Context;
use operator::Operator;
use orchestrator::{BatchScope, Database, Ended, Engine, SagaId, Settings};
use sqlx::PgPool;
use std::{env, time::Duration};
use tests::play::{Desk, Part, Play, Script};
use tokio_util::sync::CancellationToken;

/// No play of these tests takes so long.
const ENDED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let _failpoints = fail::FailScenario::setup();
    let url = env::args().nth(1).context("usage: worker URL")?;
    let settings = Settings {
        node: env::var("NODE").context("NODE is the worker's name")?,
        lanes: 1,
        batch_scope: match env::var("SCOPE").as_deref() {
            Ok("bucket") => BatchScope::Bucket,
            Ok(other) => anyhow::bail!("SCOPE is `bucket` or not given, not `{other}`"),
            Err(_) => BatchScope::Database,
        },
        lease: Duration::from_millis(number("LEASE_MS", 400)?),
        poll: Duration::from_millis(number("POLL_MS", 30)?),
        stuck_retry: Duration::from_millis(number("STUCK_RETRY_MS", 900_000)?),
        stretch_steps_max: number("STRETCH", 64)? as usize,
        ..Settings::default()
    };
    let desk =
        Desk { pool: PgPool::connect(&url).await?, node: settings.node.clone(), script: Script::default() };
    let builder = Engine::builder(desk, Database::at(&url)?).settings(settings).workflow::<Play>();
    let engine = builder.start().await?;
    let batches = CancellationToken::new();
    let working = tokio::spawn(operator::work_on_batches(Operator::of(engine.client()), batches.clone()));
    let Ok(id) = env::var("START") else { return std::future::pending().await };
    let part: Part = serde_json::from_str(&env::var("PART").context("PART is what to start")?)?;
    let play = engine.client().start::<Play>(part).id(id.parse::<SagaId>()?).await?;
    let ended = play.result(ENDED_WITHIN).await?;
    anyhow::ensure!(!matches!(ended, Ended::NotYet), "the play has not ended within {ENDED_WITHIN:?}");
    batches.cancel();
    engine.drain().await;
    Ok(working.await?)
}

fn number(name: &str, default: u64) -> anyhow::Result<u64> {
    match env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is a number")),
        Err(_) => Ok(default),
    }
}
