//! PostgreSQL itself: crashed, read-only, full, or with an administrator who ends sessions.

use super::Field;
use crate::chaos::{pace, plan::Fault};
use anyhow::{Context, bail};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::time::Duration;
use tokio::time::timeout;

/// After a full disk the server recovers by itself within this, or is started again.
const RECOVERED_MAX: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Field<'_> {
    pub(super) async fn strike_postgres(&self, fault: &Fault, lasts: Duration) -> anyhow::Result<()> {
        match fault {
            Fault::CrashPostgres => {
                self.scene.world.postgres.kill().await;
                pace::pass(lasts).await;
                Ok(self.scene.world.postgres.restart().await?)
            }
            Fault::TerminateBackends => {
                self.administer(&[
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'usher%'",
                ])
                .await
            }
            Fault::ReadOnly => {
                let reload = "select pg_reload_conf()";
                self.administer(&["alter system set default_transaction_read_only = on", reload]).await?;
                pace::pass(lasts).await;
                self.administer(&["alter system reset default_transaction_read_only", reload]).await
            }
            Fault::DiskFull => {
                let Some(disk) = &self.scene.world.disk else { bail!("this machine lets nobody mount a disk") };
                disk.fill().await;
                pace::pass(lasts).await;
                disk.make_room();
                if timeout(RECOVERED_MAX, self.is_there()).await.is_err() {
                    self.scene.timeline.note("PostgreSQL has not survived the full disk, and is started again");
                    self.scene.world.postgres.restart().await?;
                }
                Ok(())
            }
            _ => unreachable!("it is no fault of PostgreSQL: {fault}"),
        }
    }

    async fn is_there(&self) {
        while self.administrator().await.is_err() {
            pace::pass(LOOK_EVERY).await;
        }
    }

    async fn administrator(&self) -> anyhow::Result<PgConnection> {
        let options: PgConnectOptions = self.scene.world.database_url().parse()?;
        options.application_name("administrator").connect().await.context("connecting as an administrator")
    }

    async fn administer(&self, statements: &[&'static str]) -> anyhow::Result<()> {
        let mut connection = self.administrator().await?;
        for statement in statements {
            sqlx::raw_sql(*statement)
                .execute(&mut connection)
                .await
                .with_context(|| (*statement).to_owned())?;
        }
        Ok(connection.close().await?)
    }
}
