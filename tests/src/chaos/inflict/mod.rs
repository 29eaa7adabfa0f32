//! Faults, as they strike: each begins, lasts, and is taken back by whoever began it.

mod network;
mod processes;
mod server;

use super::{
    pace,
    plan::{Fault, Planned, Stroke},
    scene::Scene,
};
use crate::support::{Prey, Rival};
use std::time::Duration;
use tokio::time::Instant;

/// What faults need.
pub(super) struct Field<'a> {
    pub scene: Scene<'a>,
    /// When the plan's time began.
    pub began: Instant,
    pub seed: u64,
}

impl Field<'_> {
    /// Strikes one after the other. A fault that can't be had is noted, and no reason to stop.
    pub async fn strike(&self, track: &[Planned<Stroke>]) {
        for Planned { at, what: Stroke { fault, lasts } } in track {
            pace::until(self.began, *at).await;
            self.scene.timeline.note(format!("{fault}, for {lasts:?}"));
            match self.inflict(fault, *lasts).await {
                Ok(()) => self.scene.timeline.note(format!("over: {fault}")),
                Err(error) => self.scene.timeline.note(format!("{fault}: not so: {error:#}")),
            }
        }
    }

    async fn inflict(&self, fault: &Fault, lasts: Duration) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(_) | Fault::KillAll | Fault::Freeze(_) | Fault::Leave(_) => {
                self.strike_processes(fault, lasts).await
            }
            Fault::CrashPostgres | Fault::TerminateBackends | Fault::ReadOnly | Fault::DiskFull => {
                self.strike_postgres(fault, lasts).await
            }
            Fault::Commits(node, whom, ways) => {
                self.meddle_with_commits(*node, whom, ways, lasts).await;
                Ok(())
            }
            Fault::HoldPostgres(..) | Fault::DeadPostgres(..) | Fault::CutOffPostgres(_) => {
                self.strike_lines(fault, lasts).await;
                Ok(())
            }
            Fault::Rival(prey) => self.lock(prey, lasts).await,
            Fault::FlushRedis | Fault::KillRedis | Fault::HoldRedis | Fault::DeadRedis(_) => {
                self.strike_redis(fault, lasts).await
            }
            Fault::GatewayLine(..) | Fault::GatewayMood(_) | Fault::GatewayGone | Fault::Webhooks(_) => {
                self.strike_gateway(fault, lasts).await
            }
        }
    }

    async fn lock(&self, prey: &Prey, lasts: Duration) -> anyhow::Result<()> {
        let rival = Rival::take(&self.scene.world.database_url(), prey).await?;
        self.scene.timeline.note(format!("a rival has {prey}: {} rows", rival.rows));
        pace::pass(lasts).await;
        rival.release().await;
        Ok(())
    }
}
