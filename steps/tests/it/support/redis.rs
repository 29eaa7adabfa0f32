//! A private Redis of one test's own, which can be made to hang.

use super::server::free_port;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use steps::locks::{SeatLocks, SeatLocksConfig};

/// A running server; it ends when this is dropped.
pub struct Redis {
    port: u16,
    process: String,
    child: Child,
    alive: Option<ChildStdin>,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Self {
        let port = free_port();
        let script = format!(
            r#"
            redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no --daemonize no </dev/null >/dev/null 2>&1 &
            server=$!
            until redis-cli -p {port} ping >/dev/null 2>&1; do kill -0 $server || exit 1; done
            echo $server
            exec >/dev/null
            cat >/dev/null
            kill -KILL $server
            "#
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir("/var/tmp").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut process = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut process).unwrap();
        assert!(!process.is_empty(), "the private Redis starts; is it installed?");
        Self { port, process: process.trim().to_owned(), alive: child.stdin.take(), child }
    }

    /// Seat locks in it.
    pub fn locks(&self) -> SeatLocks {
        SeatLocks::connect(self.config()).unwrap()
    }

    /// How to reach it.
    pub fn config(&self) -> SeatLocksConfig {
        let mut config = SeatLocksConfig::new(format!("redis://127.0.0.1:{}", self.port));
        config.bound = std::time::Duration::from_secs(5); // a busy machine is no fault of Redis
        config
    }

    /// Sends it a signal: `STOP` makes it hang, `CONT` makes it go on.
    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([&format!("-{signal}"), &self.process]).status().unwrap();
        assert!(done.success());
    }

    /// Runs a command on it, given as its words.
    pub async fn command(&self, words: &[&str]) -> Option<String> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.alive.take()); // the shell's sign to kill it
        let _ = self.child.wait();
    }
}
