//! Everything that a run runs on: private servers, a simulated gateway, three nodes, and a proxy on every way.
//!
//! Witnesses and rivals go past the proxies, straight to the servers.

mod disk;
mod gateway;
mod keeper;
mod node;
mod servers;
mod venue;

pub(super) use gateway::Gateway;
pub(super) use keeper::keep;
pub(super) use node::{LEAVE_MAX, NodeProcess};

use super::{
    pace,
    plan::{EVENTS, LEASE},
};
use crate::support::{HttpProxy, Proxy, Show, Wire, private_redis};
use anyhow::{Context, ensure};
use dev::{Postgres, Redis, Scratch};
use disk::Disk;
use servers::{APP_ROLE, DATABASE};
use sqlx::PgPool;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// What the gateway signs with.
const SECRET: &str = "whsec_of_the_chaos";

/// A world to break.
pub(in super::super) struct World {
    pub nodes: Vec<NodeProcess>,
    pub gateway: Gateway,
    /// Between the gateway and the nodes.
    pub webhooks: HttpProxy,
    pub postgres: Postgres,
    pub redis: Redis,
    pub shows: Vec<Show>,
    pub operator: String,
    /// On which PostgreSQL's data are, if this machine lets us make one.
    pub disk: Option<Disk>,
    pool: PgPool,
    // Last: the servers in it are stopped before the folder goes.
    _scratch: Scratch,
}

/// How a world is made.
#[derive(Clone, Debug)]
pub(super) struct Making {
    /// The program that is a node when it is called as `program usher serve`.
    pub program: PathBuf,
    pub seed: u64,
    pub nodes: usize,
    /// `lanes.batch_scope`.
    pub scope: &'static str,
}

impl World {
    pub async fn make(making: &Making) -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let disk = Disk::make(scratch.path());
        let data = disk.as_ref().map_or_else(|| scratch.path().join("postgres"), Disk::folder);
        let postgres = servers::postgres(&data).await?;
        let redis = private_redis(&scratch).await;
        let owner = postgres.url(DATABASE);
        servers::migrate(&owner).await?;
        let pool = servers::pool(&owner);

        let listens = (0..making.nodes).map(|_| Ok(format!("127.0.0.1:{}", dev::free_port()?)));
        let listens = listens.collect::<anyhow::Result<Vec<_>>>()?;
        let webhooks = listens.iter().map(|listen| format!("http://{listen}")).collect();
        let webhooks = HttpProxy::before(webhooks, making.seed).await;
        let gateway = Gateway::open(&format!("{}/webhooks/stripe", webhooks.url()), SECRET).await?;

        let mut nodes = Vec::new();
        for (number, listen) in listens.iter().enumerate() {
            let proxies = node::Proxies {
                postgres: Proxy::before(&postgres.url_as(APP_ROLE, DATABASE)).await,
                redis: Wire::before(&redis.url()).await,
                gateway: HttpProxy::before(vec![gateway.url.clone()], making.seed + 1 + number as u64).await,
            };
            let environment = environment(&proxies, listen, making.scope);
            let log = scratch.path().join(format!("node-{number}.log"));
            nodes.push(NodeProcess::new(number, listen, proxies, making.program.clone(), environment, log));
        }
        let mut shows = Vec::new();
        for event in &EVENTS {
            shows.push(venue::open(&pool, event).await.context("putting an event on sale")?);
        }
        let operator = api::http::auth::issue(&pool, api::http::auth::Role::Operator, "olga", None).await;
        let operator = operator.context("making an operator's token")?.expose().to_owned();
        for node in &nodes {
            node.start()?;
        }
        Ok(Self { nodes, gateway, webhooks, postgres, redis, shows, operator, disk, pool, _scratch: scratch })
    }

    /// Straight to the database, as its owner.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The database's URL past all proxies.
    pub fn database_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    /// Every file that tells what processes said.
    pub fn logs(&self) -> Vec<PathBuf> {
        let mut logs: Vec<_> = self.nodes.iter().map(|node| node.log().to_owned()).collect();
        logs.push(self.postgres.log().to_owned());
        logs
    }

    /// A token of a new customer's.
    pub async fn customer(&self, number: usize) -> anyhow::Result<String> {
        let email = format!("customer{number}@example.org");
        let issued = api::http::auth::issue_customer(&self.pool, None, "Ada", &email, None).await;
        Ok(issued.context("making a customer's token")?.0.expose().to_owned())
    }

    /// Waits until every node is ready.
    pub async fn until_ready(&self, http: &reqwest::Client, bound: Duration) -> anyhow::Result<()> {
        const LOOK_EVERY: Duration = Duration::from_millis(50);
        let began = Instant::now();
        for node in &self.nodes {
            while !node.is_ready(http).await {
                ensure!(began.elapsed() < bound, "node {} is not ready after {bound:?}", node.number);
                pace::pass(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// Lets nothing go wrong any more: servers run, lines are open, nodes are started.
    pub async fn heal(&self) -> anyhow::Result<()> {
        self.gateway.calm().await?;
        self.webhooks.behave();
        if let Some(disk) = &self.disk {
            disk.make_room();
        }
        for node in &self.nodes {
            node.postgres.heal();
            node.redis.heal();
            node.gateway.behave();
            node.thaw();
            node.start()?;
        }
        Ok(())
    }

    /// Ends all processes. What they said stays until the world is dropped.
    pub async fn close(self) {
        for node in &self.nodes {
            node.kill().await;
        }
        self.pool.close().await;
        // A server that doesn't stop is killed, and has nothing to lose.
        let _ = self.redis.stop().await;
        let _ = self.postgres.stop().await;
    }
}

fn environment(proxies: &node::Proxies, listen: &str, scope: &str) -> Vec<(&'static str, String)> {
    vec![
        ("USHER_DATABASE_URL", proxies.postgres.url().to_owned()),
        ("USHER_REDIS_URL", proxies.redis.url().to_owned()),
        ("USHER_GATEWAY_URL", proxies.gateway.url().to_owned()),
        ("USHER_GATEWAY_KEY", gateway::KEY.to_owned()),
        ("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET.to_owned()),
        ("USHER_GATEWAY_DEADLINE_MS", "1000".to_owned()),
        ("USHER_HTTP_LISTEN", listen.to_owned()),
        ("USHER_LANES_BATCH_SCOPE", scope.to_owned()),
        ("USHER_LANES_LEASE_MS", LEASE.as_millis().to_string()),
        ("USHER_LANES_POLL_MS", "100".to_owned()),
        ("USHER_LANES_STUCK_RETRY_MS", "3000".to_owned()),
    ]
}
