//! Programs that keep running: their output, the signals to them, and their end.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

/// Longer than anything here may take; a program that hangs must not hang the tests.
pub const BOUND: Duration = Duration::from_secs(30);

/// How soon a node leaves after it was told to; operators are promised this.
const LEAVE_MAX: Duration = Duration::from_secs(25);

/// A running program, and the lines that it prints; killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Follows what a program prints.
    pub fn printing(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (found, lines) = channel();
        follow(child.stdout.take().unwrap(), found);
        Self { child, lines }
    }

    /// Follows what a program prints and what it logs, in JSON.
    pub fn logging(mut command: Command) -> Self {
        command.env("USHER_LOG_FORMAT", "json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (found, lines) = channel();
        follow(child.stdout.take().unwrap(), found.clone());
        follow(child.stderr.take().unwrap(), found);
        Self { child, lines }
    }

    /// The next line.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(BOUND).expect("a line is printed")
    }

    /// The next line that has `word`.
    pub fn line_with(&self, word: &str) -> String {
        self.line_within(BOUND, word)
    }

    /// The same, if it comes in this time.
    pub fn line_within(&self, bound: Duration, word: &str) -> String {
        let began = Instant::now();
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(bound.saturating_sub(began.elapsed())) {
            if line.contains(word) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line has `{word}`:\n{}", seen.join("\n"));
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// How it ends, within the bound that operators are promised. Its last line comes when it is gone.
    pub fn ends(&mut self) -> ExitStatus {
        let began = Instant::now();
        while self.lines.recv_timeout(LEAVE_MAX.saturating_sub(began.elapsed())).is_ok() {}
        assert!(began.elapsed() < LEAVE_MAX, "it does not leave");
        self.child.wait().unwrap()
    }

    /// How it ends when it gets this signal.
    pub fn leaves(&mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.ends()
    }

    /// Tells it to leave, and waits until it has: for destructors, so nothing is asserted.
    pub fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, so that the program never waits for a full pipe.
fn follow(from: impl Read + Send + 'static, found: Sender<String>) {
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).for_each(|line| drop(found.send(line)));
    });
}
