//! What is done again and again, on every node that runs sagas: cron jobs in UTC.
//!
//! The scheduler only ticks; each job is safe to run at any time, twice at once, on many nodes or not at all for a
//! while. What they look for stands in the database, so nothing is lost when a tick is.

mod audit;
mod books;
mod money;
mod retention;
mod store;
mod stuck;

pub use money::Rounds;

use crate::{
    http::{App, Problem},
    numbers, outbox,
};
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
    /// Seconds, minutes, hours, day of month, month, day of week; UTC.
    schedule: &'static str,
    run: fn(App) -> BoxFuture<'static, Result<(), Problem>>,
}

const TASKS: &[Task] = &[
    Task { name: "inbox", schedule: "*/5 * * * * *", run: |app| Box::pin(money::sweep_inbox(app)) },
    Task { name: "old inbox", schedule: "30 */5 * * * *", run: |app| Box::pin(money::sweep_old_inbox(app)) },
    Task {
        name: "payments without news",
        schedule: "*/15 * * * * *",
        run: |app| Box::pin(money::ask_for_news(app)),
    },
    Task { name: "events", schedule: "45 * * * * *", run: |app| Box::pin(money::read_events_back(app)) },
    Task { name: "parked news", schedule: "*/15 * * * * *", run: |app| Box::pin(money::report_parked(app)) },
    Task { name: "stuck sagas", schedule: "*/15 * * * * *", run: |app| Box::pin(stuck::report(app)) },
    Task { name: "samples", schedule: "*/10 * * * * *", run: |app| Box::pin(numbers::take(app)) },
    Task { name: "outbox", schedule: "*/15 * * * * *", run: |app| Box::pin(outbox::report::run(app)) },
    Task { name: "reconciliation", schedule: "15 */5 * * * *", run: |app| Box::pin(books::compare(app)) },
    Task { name: "invariants", schedule: "45 */5 * * * *", run: |app| Box::pin(audit::check_some(app)) },
    Task { name: "retention", schedule: "0 * * * * *", run: |app| Box::pin(retention::run(app)) },
];

/// Runs of jobs, by `job` and `outcome`.
const RUNS: &str = "usher_job_runs_total";

/// The jobs of a running node.
pub struct Jobs(JobScheduler);

impl Jobs {
    /// Starts the ticker.
    ///
    /// # Errors
    /// A schedule that can't be read.
    pub async fn start(app: &App) -> anyhow::Result<Self> {
        let scheduler = JobScheduler::new().await.context("making the scheduler")?;
        for task in TASKS {
            let (app, busy) = (app.clone(), Arc::new(AtomicBool::new(false)));
            let job = Job::new_async(task.schedule, move |_, _| {
                let (app, busy) = (app.clone(), Arc::clone(&busy));
                Box::pin(async move {
                    // A run that takes longer than its schedule is not joined by another.
                    if !busy.swap(true, Ordering::AcqRel) {
                        run(task, app).await;
                        busy.store(false, Ordering::Release);
                    }
                })
            });
            scheduler.add(job.with_context(|| format!("the schedule of job `{}`", task.name))?).await?;
        }
        scheduler.start().await.context("starting the scheduler")?;
        // What waited while nobody served waits no longer for the next tick.
        let now = app.clone();
        app.tasks.spawn(async move { Self::run_once(&now).await });
        Ok(Self(scheduler))
    }

    /// Runs every job once, now.
    pub async fn run_once(app: &App) {
        for task in TASKS {
            run(task, app.clone()).await;
        }
    }

    /// Ticks no more. What runs is in the node's tasks, which are waited for.
    pub async fn stop(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop");
        }
    }
}

/// One run, in a task of its own that shutdown waits for and no tick drops half-way.
async fn run(task: &'static Task, app: App) {
    let ran = app.tasks.clone().spawn(timeout(RUN_MAX, (task.run)(app)));
    let outcome = match ran.await {
        Ok(Ok(Ok(()))) => "done",
        Ok(Ok(Err(problem))) => {
            tracing::warn!(job = task.name, ?problem, "a job failed and is run again later");
            "failed"
        }
        Ok(Err(_)) => {
            tracing::warn!(job = task.name, "a job took too long and goes on later");
            "cut off"
        }
        Err(died) => {
            tracing::error!(job = task.name, %died, "a job died");
            "died"
        }
    };
    metrics::counter!(RUNS, "job" => task.name, "outcome" => outcome).increment(1);
}
