//! The lanes of a node. They run on threads of their own, are watched, and are replaced if one of them hangs.

use crate::{
    build_error::BuildError,
    database::in_time,
    id::SagaId,
    lane::{Lane, Shared},
    record::StuckCause,
    settings::Settings,
    signs::{Doing, Signs},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The running lanes. A lane that is given up makes room for a new one.
#[derive(Clone, Default)]
pub(crate) struct Lanes(Arc<Mutex<Vec<RunningLane>>>);

struct RunningLane {
    number: usize,
    thread: JoinHandle<()>,
    signs: Arc<Signs>,
}

/// The state of a lane.
#[derive(Clone, Debug)]
pub struct LaneStatus {
    /// Its number on this node.
    pub number: usize,
    /// Whether it has a connection to a database that it can write to.
    pub connected: bool,
    /// How long it has given no sign of life although it has something to do.
    pub silent_for: Duration,
    /// How long ago it last committed, or began.
    pub committed_ago: Duration,
    /// How long the oldest input of each kind (`result`, `letter`, `wake`, `start`) has waited for it.
    pub oldest: Vec<(&'static str, Duration)>,
}

impl LaneStatus {
    /// Whether it can do its work: it has a connection, and has given a sign of life within the longest time that one
    /// statement may take.
    pub fn works(&self) -> bool {
        self.connected && self.silent_for < Settings::STATEMENT_MAX + Duration::from_secs(1)
    }
}

/// How much longer the watcher waits than the lane itself, which ends most of its trouble by itself.
const BEYOND: Duration = Duration::from_secs(2);
/// The wait between two attempts to start a lane.
const RESPAWN: Duration = Duration::from_millis(500);
/// The longest and the shortest time between two looks.
const LOOK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// The leases of a lane with older signs of life are not renewed.
const GETS_ON_AT_LEAST: Duration = Duration::from_secs(1);

impl Lanes {
    /// Starts a lane, and returns when it is connected.
    pub async fn start(&self, shared: &Arc<Shared>, number: usize) -> Result<(), BuildError> {
        let lane = spawn(shared.clone(), number).await?;
        self.lock().push(lane);
        Ok(())
    }

    /// Whether the lane with this number works, so that the leases of its sagas should be renewed.
    pub fn gets_on(&self, number: usize, lease: Duration) -> bool {
        let bound = lease.max(GETS_ON_AT_LEAST);
        let lanes = self.lock();
        lanes
            .iter()
            .any(|lane| lane.number == number && lane.signs.silent_for().is_none_or(|silent| silent < bound))
    }

    /// The state of each lane. A lane that was given up and is not replaced yet is not connected.
    pub fn status(&self, shared: &Shared) -> Vec<LaneStatus> {
        let lanes = self.lock();
        let status = shared.queues.iter().enumerate().map(|(number, queue)| {
            let signs = lanes.iter().find(|lane| lane.number == number).map(|lane| &lane.signs);
            LaneStatus {
                number,
                connected: signs.is_some_and(|signs| signs.backend() != 0),
                silent_for: signs.and_then(|signs| signs.silent_for()).unwrap_or_default(),
                committed_ago: signs.map(|signs| signs.committed_ago()).unwrap_or_default(),
                oldest: queue.oldest().map(|(kind, age)| (kind.as_str(), age)).to_vec(),
            }
        });
        status.collect()
    }

    /// Whether all of them have ended. Threads are not joined, because waiting for a thread that hangs would keep the process
    /// from ending.
    pub fn have_ended(&self) -> bool {
        self.lock().iter().all(|lane| lane.thread.is_finished())
    }

    /// Gives up lanes that hang: in a poll for longer than `poll_max`, elsewhere for longer than they may be silent.
    fn give_up(&self, shared: &Shared) -> Vec<(usize, Arc<Signs>)> {
        let (poll_max, silence_max) = (shared.settings.poll_max, shared.settings.silence_max + BEYOND);
        let mut given_up = Vec::new();
        self.lock().retain(|lane| {
            let bound = if matches!(lane.signs.doing(), Doing::Poll(_)) { poll_max } else { silence_max };
            let stands_still =
                lane.signs.silent_for().is_some_and(|silent| silent > bound) || lane.thread.is_finished();
            if stands_still {
                lane.signs.give_up();
                given_up.push((lane.number, lane.signs.clone()));
            }
            !stands_still
        });
        given_up
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RunningLane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the lanes until told to stop: replaces those that hang, and reports the state of the others.
pub(crate) async fn watch(shared: Arc<Shared>, lanes: Lanes, stop: CancellationToken) {
    let look = (shared.settings.poll_max / 8).clamp(LOOK.0, LOOK.1);
    let mut missing: Vec<usize> = Vec::new();
    loop {
        let pause = if missing.is_empty() { look } else { RESPAWN };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        for (number, signs) in lanes.give_up(&shared) {
            blame(&shared, number, &signs);
            missing.push(number);
            metrics::counter!("usher_lane_replaced_total").increment(1);
            if let Err(error) = close(&shared, &signs).await {
                tracing::error!(lane = number, %error, "the connection of a lane that hung could not be closed");
            }
        }
        let mut still_missing = Vec::new();
        for number in missing {
            if let Err(error) = lanes.start(&shared, number).await {
                tracing::error!(lane = number, %error, "the lane could not be replaced yet");
                still_missing.push(number);
            }
        }
        missing = still_missing;
        set_gauges(&lanes.status(&shared));
    }
}

/// Gives up a lane: records the sagas that may be the cause, and stops renewing its leases.
fn blame(shared: &Shared, number: usize, signs: &Signs) {
    let doing = signs.doing();
    tracing::error!(lane = number, ?doing, "a lane hangs and is given up");
    let bound = match doing {
        Doing::Poll(_) => shared.settings.poll_max,
        Doing::Nothing | Doing::Round | Doing::Set { .. } => shared.settings.silence_max,
    };
    match (doing.sagas(), doing.cause(bound)) {
        ([saga], Some(cause)) => prove(shared, *saga, cause),
        (sagas, _) => shared.culprits.suspect(sagas.iter().copied()),
    }
    shared.leases.abandon(|saga| shared.lane_of(saga) == number);
}

fn prove(shared: &Shared, saga: SagaId, cause: StuckCause) {
    shared.culprits.prove(saga, cause);
    shared.queue(saga).wake(saga);
}

async fn close(shared: &Shared, signs: &Signs) -> Result<(), sqlx::Error> {
    if signs.backend() == 0 {
        return Ok(());
    }
    let mut connection = shared.database.connect("watch").await?;
    let close = sqlx::query("select pg_terminate_backend($1)").bind(signs.backend());
    in_time(close.execute(&mut connection)).await.map(drop)
}

fn set_gauges(lanes: &[LaneStatus]) {
    for lane in lanes {
        let number = lane.number.to_string();
        metrics::gauge!("usher_lane_last_commit_seconds", "lane" => number.clone())
            .set(lane.committed_ago.as_secs_f64());
        for (kind, age) in &lane.oldest {
            metrics::gauge!("usher_lane_oldest_seconds", "lane" => number.clone(), "kind" => *kind)
                .set(age.as_secs_f64());
        }
    }
}

async fn spawn(shared: Arc<Shared>, number: usize) -> Result<RunningLane, BuildError> {
    let signs = Arc::new(Signs::default());
    let its = signs.clone();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name(format!("lane-{number}")).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(BuildError::Thread(error)))),
        };
        runtime.block_on(async {
            match Lane::open(shared, number, its).await {
                Ok(lane) => {
                    let _ = ready.send(Ok(()));
                    lane.run().await;
                }
                Err(error) => drop(ready.send(Err(BuildError::Database(error)))),
            }
        });
    })?;
    match is_ready.await {
        Ok(ready) => ready.map(|()| RunningLane { number, thread, signs }),
        Err(_) => Err(BuildError::Thread(std::io::Error::other("the lane's thread ended"))),
    }
}
