//! A proxy before PostgreSQL. It knows whose connection is which, and disturbs COMMITs so that their outcome is
//! unknown to the client.

use super::{
    commits::{AtCommit, Commits, Cut},
    line::{Flow, Lines, Whom, accept, is_cut, may_pass},
    message::Message,
    through,
};
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// A running proxy; dropped, it ends with all its connections.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    lines: Lines,
    commits: Commits,
}

impl Proxy {
    /// A proxy before the server of this URL.
    pub async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (server, url) = through(url, port);
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        let lines = shared.clone();
        task.spawn(accept(listener, server, move |client, server| line(client, server, lines.clone())));
        let plain = if url.contains('?') { "&" } else { "?" };
        Self { url: format!("{url}{plain}sslmode=disable"), shared, _task: task }
    }

    /// The database's URL through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets `after` COMMITs pass and cuts the next one.
    pub fn arm(&self, after: usize, cut: Cut) {
        self.disarm();
        self.arm_for(Whom::All, after, AtCommit::Cut(cut));
    }

    /// Lets `after` COMMITs on these lines pass and does this to the next one, once what was armed before has hit.
    pub fn arm_for(&self, whom: Whom, after: usize, what: AtCommit) {
        self.shared.commits.arm(whom, after, what);
    }

    /// Forgets what was armed and has not happened.
    pub fn disarm(&self) {
        self.shared.commits.disarm();
    }

    /// How many COMMITs were cut, silenced or delayed.
    pub fn cuts(&self) -> usize {
        self.shared.commits.hits()
    }

    /// Sets what happens to the bytes of these lines. If they are held or cut, new lines are too.
    pub fn set(&self, whom: &Whom, flow: Flow) {
        self.shared.lines.set(whom, flow);
        if matches!(flow, Flow::Held | Flow::Cut) {
            self.shared.lines.set_new(whom.clone(), flow);
        }
    }

    /// Closes the lines that they have, dead ones too; new ones are open.
    pub fn cut(&self, whom: &Whom) {
        self.shared.lines.set(whom, Flow::Cut);
    }

    /// Lines are open again; dead ones stay dead. What is armed stays armed.
    pub fn open(&self) {
        self.shared.lines.heal();
    }

    /// Disarms, and opens the lines again; dead ones stay dead.
    pub fn heal(&self) {
        self.disarm();
        self.open();
    }
}

async fn line(client: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let Ok(first) = Message::read(&mut from_client, true).await else { return };
    let name = first.application_name();
    let flow = shared.lines.open(name.clone());
    // A COMMIT on this line may cut or silence the answers alone.
    let (deafen, answers) = watch::channel(Flow::Open);
    let asking = async {
        if may_pass(&mut flow.clone()).await? {
            first.write(&mut to_server).await?;
        }
        ask(from_client, to_server, &shared, &name, flow.clone(), &deafen).await
    };
    // Whichever side ends first takes the other with it: both sockets are closed when the halves are dropped.
    tokio::select! {
        _ = asking => {}
        _ = answer(from_server, to_client, flow.clone(), answers) => {}
        () = is_cut(flow.clone()) => {}
    }
}

/// The client's messages, one by one.
async fn ask(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    shared: &Shared,
    name: &str,
    mut flow: watch::Receiver<Flow>,
    answers: &watch::Sender<Flow>,
) -> io::Result<()> {
    let mut is_dead = false;
    loop {
        let message = Message::read(&mut client, false).await?;
        match if message.is_commit() { shared.commits.hit(name) } else { None } {
            Some(AtCommit::Cut(Cut::BeforeCommit)) => return Ok(()),
            Some(AtCommit::Cut(Cut::AfterCommit)) => drop(answers.send_replace(Flow::Cut)),
            Some(AtCommit::Silence(Cut::BeforeCommit)) => is_dead = true,
            Some(AtCommit::Silence(Cut::AfterCommit)) => drop(answers.send_replace(Flow::Dead)),
            Some(AtCommit::Delay(by)) => sleep(by).await,
            None => {}
        }
        if may_pass(&mut flow).await? && !is_dead {
            message.write(&mut server).await?;
        }
    }
}

/// The server's answers, as they come. A cut after a COMMIT closes the line when the server has answered it.
async fn answer(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    mut flow: watch::Receiver<Flow>,
    answers: watch::Receiver<Flow>,
) -> io::Result<()> {
    const CHUNK_BYTES: usize = 64 * 1024;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let length = server.read(&mut buffer).await?;
        let answers = *answers.borrow();
        if length == 0 || answers == Flow::Cut {
            return Ok(());
        }
        if may_pass(&mut flow).await? && answers == Flow::Open {
            client.write_all(&buffer[..length]).await?;
        }
    }
}
