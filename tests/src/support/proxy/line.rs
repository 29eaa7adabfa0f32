//! Lines: the connections of one proxy, by whom they belong to, and what happens to their bytes.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What happens to the bytes of a line, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They pass.
    Open,
    /// They wait, and pass later: a machine that hangs.
    Held,
    /// They are taken and thrown away, and nothing is closed: a network that lost the connection.
    Dead,
    /// The connection is closed.
    Cut,
}

/// Chooses lines by their owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All lines.
    All,
    /// Lines whose `application_name` begins with this, such as `usher lane`.
    Named(&'static str),
}

/// All lines of a proxy, and what becomes of new ones.
#[derive(Default)]
pub(super) struct Lines(Mutex<Switchboard>);

#[derive(Default)]
struct Switchboard {
    lines: Vec<(String, watch::Sender<Flow>)>,
    /// What happens to lines that are opened later. The latest rule that fits counts.
    rules: Vec<(Whom, Flow)>,
}

impl Whom {
    pub(super) fn fits(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(start) => name.starts_with(start),
        }
    }
}

impl Lines {
    /// A new line, under the name that it gave.
    pub fn open(&self, name: String) -> watch::Receiver<Flow> {
        let mut board = self.lock();
        board.lines.retain(|(_, line)| line.receiver_count() > 0);
        let rule = board.rules.iter().rev().find(|(whom, _)| whom.fits(&name));
        let (line, flow) = watch::channel(rule.map_or(Flow::Open, |(_, flow)| *flow));
        board.lines.push((name, line));
        flow
    }

    /// Changes the lines that there are. A dead line can only be cut.
    pub fn set(&self, whom: &Whom, flow: Flow) {
        for (_, line) in self.lock().lines.iter().filter(|(name, _)| whom.fits(name)) {
            line.send_modify(|now| {
                if matches!(now, Flow::Open | Flow::Held) || flow == Flow::Cut {
                    *now = flow;
                }
            });
        }
    }

    /// Changes those that are yet to come.
    pub fn set_new(&self, whom: Whom, flow: Flow) {
        self.lock().rules.push((whom, flow));
    }

    /// Opens held lines, and new ones. Dead lines stay dead, as half-open connections do.
    pub fn heal(&self) {
        self.lock().rules.clear();
        self.set(&Whom::All, Flow::Open);
    }

    fn lock(&self) -> MutexGuard<'_, Switchboard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries each connection to `server` by `carry`, until the task is dropped.
pub(super) async fn accept<F>(
    listener: TcpListener,
    server: String,
    carry: impl Fn(TcpStream, TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // A server that is down refuses, and so do we: the client's connection is closed at once.
        if let Ok(server) = TcpStream::connect(&server).await {
            let _ = (client.set_nodelay(true), server.set_nodelay(true)); // a proxy adds no delay of its own
            connections.spawn(carry(client, server));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Ends when the line is cut.
pub(super) async fn is_cut(mut flow: watch::Receiver<Flow>) {
    // The sender lives as long as the proxy, whose end is also ours.
    let _ = flow.wait_for(|flow| *flow == Flow::Cut).await;
}

/// Waits until bytes may pass. `false`: they are to be thrown away.
pub(super) async fn may_pass(flow: &mut watch::Receiver<Flow>) -> io::Result<bool> {
    let decided = flow.wait_for(|flow| *flow != Flow::Held).await;
    match decided.as_deref() {
        Ok(Flow::Open) => Ok(true),
        Ok(Flow::Dead) => Ok(false),
        Ok(Flow::Held | Flow::Cut) | Err(_) => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Bytes as they come, in one direction.
pub(super) async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    const CHUNK_BYTES: usize = 64 * 1024;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        if may_pass(&mut flow).await? {
            to.write_all(&buffer[..length]).await?;
        }
    }
}
