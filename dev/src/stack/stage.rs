//! Everything that must run before the first booking, in the order in which it is started and stopped.

use super::commands::{APP_ROLE, Commands, DemoVenue, HASTY_THEATRE, THEATRE, TROUBLED_THEATRE, Urls};
use super::folder::Folder;
use super::keeper::{Keeper, Kept};
use super::once;
use super::tokens::Tokens;
use super::trouble::Generation;
use crate::servers::port;
use crate::servers::postgres::{Postgres, PostgresOptions};
use crate::servers::redis::{Redis, RedisOptions};
use anyhow::Context;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NODE_PORT: u16 = 8080;
const GATEWAY_PORT: u16 = 8180;
/// The database of the service's tables, in our own PostgreSQL.
const DATABASE: &str = "usher";

/// Servers, gateway and node, ready to be used.
pub(super) struct Stage {
    pub commands: Arc<Commands>,
    pub http: reqwest::Client,
    pub tokens: Tokens,
    pub node: Keeper,
    gateway: Keeper,
    redis: Option<Redis>,
    postgres: Option<Postgres>,
    folder: Folder,
}

impl Stage {
    /// Starts everything, and says what. With trouble, the node begins with code that still works.
    pub async fn set(folder: Folder, servers: Servers, with_trouble: bool) -> anyhow::Result<Self> {
        println!("data in {}", folder.path().display());
        let (postgres, owner, database) = postgres(&folder, servers.database_url).await?;
        let (redis, redis_url) = redis(&folder, servers.redis_url).await?;
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs).with_context(|| format!("creating `{}`", logs.display()))?;

        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (node, gateway) = (local(port::from(NODE_PORT)?), local(port::from(GATEWAY_PORT)?));
        let program = std::env::current_exe().context("finding this program's own file")?;
        let urls = Urls { owner, database, redis: redis_url };
        let trouble = with_trouble.then(|| code(&folder));
        if with_trouble {
            deploy(&folder, Generation::Before)?;
        }
        let commands = Arc::new(Commands::new(program, urls, node, gateway, folder.path(), trouble));
        once::run(commands.migrate()).await?;

        let http = client()?;
        let kept = |name, command: fn(&Commands) -> _, ready_url| {
            let commands = Arc::clone(&commands);
            Kept { name, command: Box::new(move || command(&commands)), ready_url }
        };
        let gateway_ready = format!("{}/control/books", commands.gateway_url());
        let gateway = Keeper::start(kept("gateway", Commands::gateway, gateway_ready), &logs)?;
        let node_ready = format!("{}/readyz", commands.node_url());
        let node = Keeper::start(kept("node", Commands::node, node_ready), &logs)?;
        gateway.ready(&http).await?;
        node.ready(&http).await?;
        println!("node    {}, gateway {}", commands.node_url(), commands.gateway_url());

        let venues = [THEATRE, if with_trouble { TROUBLED_THEATRE } else { HASTY_THEATRE }];
        for venue in venues {
            build(&commands, &http, venue).await?;
        }
        let tokens = Tokens::read_or_create(folder.path(), &commands, &http).await?;
        Ok(Self { commands, http, tokens, node, gateway, redis, postgres, folder })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces the node's code, as a deployment does that waits for nobody.
    pub async fn deploy(&self, generation: Generation) -> anyhow::Result<()> {
        deploy(&self.folder, generation)?;
        self.node.kill().await;
        Ok(self.node.ready(&self.http).await?)
    }

    /// Returns when a child can't be kept running, with the reason.
    pub async fn broken(&self) -> anyhow::Error {
        tokio::select! {
            error = self.node.given_up() => error.into(),
            error = self.gateway.given_up() => error.into(),
        }
    }

    /// Stops everything, the first started last: each still has what it needs to finish.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.node.stop().await;
        self.gateway.stop().await;
        if let Some(redis) = self.redis {
            redis.stop().await?;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await?;
        }
        Ok(())
    }
}

/// The file that says which code is deployed.
fn code(folder: &Folder) -> PathBuf {
    folder.path().join("trouble")
}

fn deploy(folder: &Folder, generation: Generation) -> anyhow::Result<()> {
    let file = code(folder);
    generation.deploy(&file).with_context(|| format!("writing `{}`", file.display()))
}

/// Servers that are to be used instead of private ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Servers {
    pub database_url: Option<String>,
    pub redis_url: Option<String>,
}

/// The server if it is ours, the URL of the tables' owner if that is another than who serves, and the URL to serve by.
async fn postgres(
    folder: &Folder,
    given: Option<String>,
) -> anyhow::Result<(Option<Postgres>, Option<String>, String)> {
    if let Some(url) = given {
        println!("PostgreSQL as `USHER_DATABASE_URL` says");
        return Ok((None, None, url));
    }
    let postgres = Postgres::start(PostgresOptions::in_dir(folder.path())).await?;
    let mut connection = PgConnection::connect(&postgres.url("postgres")).await.context("connecting")?;
    let exists = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
    if !exists.bind(DATABASE).fetch_one(&mut connection).await.context("looking for the database")? {
        let create = sqlx::AssertSqlSafe(format!("create database {DATABASE}"));
        sqlx::raw_sql(create).execute(&mut connection).await.context("creating the database")?;
    }
    let (owner, url) = (postgres.url(DATABASE), postgres.url_as(APP_ROLE, DATABASE));
    println!("PostgreSQL {} at {url}", postgres.major_version());
    Ok((Some(postgres), Some(owner), url))
}

async fn redis(folder: &Folder, given: Option<String>) -> anyhow::Result<(Option<Redis>, String)> {
    if let Some(url) = given {
        println!("Redis as `USHER_REDIS_URL` says");
        return Ok((None, url));
    }
    let redis = Redis::start(RedisOptions::in_dir(folder.path())).await?;
    println!("Redis at {}", redis.url());
    let url = redis.url();
    Ok((Some(redis), url))
}

/// Has a venue generated, unless there is an event of that name.
async fn build(commands: &Commands, http: &reqwest::Client, venue: DemoVenue) -> anyhow::Result<()> {
    let events: Value = http.get(format!("{}/events", commands.node_url())).send().await?.json().await?;
    let named = |event: &Value| event["name"] == venue.name;
    if !events["items"].as_array().is_some_and(|events| events.iter().any(named)) {
        once::run(commands.generate(venue)).await?;
    }
    Ok(())
}

/// Talks to this machine only: no proxy, no redirects.
fn client() -> anyhow::Result<reqwest::Client> {
    // Fails only if one is installed already, and then that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().context("making an HTTP client")
}
