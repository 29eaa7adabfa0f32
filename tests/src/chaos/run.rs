//! One seed, from an empty world to what came of it.

use super::{
    checks::{self, Findings},
    evidence,
    inflict::Field,
    load, pace,
    plan::{Kind, NODES, Plan},
    report::Outcome,
    timeline::Timeline,
    witness::{Told, Violation, Witness},
    world::{Making, World, keep},
};
use anyhow::Context;
use futures_util::future::join_all;
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// A fault may outlast the plan by what it takes a node to leave and a server to start.
const FAULTS_MAX: Duration = Duration::from_secs(60);
/// The last customers are home by then: a hold, and what a wish may take.
const HOME_MAX: Duration = Duration::from_secs(90);
/// Nodes are ready so soon after their start, on a busy machine too.
const READY_MAX: Duration = Duration::from_secs(60);
/// Of those who wanted a booking and had seats to themselves at least so many percent must have been told that they have it.
/// Faults lose some of them in good order: a declining gateway, a hold that runs out.
const BOOKED_PERCENT_MIN: usize = 30;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that is a node when it is called as `program usher serve`.
    pub program: PathBuf,
    /// What everything is drawn from.
    pub seed: u64,
    /// How long faults strike.
    pub length: Duration,
    /// Whether the timeline is printed as it happens.
    pub is_loud: bool,
    /// In which timeline and logs of a bad run are kept.
    pub keep: PathBuf,
    /// Ends the run before its time.
    pub stop: CancellationToken,
}

/// Runs one seed.
///
/// # Errors
/// The world could not be made, or what a bad run left not be kept.
pub async fn run(options: &Options) -> anyhow::Result<Outcome> {
    let plan = Plan::of(options.seed, options.length);
    // Every other seed runs as on a distributed Postgres.
    let scope = if options.seed.is_multiple_of(2) { "database" } else { "bucket" };
    let making = Making { program: options.program.clone(), seed: options.seed, nodes: NODES, scope };
    let world = World::make(&making).await.context("making a world")?;
    let timeline = Timeline::begin(options.is_loud);
    let witness = Witness::with(&timeline);
    let running = play(&world, &witness, &timeline, &plan);
    let played = tokio::select! {
        played = running => Some(played.unwrap_or_else(|error| {
            // The evidence tells more than the error alone.
            witness.violation("broke_off", format!("{error:#}"));
            Findings::default()
        })),
        () = options.stop.cancelled() => None,
    };
    let mut outcome = sum_up(&plan, &witness, &timeline, played);
    if !outcome.is_good() {
        let folder = options.keep.join(format!("seed-{}", options.seed));
        evidence::keep(&world, &outcome.story(), &folder).context("keeping what a bad run left")?;
        outcome.kept_in = Some(folder);
    }
    world.close().await;
    Ok(outcome)
}

async fn play(
    world: &World,
    witness: &Witness,
    timeline: &Timeline,
    plan: &Plan,
) -> anyhow::Result<Findings> {
    let http = &reqwest::Client::builder().no_proxy().build()?;
    let mut tokens = Vec::new();
    for number in 0..=plan.journeys.len() {
        tokens.push(world.customer(number).await?);
    }
    world.until_ready(http, READY_MAX).await?;
    timeline.note(format!("seed {}: {} faults, {} journeys", plan.seed, plan.faults(), plan.journeys.len()));
    tokio::select! {
        played = strike_and_settle(world, witness, timeline, plan, &tokens) => played,
        () = keep(world, http, timeline, witness) => unreachable!("the keeper keeps for ever"),
    }
}

/// Faults, customers and an operator; then quiet.
async fn strike_and_settle(
    world: &World,
    witness: &Witness,
    timeline: &Timeline,
    plan: &Plan,
    tokens: &[String],
) -> anyhow::Result<Findings> {
    let began = Instant::now();
    let field = Field { world, timeline, witness, began, seed: plan.seed };
    let striking = async {
        let faults = join_all(plan.tracks.iter().map(|track| field.strike(track)));
        if timeout(plan.length + FAULTS_MAX, faults).await.is_err() {
            witness.violation("fault_never_over", "a fault could not be taken back in time");
        }
        pace::until(began, plan.length).await;
    };
    let healing = async {
        tokio::select! {
            () = striking => {}
            () = load::look_after(world, witness, timeline, plan.seed) => {}
        }
        timeline.note("all faults are over");
        world.heal().await.context("healing the world")?;
        anyhow::Ok(Instant::now())
    };
    let customers = load::send_all(world, witness, timeline, began, &plan.journeys, tokens);
    let home = timeout(plan.length + FAULTS_MAX + HOME_MAX, customers);
    let (home, healed) = tokio::join!(home, healing);
    if home.is_err() {
        witness.violation("customer_never_home", "a customer was still waiting for an answer");
    }
    let rest = checks::come_to_rest(world, healed?).await;
    timeline.note(rest.took.map_or("it never came to rest".into(), |took| format!("at rest after {took:?}")));
    checks::settle(world, witness, timeline, rest, &tokens[plan.journeys.len()]).await
}

fn sum_up(plan: &Plan, witness: &Witness, timeline: &Timeline, played: Option<Findings>) -> Outcome {
    let told = witness.testify();
    let interrupted = played.is_none();
    let Findings { rest, deadlocks, mut violations, named } = played.unwrap_or_default();
    violations.extend(told.violations.iter().cloned());
    let (wanted, booked) = progress(plan, &told);
    if !interrupted && booked * 100 < wanted * BOOKED_PERCENT_MIN {
        let detail = format!("of {wanted} who wanted a booking and had seats, {booked} got one");
        violations.push(Violation { rule: "no_progress".into(), detail });
    }
    let ends = told.ends.iter().map(|((kind, how), count)| format!("{kind:?} {how}: {count}")).collect();
    Outcome {
        seed: plan.seed,
        seconds: plan.length.as_secs(),
        journeys: plan.journeys.len(),
        wanted,
        booked,
        faults: plan.faults(),
        stuck: rest.stuck.len(),
        hung: rest.hung.len(),
        rest_s: rest.took.map(|took| took.as_secs_f64()),
        deadlocks,
        interrupted,
        kept_in: None,
        ends,
        violations,
        timeline: timeline.text(),
        sagas: rest.stuck.into_iter().chain(rest.hung).chain(named).collect(),
    }
}

/// Of the customers who wanted to keep a booking: who had seats to themselves, and who has one.
fn progress(plan: &Plan, told: &Told) -> (usize, usize) {
    let came = plan.journeys.iter().filter(|planned| planned.what.kind.wants_a_booking()).count();
    let lost = told.ended(Kind::wants_a_booking, "seats taken");
    (came.saturating_sub(lost), told.ended(Kind::wants_a_booking, "booked"))
}
