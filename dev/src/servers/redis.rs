//! A private Redis (or Valkey): the real server, as a child of this process, with nothing on disk. What it loses when
//! it ends costs time, but no booking.

use super::cluster::clean_command;
use super::error::DevError;
use super::log::Log;
use super::owner::Owner;
use super::programs;
use super::server::{Program, Server};
use rustix::process::Signal;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How a private Redis is to be run.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// The folder for its log; made if absent.
    pub data_dir: PathBuf,
    /// Further settings, as in `redis.conf`; they win over ours.
    pub extra_settings: Vec<(String, String)>,
}

impl RedisOptions {
    /// A server with its log in this folder.
    pub fn in_dir(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), extra_settings: Vec::new() }
    }
}

/// A running (or killed, or stopped) private Redis. Dropping it stops it.
#[derive(Debug)]
pub struct Redis {
    server: Server<RedisProgram>,
}

impl Redis {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// No Redis found, folder out of reach, or the server ended; see [`DevError`].
    pub async fn start(options: RedisOptions) -> Result<Self, DevError> {
        let owner = Owner::of_servers()?;
        let path = programs::redis()?.path;
        owner.check_reach(&path)?;
        let home = owner.create_shared_folder(&options.data_dir)?;
        let folder = home.join("redis");
        owner.create_private_folder(&folder)?;
        let log = Log::begin(home.join("redis.log"))?;
        let program = RedisProgram { path, folder, extra_settings: options.extra_settings };
        Ok(Self { server: Server::start(program, owner, log).await? })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.server.port)
    }

    /// The port on 127.0.0.1; the same through every restart.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The server's log.
    pub fn log(&self) -> &Path {
        self.server.log.path()
    }

    /// `kill -9`: every key is gone.
    pub async fn kill(&self) {
        self.server.kill().await;
    }

    /// Freezes it: it keeps its connections and answers nobody until [`Redis::resume`].
    pub async fn pause(&self) {
        self.server.signal(Signal::STOP).await;
    }

    /// Lets it go on after [`Redis::pause`].
    pub async fn resume(&self) {
        self.server.signal(Signal::CONT).await;
    }

    /// Stops it; every key is gone. Does nothing if it isn't running.
    ///
    /// # Errors
    /// [`DevError::Slow`] if it took too long; it has been killed then.
    pub async fn stop(&self) -> Result<(), DevError> {
        self.server.stop().await
    }

    /// Stops it if it runs, and starts it empty on the same port.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn restart(&self) -> Result<(), DevError> {
        self.server.restart().await
    }
}

#[derive(Debug)]
struct RedisProgram {
    path: PathBuf,
    folder: PathBuf,
    extra_settings: Vec<(String, String)>,
}

impl Program for RedisProgram {
    const NAME: &'static str = "Redis";

    fn command(&self, port: u16) -> Command {
        let mut command = clean_command(&self.path, &self.folder);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"]);
        command.args(["--save", "", "--appendonly", "no"]);
        for (name, value) in &self.extra_settings {
            command.arg(format!("--{name}")).arg(value);
        }
        command
    }

    async fn is_ready(&self, port: u16, pid: u32) -> bool {
        /// A frozen or foreign server may take the connection and never answer.
        const ANSWER_MAX: Duration = Duration::from_secs(1);
        let asked = tokio::time::timeout(ANSWER_MAX, process_id(port)).await;
        matches!(asked, Ok(Ok(Some(answered))) if answered == pid)
    }

    fn stop_signals(&self) -> &[Signal] {
        &[Signal::TERM, Signal::KILL]
    }
}

/// The pid of the Redis on this port, as it says itself.
async fn process_id(port: u16) -> io::Result<Option<u32>> {
    const ANSWER_BYTES_MAX: u64 = 16 * 1024;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"INFO server\r\nQUIT\r\n").await?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
    let pid = answer.lines().find_map(|line| line.strip_prefix("process_id:"));
    Ok(pid.and_then(|pid| pid.trim_end().parse().ok()))
}
