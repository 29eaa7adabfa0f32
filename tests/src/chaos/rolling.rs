//! A rolling restart under load: of two nodes one leaves and comes back, then the other, again and again. No request may
//! fail, and no saga may stay leased.

use super::{
    checks, evidence,
    load::{Balancer, Client, Customer},
    pace,
    plan::{Journey, Kind},
    scene::Scene,
    timeline::Timeline,
    witness::{Violation, Witness},
    world::{LEAVE_MAX, Making, World},
};
use anyhow::Context;
use futures_util::future::join_all;
use serde::Serialize;
use std::{
    fmt::Write as _,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Customers at any time, each with a seat of their own that they give back again.
const CUSTOMERS: usize = 8;
/// What they do, in turn: all of it ends with the seat free.
const TURNS: [Kind; 3] = [Kind::GivenBack, Kind::CancelledBefore, Kind::Declined];
/// The event of these customers, where each has a seat of their own.
const EVENT: usize = 1;
/// How long customers think, and how long they wait for the next turn.
const THINKS: Duration = Duration::from_millis(50);
/// How soon after its start a node is ready.
const READY_MAX: Duration = Duration::from_secs(60);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Rolling {
    /// The program that is a node when it is called as `program usher serve`.
    pub program: PathBuf,
    /// How often a node is told to leave.
    pub terms: usize,
    /// Whether the timeline is printed as it happens.
    pub is_loud: bool,
    /// In which timeline and logs of a bad run are kept.
    pub keep: PathBuf,
    /// No further node is told to leave from then on.
    pub stop: CancellationToken,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Rolled {
    /// How often a node was told to leave.
    pub terms: usize,
    /// Requests that a node took.
    pub requests: usize,
    /// Customers' turns.
    pub journeys: usize,
    /// Sagas that were leased when all was over.
    pub leased: i64,
    /// The longest that a node took to leave, in seconds.
    pub leave_s: f64,
    /// How long it took until all was at rest, in seconds; none if it never was.
    pub rest_s: Option<f64>,
    violations: Vec<Violation>,
}

impl Rolled {
    /// Whether no request failed, and nothing else was wrong.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.leased == 0 && self.rest_s.is_some()
    }

    /// In words, with what was wrong.
    pub fn story(&self) -> String {
        let rest =
            self.rest_s.map_or("never at rest".into(), |rest_s| format!("at rest after {rest_s:.1} s"));
        let mut text = format!(
            "{} SIGTERMs, {} requests in {} journeys, longest leave {:.1} s, {rest}, {} sagas leased, {} violations\n",
            self.terms,
            self.requests,
            self.journeys,
            self.leave_s,
            self.leased,
            self.violations.len()
        );
        for violation in &self.violations {
            let _ = writeln!(text, "  {}: {}", violation.rule, violation.detail);
        }
        text
    }
}

/// Restarts two nodes in turn under load.
///
/// # Errors
/// The world could not be made, or not be asked in the end.
pub async fn roll(rolling: &Rolling) -> anyhow::Result<Rolled> {
    let making = Making { program: rolling.program.clone(), seed: 0, nodes: 2, scope: "database" };
    let world = World::make(&making).await.context("making a world")?;
    let timeline = Timeline::begin(rolling.is_loud);
    let witness = Witness::with(&timeline);
    let scene = Scene { world: &world, witness: &witness, timeline: &timeline };
    let rolled = play(scene, rolling).await?;
    if !rolled.is_good() {
        let story = format!("{}\n{}", timeline.text(), rolled.story());
        evidence::keep(&world, &story, &rolling.keep.join("rolling"))
            .context("keeping what a bad run left")?;
    }
    world.close().await;
    Ok(rolled)
}

async fn play(scene: Scene<'_>, rolling: &Rolling) -> anyhow::Result<Rolled> {
    let Scene { world, witness, .. } = scene;
    let http = &reqwest::Client::builder().no_proxy().build()?;
    world.until_ready(http, READY_MAX).await?;
    let balancer = &Balancer::of(world.nodes.len());
    let client =
        &Client::behind(balancer, world.nodes.iter().map(|node| node.url.clone()).collect(), witness);
    let (is_over, journeys) = (&AtomicBool::new(false), &AtomicUsize::new(0));
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        let customer = Customer { world, client, witness, token: world.customer(number).await?, number };
        customers.push(turns(customer, is_over, journeys));
    }
    let restarting = async {
        let leave = restart_in_turn(scene, http, rolling).await;
        is_over.store(true, Ordering::Relaxed);
        leave
    };
    let (leave, _) = tokio::select! {
        both = async { tokio::join!(restarting, join_all(customers)) } => both,
        () = balancer.watch(world, http) => unreachable!("a balancer watches for ever"),
    };
    let rest = checks::come_to_rest(world, Instant::now()).await;
    let leased = sqlx::query_scalar("select count(*) from usher.sagas where leased").fetch_one(world.pool());
    let leased = leased.await.context("counting leases")?;
    let mut violations = witness.testify().violations;
    violations.extend(checks::check_database(world).await?);
    violations.extend(checks::check_books(world).await?);
    violations.extend(checks::read_logs(world).violations);
    let (terms, longest) = leave?;
    Ok(Rolled {
        terms,
        requests: balancer.requests.load(Ordering::Relaxed),
        journeys: journeys.load(Ordering::Relaxed),
        leased,
        leave_s: longest.as_secs_f64(),
        rest_s: rest.took.map(|took| took.as_secs_f64()),
        violations,
    })
}

/// One customer, turn after turn, until it is over.
async fn turns(customer: Customer<'_>, is_over: &AtomicBool, journeys: &AtomicUsize) {
    for kind in TURNS.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let journey = Journey { kind: *kind, event: EVENT, seats: vec![customer.number], thinks: THINKS };
        // "seats taken" is no fault: the last turn's saga may still be giving the seat back.
        let how = customer.travel(&journey).await;
        customer.witness.ended(*kind, how);
        journeys.fetch_add(1, Ordering::Relaxed);
        pace::pass(THINKS).await;
    }
}

/// Gives how often a node was told to leave, and the longest that one took.
async fn restart_in_turn(
    scene: Scene<'_>,
    http: &reqwest::Client,
    rolling: &Rolling,
) -> anyhow::Result<(usize, Duration)> {
    let Scene { world, witness, timeline } = scene;
    let (mut terms, mut longest) = (0, Duration::ZERO);
    for (term, node) in world.nodes.iter().cycle().take(rolling.terms).enumerate() {
        if rolling.stop.is_cancelled() {
            break;
        }
        terms += 1;
        let left = node.leave().await;
        if left.is_none() {
            witness.violation("node_did_not_leave", format!("SIGTERM {term}: not within {LEAVE_MAX:?}"));
        }
        longest = longest.max(left.unwrap_or(LEAVE_MAX));
        timeline.note(format!("SIGTERM {term}: node {} left after {left:?}", node.number));
        node.start()?;
        world.until_ready(http, READY_MAX).await?;
    }
    Ok((terms, longest))
}
