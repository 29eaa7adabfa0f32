//! What a round cost: commits, WAL and processor time, from its first saga's start until the last is at rest.

use crate::{cpu::Cpu, servers::Servers};
use sqlx::PgConnection;

/// A reading at the round's beginning.
pub(crate) struct Meter<'a> {
    servers: &'a Servers,
    admin: PgConnection,
    before: Reading,
}

/// What was used up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub commits: i64,
    pub wal_bytes: i64,
    pub cpu: Option<Cpu>,
}

struct Reading {
    commits: i64,
    wal_bytes: i64,
    cpu: Option<Cpu>,
}

impl<'a> Meter<'a> {
    pub async fn start(servers: &'a Servers) -> anyhow::Result<Self> {
        let mut admin = servers.admin().await?;
        let before = read(servers, &mut admin).await?;
        Ok(Self { servers, admin, before })
    }

    /// Reads again, once all sessions of the round have ended.
    pub async fn stop(mut self) -> anyhow::Result<Used> {
        self.servers.wait_until_left(&mut self.admin).await?;
        let after = read(self.servers, &mut self.admin).await?;
        Ok(Used {
            commits: after.commits - self.before.commits,
            wal_bytes: after.wal_bytes - self.before.wal_bytes,
            cpu: after.cpu.zip(self.before.cpu).map(|(after, before)| after - before),
        })
    }
}

async fn read(servers: &Servers, admin: &mut PgConnection) -> anyhow::Result<Reading> {
    let written = "select (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";
    Ok(Reading {
        commits: servers.commits(admin).await?,
        wal_bytes: sqlx::query_scalar(written).fetch_one(admin).await?,
        cpu: Cpu::used(),
    })
}
