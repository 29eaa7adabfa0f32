//! Jobs that every node with lanes runs again and again, on cron schedules in UTC.
//!
//! The scheduler only ticks. Each job is safe to run at any time, twice at once, on many nodes or not at all for a
//! while. The jobs find their work in the database, so a lost tick loses nothing.

mod audit;
mod books;
mod money;
mod retention;
mod store;
mod stuck;

pub use retention::IDEMPOTENCY_KEYS_KEPT;

use crate::{Service, ServiceError, numbers, outbox};
use anyhow::Context;
use futures_util::future::BoxFuture;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;
use tokio_cron_scheduler::{Job, JobScheduler};

/// The longest that one run may take. A job that has more to do goes on at the next tick.
const RUN_MAX: Duration = Duration::from_secs(60);

/// One job.
struct Task {
    name: &'static str,
    /// The schedule: seconds, minutes, hours, day of month, month, day of week; UTC.
    schedule: &'static str,
    run: fn(Service) -> BoxFuture<'static, Result<(), ServiceError>>,
}

const TASKS: &[Task] = &[
    Task { name: "inbox", schedule: "*/5 * * * * *", run: |service| Box::pin(money::sweep_inbox(service)) },
    Task {
        name: "old inbox",
        schedule: "30 */5 * * * *",
        run: |service| Box::pin(money::sweep_old_inbox(service)),
    },
    Task {
        name: "payments without news",
        schedule: "*/15 * * * * *",
        run: |service| Box::pin(money::ask_for_news(service)),
    },
    Task {
        name: "events",
        schedule: "45 * * * * *",
        run: |service| Box::pin(money::read_events_back(service)),
    },
    Task {
        name: "parked news",
        schedule: "*/15 * * * * *",
        run: |service| Box::pin(money::report_parked(service)),
    },
    Task { name: "stuck sagas", schedule: "*/15 * * * * *", run: |service| Box::pin(stuck::report(service)) },
    Task {
        name: "samples",
        schedule: "*/10 * * * * *",
        run: |service| Box::pin(numbers::take_sample(service)),
    },
    Task {
        name: "outbox",
        schedule: "*/15 * * * * *",
        run: |service| Box::pin(outbox::report::run(service)),
    },
    Task {
        name: "reconciliation",
        schedule: "15 */5 * * * *",
        run: |service| Box::pin(books::compare(service)),
    },
    Task {
        name: "invariants",
        schedule: "45 */5 * * * *",
        run: |service| Box::pin(audit::check_some(service)),
    },
    Task { name: "retention", schedule: "0 * * * * *", run: |service| Box::pin(retention::run(service)) },
];

/// Counts runs of jobs, by `job` and `outcome`.
const RUNS: &str = "usher_job_runs_total";

/// The jobs of a running node.
pub struct Jobs(JobScheduler);

impl Jobs {
    /// Starts the ticker.
    ///
    /// # Errors
    /// A schedule that can't be read.
    pub async fn start(service: &Service) -> anyhow::Result<Self> {
        let scheduler = JobScheduler::new().await.context("making the scheduler")?;
        for task in TASKS {
            let (service, busy) = (service.clone(), Arc::new(AtomicBool::new(false)));
            let job = Job::new_async(task.schedule, move |_, _| {
                let (service, busy) = (service.clone(), Arc::clone(&busy));
                Box::pin(async move {
                    // A run that takes longer than its interval must not overlap with the next.
                    if !busy.swap(true, Ordering::AcqRel) {
                        run(task, service).await;
                        busy.store(false, Ordering::Release);
                    }
                })
            });
            scheduler.add(job.with_context(|| format!("the schedule of job `{}`", task.name))?).await?;
        }
        scheduler.start().await.context("starting the scheduler")?;
        // Work that waited while no node ran need not wait for the first tick.
        let now = service.clone();
        service.tasks.spawn(async move { Self::run_once(&now).await });
        Ok(Self(scheduler))
    }

    /// Runs every job once, now.
    pub async fn run_once(service: &Service) {
        for task in TASKS {
            run(task, service.clone()).await;
        }
    }

    /// Stops the ticker. Runs are in the node's tasks, which shutdown waits for.
    pub async fn stop(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop");
        }
    }
}

/// One run, in a task of its own: shutdown waits for it, and no tick drops it half-way.
async fn run(task: &'static Task, service: Service) {
    let ran = service.tasks.clone().spawn(timeout(RUN_MAX, (task.run)(service)));
    let outcome = match ran.await {
        Ok(Ok(Ok(()))) => "done",
        Ok(Ok(Err(error))) => {
            tracing::warn!(job = task.name, ?error, "a job failed and will run again later");
            "failed"
        }
        Ok(Err(_)) => {
            tracing::warn!(job = task.name, "a job took too long and will continue later");
            "cut off"
        }
        Err(died) => {
            tracing::error!(job = task.name, %died, "a job panicked");
            "died"
        }
    };
    metrics::counter!(RUNS, "job" => task.name, "outcome" => outcome).increment(1);
}
