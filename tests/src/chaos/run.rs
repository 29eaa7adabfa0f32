//! One seed, from an empty world to what came of it.

use super::{
    checks::{self, Findings},
    evidence,
    inflict::Field,
    load, pace,
    plan::{Kind, NODES, Plan},
    report::Outcome,
    scene::Scene,
    timeline::Timeline,
    witness::{Testimony, Violation, Witness},
    world::{Making, World, keep},
};
use anyhow::Context;
use futures_util::future::join_all;
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// How long a fault may outlast the plan: the time in which a node leaves and a server starts.
const FAULTS_MAX: Duration = Duration::from_secs(60);
/// How long the last journeys may take after the plan: a hold, and the longest that a wish may take.
const HOME_MAX: Duration = Duration::from_secs(90);
/// How soon after their start nodes are ready, also on a busy machine.
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
    let scene = Scene { world: &world, witness: &witness, timeline: &timeline };
    let found = tokio::select! {
        found = play(scene, &plan) => Some(found.unwrap_or_else(|error| {
            // The evidence tells more than the error alone.
            witness.violation("broke_off", format!("{error:#}"));
            Findings::default()
        })),
        () = options.stop.cancelled() => None,
    };
    let mut outcome = sum_up(&plan, scene, found);
    if !outcome.is_good() {
        let folder = options.keep.join(format!("seed-{}", options.seed));
        evidence::keep(&world, &outcome.story(), &folder).context("keeping what a bad run left")?;
        outcome.kept_in = Some(folder);
    }
    world.close().await;
    Ok(outcome)
}

/// Makes the customers, lets the plan happen, and looks what came of it.
async fn play(scene: Scene<'_>, plan: &Plan) -> anyhow::Result<Findings> {
    let http = &reqwest::Client::builder().no_proxy().build()?;
    let mut tokens = Vec::new();
    for number in 0..plan.journeys.len() {
        tokens.push(scene.world.customer(number).await?);
    }
    let last = scene.world.customer(plan.journeys.len()).await?;
    scene.world.until_ready(http, READY_MAX).await?;
    scene.timeline.note(format!("{} faults, {} journeys", plan.faults(), plan.journeys.len()));
    let playing = async {
        let healed = strike(scene, plan, &tokens).await?;
        let rest = checks::come_to_rest(scene.world, healed).await;
        let how = rest.took.map_or("it never came to rest".into(), |took| format!("at rest after {took:?}"));
        scene.timeline.note(how);
        checks::settle(scene, rest, &last).await
    };
    tokio::select! {
        found = playing => found,
        () = keep(scene, http) => unreachable!("the keeper keeps for ever"),
    }
}

/// Faults, customers and an operator; then quiet. Gives the time from which on nothing went wrong.
async fn strike(scene: Scene<'_>, plan: &Plan, tokens: &[String]) -> anyhow::Result<Instant> {
    let began = Instant::now();
    let field = Field { scene, began, seed: plan.seed };
    let striking = async {
        let faults = join_all(plan.tracks.iter().map(|track| field.strike(track)));
        if timeout(plan.length + FAULTS_MAX, faults).await.is_err() {
            scene.witness.violation("fault_never_over", "a fault could not be taken back in time");
        }
        pace::until(began, plan.length).await;
    };
    let healing = async {
        tokio::select! {
            () = striking => {}
            () = load::look_after(scene, plan.seed) => {}
        }
        scene.timeline.note("all faults are over");
        scene.world.heal().await.context("healing the world")?;
        anyhow::Ok(Instant::now())
    };
    let customers = load::send_all(scene, began, &plan.journeys, tokens);
    let (home, healed) = tokio::join!(timeout(plan.length + FAULTS_MAX + HOME_MAX, customers), healing);
    if home.is_err() {
        scene.witness.violation("customer_never_home", "a customer was still waiting for an answer");
    }
    healed
}

fn sum_up(plan: &Plan, scene: Scene<'_>, found: Option<Findings>) -> Outcome {
    let testimony = scene.witness.testify();
    let interrupted = found.is_none();
    let Findings { rest, deadlocks, mut violations, named } = found.unwrap_or_default();
    violations.extend(testimony.violations.iter().cloned());
    let (wanted, booked) = progress(plan, &testimony);
    if !interrupted && booked * 100 < wanted * BOOKED_PERCENT_MIN {
        let detail = format!("of {wanted} who wanted a booking and had seats, {booked} got one");
        violations.push(Violation { rule: "no_progress".into(), detail });
    }
    let ends = testimony.ends.iter().map(|((kind, how), count)| format!("{kind:?} {how}: {count}")).collect();
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
        timeline: scene.timeline.text(),
        sagas: rest.stuck.into_iter().chain(rest.hung).chain(named).collect(),
    }
}

/// Of the customers who wanted to keep a booking: who had seats to themselves, and who has one.
fn progress(plan: &Plan, testimony: &Testimony) -> (usize, usize) {
    let came = plan.journeys.iter().filter(|planned| planned.what.kind.wants_a_booking()).count();
    let lost = testimony.ended(Kind::wants_a_booking, "seats taken");
    (came.saturating_sub(lost), testimony.ended(Kind::wants_a_booking, "booked"))
}
