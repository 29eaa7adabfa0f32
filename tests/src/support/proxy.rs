//! A proxy before PostgreSQL that cuts a connection around a COMMIT, where nobody can know what became of it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The COMMIT never arrives.
    BeforeCommit,
    /// It arrives, and is done; its answer never comes.
    AfterCommit,
}

/// A running proxy; dropped, it ends with all its connections.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    /// After how many further COMMITs the next one is cut, and where.
    armed: Mutex<Option<(usize, Cut)>>,
    cuts: AtomicUsize,
}

impl Proxy {
    /// A proxy before the server of this URL.
    pub async fn before(url: &str) -> Self {
        let (start, rest) = url.split_once('@').expect("the URL names its user");
        let (server, database) = rest.split_once('/').expect("the URL names its database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server.to_owned(), shared.clone()));
        Self { url: format!("{start}@127.0.0.1:{port}/{database}?sslmode=disable"), shared, _task: task }
    }

    /// The database's URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets so many COMMITs pass and cuts the one after them.
    pub fn arm(&self, after: usize, cut: Cut) {
        *self.shared.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((after, cut));
    }

    /// How many COMMITs were cut.
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// A COMMIT comes by.
    fn cut(&self) -> Option<Cut> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *armed {
            Some((0, cut)) => {
                let cut = *cut;
                *armed = None;
                self.cuts.fetch_add(1, Ordering::SeqCst);
                Some(cut)
            }
            Some((after, _)) => {
                *after -= 1;
                None
            }
            None => None,
        }
    }
}

async fn accept(listener: TcpListener, server: String, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, shared) = (server.clone(), shared.clone());
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let swallow = AtomicBool::new(false);
            // Whichever side ends first takes the other with it: both sockets are closed when the halves are dropped.
            tokio::select! {
                _ = ask(from_client, to_server, &shared, &swallow) => {}
                _ = answer(from_server, to_client, &swallow) => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// The client's messages: the first has a length only, all others a kind before it.
async fn ask(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    shared: &Shared,
    swallow: &AtomicBool,
) -> std::io::Result<()> {
    let mut kind = None;
    loop {
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        if kind == Some(b'Q') && body.eq_ignore_ascii_case(b"commit\0") {
            match shared.cut() {
                Some(Cut::BeforeCommit) => return Ok(()),
                Some(Cut::AfterCommit) => swallow.store(true, Ordering::SeqCst),
                None => {}
            }
        }
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend(length.to_be_bytes());
        message.extend(body);
        server.write_all(&message).await?;
        kind = Some(client.read_u8().await?);
    }
}

/// The server's answers, as they come, until one is to be swallowed.
async fn answer(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    swallow: &AtomicBool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = server.read(&mut buffer).await?;
        if length == 0 || swallow.load(Ordering::SeqCst) {
            return Ok(());
        }
        client.write_all(&buffer[..length]).await?;
    }
}
