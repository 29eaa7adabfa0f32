//! A proxy that knows no protocol: for Redis, and for whatever else speaks over TCP.

use super::{
    line::{Flow, Lines, Whom, accept, carry, is_cut},
    through,
};
use std::sync::Arc;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A running proxy; dropped, it ends with all its lines.
pub struct Wire {
    url: String,
    lines: Arc<Lines>,
    _task: JoinSet<()>,
}

impl Wire {
    /// A proxy before the server of this URL.
    pub async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (server, url) = through(url, port);
        let lines = Arc::new(Lines::default());
        let mut task = JoinSet::new();
        let shared = lines.clone();
        task.spawn(accept(listener, server, move |client, server| line(client, server, shared.clone())));
        Self { url, lines, _task: task }
    }

    /// The server's URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets what happens to the bytes of all lines. If they are held or cut, new lines are too.
    pub fn set(&self, flow: Flow) {
        self.lines.set(&Whom::All, flow);
        if matches!(flow, Flow::Held | Flow::Cut) {
            self.lines.set_new(Whom::All, flow);
        }
    }

    /// Opens the lines again; dead ones stay dead.
    pub fn heal(&self) {
        self.lines.heal();
    }
}

async fn line(client: TcpStream, server: TcpStream, lines: Arc<Lines>) {
    let flow = lines.open(String::new());
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Whichever side ends first takes the other with it: both sockets are closed when the halves are dropped.
    tokio::select! {
        _ = carry(from_client, to_server, flow.clone()) => {}
        _ = carry(from_server, to_client, flow.clone()) => {}
        () = is_cut(flow) => {}
    }
}
