//! A private PostgreSQL: the real server, as a child of this process.

use super::cluster::{Cluster, clean_command};
use super::error::{DevError, Doing};
use super::log::Log;
use super::owner::Owner;
use super::server::{Program, Server};
use crate::locked::Locked;
use rustix::process::Signal;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a private PostgreSQL is to be run.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The folder for its data and log; made if absent, opened again if there (then it is up in 0.1 s).
    pub data_dir: PathBuf,
    /// Whether a commit survives a power failure (`fsync`). Tests that prove no such thing turn it off.
    pub durable: bool,
    /// Further settings, as in `postgresql.conf`; they win over ours.
    pub extra_settings: Vec<(String, String)>,
}

impl PostgresOptions {
    /// A durable server in this folder.
    pub fn in_dir(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durable: true, extra_settings: Vec::new() }
    }
}

/// A running (or killed, or stopped) private PostgreSQL. Dropping it stops it.
#[derive(Debug)]
pub struct Postgres {
    server: Server<PostgresProgram>,
    /// Held while this lives, because no two processes may use one folder.
    _lock: Locked,
}

impl Postgres {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// No PostgreSQL found, folder in use or out of reach, or the server ended; see [`DevError`].
    pub async fn start(options: PostgresOptions) -> Result<Self, DevError> {
        let owner = Owner::of_servers()?;
        let home = owner.create_shared_folder(&options.data_dir)?;
        let lock = lock(&home)?;
        let log = Log::begin(home.join("postgres.log"))?;
        let cluster = Cluster::open_or_create(&home, &owner, &log, options.durable).await?;
        let server = Server::start(PostgresProgram { cluster, options }, owner, log).await?;
        Ok(Self { server, _lock: lock })
    }

    /// The URL of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        self.url_as("usher", database)
    }

    /// The same for another user than the one who owns everything.
    pub fn url_as(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.server.port)
    }

    /// The port on 127.0.0.1; the same through every restart.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The major version of the server.
    pub fn major_version(&self) -> u32 {
        self.server.program.cluster.program.major
    }

    /// The server's log.
    pub fn log(&self) -> &Path {
        self.server.log.path()
    }

    /// `kill -9`: no checkpoint, and no clean end of sessions. [`Postgres::restart`] recovers.
    pub async fn kill(&self) {
        self.server.kill().await;
    }

    /// Stops it cleanly: sessions are ended, everything is written. Does nothing if it isn't running.
    ///
    /// # Errors
    /// [`DevError::Slow`] if even an immediate shutdown took too long; it has been killed then.
    pub async fn stop(&self) -> Result<(), DevError> {
        self.server.stop().await
    }

    /// Stops it if it runs, and starts it on the same port with the same data.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn restart(&self) -> Result<(), DevError> {
        self.server.restart().await
    }
}

#[derive(Debug)]
struct PostgresProgram {
    cluster: Cluster,
    options: PostgresOptions,
}

impl Program for PostgresProgram {
    const NAME: &'static str = "PostgreSQL";

    fn command(&self, port: u16) -> Command {
        let mut command = clean_command(&self.cluster.program.path, &self.cluster.data);
        command.arg("-D").arg(&self.cluster.data);
        let synced = if self.options.durable { "on" } else { "off" };
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port.to_string()),
            // TCP is the only way in. A socket's path may have at most 107 bytes, too few for many folders.
            ("unix_socket_directories", ""),
            ("fsync", synced),
            ("full_page_writes", synced),
            ("max_connections", "200"),
            // The invariants are long queries on small tables: compiling them took half of the database's time.
            ("jit", "off"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", "%m [%p] %q%d "),
        ];
        let extra = self.options.extra_settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(extra) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }

    /// Asks `postmaster.pid`, where the server itself says so: a server that recovers accepts connections and refuses
    /// them.
    async fn is_ready(&self, _port: u16, pid: u32) -> bool {
        self.cluster.is_ready(pid)
    }

    /// SIGINT is a fast, clean shutdown, SIGQUIT an immediate one; scratch isn't worth the checkpoint.
    fn stop_signals(&self) -> &[Signal] {
        if self.options.durable { &[Signal::INT, Signal::QUIT] } else { &[Signal::QUIT] }
    }
}

fn lock(home: &Path) -> Result<Locked, DevError> {
    let path = home.join("postgres.lock");
    let file = File::create(&path).doing(|| format!("creating `{}`", path.display()))?;
    match Locked::take(file) {
        Ok(locked) => Ok(locked),
        Err(TryLockError::WouldBlock) => Err(DevError::InUse { folder: home.to_owned() }),
        Err(TryLockError::Error(error)) => Err(error).doing(|| format!("locking `{}`", path.display())),
    }
}
