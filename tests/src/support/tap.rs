//! A tap before a server: closed, bytes wait on both sides, as with a machine that hangs.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// A running tap; dropped, it ends with all its connections.
pub struct Tap {
    url: String,
    open: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Tap {
    /// An open tap before the database of this URL.
    pub async fn before(url: &str) -> Self {
        let (start, rest) = url.split_once('@').expect("the URL names its user");
        let (server, database) = rest.split_once('/').expect("the URL names its database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (open, is_open) = watch::channel(true);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server.to_owned(), is_open));
        Self { url: format!("{start}@127.0.0.1:{port}/{database}?sslmode=disable"), open, _task: task }
    }

    /// The database's URL through the tap.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets nothing through from now on.
    pub fn pause(&self) {
        self.open.send_replace(false);
    }

    /// Lets everything through that has waited, and all that comes.
    pub fn resume(&self) {
        self.open.send_replace(true);
    }
}

async fn accept(listener: TcpListener, server: String, open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, open) = (server.clone(), open.clone());
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            // Whichever side ends first takes the other with it.
            tokio::select! {
                () = carry(from_client, to_server, open.clone()) => {}
                () = carry(from_server, to_client, open) => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut open: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if open.wait_for(|open| *open).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
