//! Makes one saga of each kind, and waits until each shows what it is.

use super::super::{once, stage::Stage};
use super::bookings::TroubledCustomer;
use super::deadly::quarantine;
use super::generation::Generation;
use super::kinds::{ALL, Trouble};
use super::report::{self, TroubledSaga};
use super::workflow::{Deployed, Kind, Newer, Trouble as Workflow};
use anyhow::{Context, bail};
use orchestrator::{Client, SagaId, Workflow as Known};
use sqlx::{Connection, PgConnection};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::try_join;

/// From the last wish to the last line: some retries, a poll that is too long.
const SHOWN_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Makes all of it and prints the table. The node runs what is broken afterwards.
///
/// # Errors
/// Something could not be made, or doesn't show what it must.
pub(crate) async fn make(stage: &Stage) -> anyhow::Result<()> {
    println!("\n-- trouble: one saga of every kind, which takes about a minute");
    // They begin under code that works, so that broken code can't read, replay or find them later.
    let (diverged, undecodable, unknown) = try_join!(
        start::<Workflow>(stage, &Kind::Diverged),
        start::<Workflow>(stage, &Kind::Undecodable),
        start::<Newer>(stage, &()),
    )?;
    for saga in [&diverged, &undecodable, &unknown] {
        until(stage, saga, "waiting for deployed").await?;
    }
    println!("   the broken code is deployed");
    stage.deploy(Generation::Broken).await?;
    for saga in [&diverged, &undecodable, &unknown] {
        signal_deployed(stage, saga).await?;
    }

    // Bookings come before broken code: the poll that is too long costs its whole lane some seconds.
    let (bookings, quarantined) = try_join!(bookings(stage), quarantine(stage))?;
    let broken = broken(stage).await?;
    let mut made = HashMap::from([
        ("diverged", diverged),
        ("undecodable", undecodable),
        ("unknown_version", unknown),
        ("quarantined", quarantined),
    ]);
    made.extend(bookings);
    made.extend(broken);

    let mut sagas = Vec::with_capacity(ALL.len());
    for trouble in ALL {
        let saga = made.remove(trouble.kind).with_context(|| format!("nobody made `{}`", trouble.kind))?;
        let line = until(stage, &saga, trouble.says).await?;
        sagas.push(TroubledSaga::new(stage, &trouble, saga, line));
    }
    report::publish(stage, &sagas)
}

/// What customers and the gateway bring about.
async fn bookings(stage: &Stage) -> anyhow::Result<Vec<(&'static str, String)>> {
    let troubled = TroubledCustomer::new(stage).await?;
    // The gateway is away for some of them: one after the other, or its circuit breaker would be open for all.
    Ok(vec![
        ("payment_order", troubled.waits_for_an_order().await?),
        ("payment_news", troubled.waits_for_news().await?),
        ("retrying", troubled.retries_to_capture().await?),
        ("contradicted", troubled.is_lied_to().await?),
        ("failed_after_pivot", troubled.fails_to_capture().await?),
        ("debt", troubled.owes().await?),
        ("paused", troubled.is_paused().await?),
    ])
}

/// What broken code brings about.
async fn broken(stage: &Stage) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut made = Vec::new();
    for (name, kind) in [
        ("panicked", Kind::Panicked),
        ("oversize", Kind::Oversize),
        ("foreign_wait", Kind::ForeignWait),
        ("abandoned", Kind::Abandoned),
        ("refused_after_pivot", Kind::RefusedAfterPivot),
        ("poll_too_long", Kind::PollTooLong),
        ("outcome_unknown", Kind::OutcomeUnknown),
        ("call_out", Kind::CallOut),
    ] {
        made.push((name, start::<Workflow>(stage, &kind).await?));
    }
    Ok(made)
}

/// Starts a saga of a workflow that only nodes know.
pub(super) async fn start<W: Known>(stage: &Stage, input: &W::Input) -> anyhow::Result<String> {
    let mut connection = connect(stage).await?;
    let saga = SagaId::new_in(orchestrator::Bucket::of_key(W::NAME));
    Client::start_in::<W>(&mut connection, input, saga).await?;
    Ok(saga.to_string())
}

/// Tells a saga that other code is deployed.
async fn signal_deployed(stage: &Stage, saga: &str) -> anyhow::Result<()> {
    let mut connection = connect(stage).await?;
    Client::signal_in(&mut connection, saga.parse()?, "dev", &Deployed).await?;
    Ok(())
}

async fn connect(stage: &Stage) -> anyhow::Result<PgConnection> {
    PgConnection::connect(stage.commands.database_url()).await.context("connecting to the database")
}

/// Why a saga is where it is: the first line of what operators are told.
pub(super) async fn why(stage: &Stage, saga: &str) -> anyhow::Result<String> {
    let printed = once::run(stage.commands.why_saga(saga)).await?;
    Ok(printed.lines().next().unwrap_or_default().trim().to_owned())
}

/// Waits until a saga's line says this, and gives the line.
async fn until(stage: &Stage, saga: &str, says: &str) -> anyhow::Result<String> {
    let asked = Instant::now();
    loop {
        let line = why(stage, saga).await?;
        if line.contains(says) {
            return Ok(line);
        }
        if asked.elapsed() > SHOWN_MAX {
            bail!("saga {saga} should say `{says}`, and says `{line}`");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How a trouble is called and repaired.
pub(super) fn command(trouble: &Trouble, saga: &str) -> String {
    match trouble.repair {
        Some(repair) => format!("usher saga act {saga} {repair}"),
        None => "usher dev mend".to_owned(),
    }
}
