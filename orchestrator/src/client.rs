//! The engine from outside: start sagas, send them letters, ask how they are. It works on every node, with or without
//! lanes: what this node's lanes can't take is written as rows, and another node's sweep finds it.

use crate::{
    database::{Database, on_pooled},
    handle::Handle,
    hints::Hints,
    id::{Bucket, SagaId},
    journal::{Entry, Unreadable},
    lane::{LetterAnswer, Mail, NotWritten, Shared, Snapshot, Start, Started},
    lanes::{LaneStatus, Lanes},
    record::{Json, State, Status},
    registry::Registry,
    settings::Settings,
    signal::Signal,
    store::{
        journal,
        mailbox::{self, Kind, Letter},
        sagas::{self, New},
        status,
    },
    workflow::Workflow,
};
use futures_util::future::BoxFuture;
use serde_json::value::to_raw_value;
use sqlx::{PgConnection, PgPool};
use std::{future::IntoFuture, marker::PhantomData, sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Starts, signals, cancels and watches sagas. It is cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) pool: PgPool,
    pub(crate) lanes: Option<Arc<Shared>>,
    pub(crate) running: Option<Lanes>,
    pub(crate) hints: Option<Hints>,
    pub(crate) draining: CancellationToken,
    pub(crate) parts: Arc<Parts>,
}

/// What a client knows about its node besides its lanes.
pub(crate) struct Parts {
    pub registry: Arc<Registry>,
    pub database: Database,
    pub settings: Settings,
}

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A queue is full. Nothing was done; try again later.
    #[error("the engine is overloaded, try again in {0:?}")]
    Overloaded(Duration),
    /// This node is shutting down. Nothing was done; ask another node.
    #[error("this node is shutting down")]
    Draining,
    /// The database can't be reached, or refused.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A lane could not write the saga's stretch.
    #[error("the saga's stretch could not be written: {0}")]
    Failed(String),
    /// There is no such saga.
    #[error("there is no saga {0}")]
    NotFound(SagaId),
    /// A newer binary wrote the saga, and this one can't read it. Nodes that can read it go on with it.
    #[error("saga {0} was written by a newer binary")]
    Newer(SagaId),
    /// A value could not be encoded, or a recorded value could not be read.
    #[error("{what} can't be converted")]
    Json {
        /// What could not be converted.
        what: String,
        /// Why it could not be converted.
        #[source]
        error: serde_json::Error,
    },
    /// An input or a signal is larger than [`PAYLOAD_BYTES_MAX`].
    #[error("{what} has {size} bytes, more than {PAYLOAD_BYTES_MAX}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its size in bytes.
        size: usize,
    },
    /// A text can't be stored: no column of the database holds U+0000.
    #[error("{what} contains U+0000, which the database can't store")]
    Unstorable {
        /// The text that is meant.
        what: &'static str,
    },
    /// The id given for a saga is not in the bucket that its workflow's route names.
    #[error("saga {id} is in bucket {its}, but its route names bucket {route}", its = .id.bucket())]
    WrongBucket {
        /// The id.
        id: SagaId,
        /// The bucket of the route.
        route: Bucket,
    },
}

/// The result of a request to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Turning back is committed.
    TurnedBack,
    /// A call is out. When it has ended, the saga turns back, unless that call decides the saga.
    InFlight,
    /// The saga is decided, over or stuck: this request does not turn it back, neither now nor later.
    Refused(State),
}

/// How long a lane may take to answer: longer than all tries of a batch, and than it takes to give up a lane.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The largest input of a saga, or signal, in bytes of JSON.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// How long a caller should wait before trying a full queue again.
const FULL_RETRY: Duration = Duration::from_secs(1);

impl Client {
    /// The node's name in rows and logs.
    pub fn node(&self) -> &str {
        &self.parts.settings.node
    }

    /// The state of each lane of this node; empty if it has no lanes.
    pub fn lanes(&self) -> Vec<LaneStatus> {
        match (&self.running, &self.lanes) {
            (Some(running), Some(shared)) => running.status(shared),
            (None, _) | (_, None) => Vec::new(),
        }
    }

    /// Starts a saga. Await the result, or first set an id or a start key.
    pub fn start<W: Workflow>(&self, input: W::Input) -> StartRequest<W> {
        StartRequest { client: self.clone(), input, id: None, key: None, trace: None, workflow: PhantomData }
    }

    /// Writes a start in a transaction that the caller owns. Lanes pick it up after the commit. Returns the saga's id and
    /// whether it is new. After the commit, call [`nudge`](Client::nudge), so that the saga need not wait for the sweep.
    pub async fn start_in<W: Workflow>(
        connection: &mut PgConnection,
        input: &W::Input,
        id: SagaId,
    ) -> Result<bool, ClientError> {
        let new = new_saga::<W>(input, Some(id), None, None)?;
        Ok(sagas::insert_due(connection, &new, &begun::<W>(input)?).await?)
    }

    /// A handle to a saga that exists, or will exist.
    pub fn handle<W: Workflow>(&self, id: SagaId) -> Handle<W> {
        Handle::to(self.clone(), id)
    }

    /// Sends a signal. `sender` is the sender's id for it: the same id is the same letter. Returns how far the saga came
    /// with it, if this node has the saga.
    pub async fn signal<T: Signal>(
        &self,
        saga: SagaId,
        sender: &str,
        signal: &T,
    ) -> Result<Option<Arc<Snapshot>>, ClientError> {
        self.send(saga, letter(sender, signal)?).await
    }

    /// Writes a signal in a transaction that the caller owns. The saga wakes after the commit.
    pub async fn signal_in<T: Signal>(
        connection: &mut PgConnection,
        saga: SagaId,
        sender: &str,
        signal: &T,
    ) -> Result<(), ClientError> {
        mailbox::deliver(connection, saga, &letter(sender, signal)?).await?;
        Ok(())
    }

    /// Asks a saga to turn back. `by` is the name of who asks, and removes duplicates. A refused request is forgotten: it does
    /// not take effect when somebody later tries the saga again.
    pub async fn cancel(&self, saga: SagaId, by: &str) -> Result<Cancelled, ClientError> {
        storable("the name of who cancels", by)?;
        let letter =
            Letter { kind: Kind::Cancel, name: String::new(), sender: by.to_owned(), payload: "null".into() };
        let answer = match self.send(saga, letter).await? {
            Some(snapshot) => cancelled(&snapshot),
            None => self.cancelled(saga).await?,
        };
        match answer {
            Cancelled::Refused(state) => self.withdraw_cancel(saga, by, state).await,
            Cancelled::TurnedBack | Cancelled::InFlight => Ok(answer),
        }
    }

    /// The result of a cancellation that is in its saga's mailbox.
    async fn cancelled(&self, saga: SagaId) -> Result<Cancelled, ClientError> {
        let handle: crate::handle::AnyHandle = crate::handle::AnyHandle::to(self.clone(), saga);
        let settled = |snapshot: &Snapshot| {
            let answer = cancelled(snapshot);
            (snapshot.leased || answer != Cancelled::InFlight).then_some(answer)
        };
        Ok(handle.until(Duration::from_secs(2), settled).await?.unwrap_or(Cancelled::InFlight))
    }

    /// Removes a refused cancellation before its sender is told, unless the saga acted on it meanwhile.
    async fn withdraw_cancel(&self, saga: SagaId, by: &str, state: State) -> Result<Cancelled, ClientError> {
        let mut connection = self.pool.acquire().await?;
        mailbox::withdraw_cancel(&mut connection, saga, by).await?;
        drop(connection);
        let left = self.look(saga).await?;
        let turned_back = left.as_ref().is_some_and(|left| left.history.turned_back().is_some());
        let refused = Cancelled::Refused(left.map_or(state, |left| left.state));
        Ok(if turned_back { Cancelled::TurnedBack } else { refused })
    }

    /// Tells a lane that a saga may be due. This is only a hint.
    pub async fn nudge(&self, saga: SagaId) {
        if let Some(lanes) = &self.lanes {
            lanes.queue(saga).wake(saga);
        } else if let Some(hints) = &self.hints {
            hints.publish(saga).await;
        }
    }

    async fn send(&self, saga: SagaId, letter: Letter) -> Result<Option<Arc<Snapshot>>, ClientError> {
        if let Some(lanes) = self.lanes.as_ref().filter(|_| !self.draining.is_cancelled()) {
            let (reply, answer) = oneshot::channel();
            let mail = Mail { saga, letter: letter.clone(), reply };
            lanes.queue(saga).mail(mail).map_err(|_| ClientError::Overloaded(FULL_RETRY))?;
            match within(answer).await {
                Ok(LetterAnswer::Stored(snapshot)) => return Ok(snapshot),
                // Another holder has the row, or the lane has ended: wait for the row instead.
                Ok(LetterAnswer::Busy) | Err(_) => {}
            }
        }
        on_pooled(&self.pool, |connection| {
            Box::pin(async move { mailbox::deliver(connection, saga, &letter).await })
        })
        .await?;
        self.nudge(saga).await;
        Ok(None)
    }

    /// The progress of a saga, if it is more than was `seen`. Its journal is read only if its row has changed.
    pub(crate) async fn look_for_more(
        &self,
        saga: SagaId,
        seen: &mut Option<Seen>,
    ) -> Result<Option<Snapshot>, ClientError> {
        let look = on_pooled(&self.pool, |connection| Box::pin(status::look(connection, saga)));
        let row = look.await?;
        let now = row.map(|row| Seen { epoch: row.epoch, journal_len: row.journal_len, state: row.state });
        if now.is_none() || now == *seen {
            return Ok(None);
        }
        // A change between the two reads changes the row again, so it is read again.
        *seen = now;
        self.look(saga).await
    }

    /// The progress of a saga, read from the database.
    pub(crate) async fn look(&self, saga: SagaId) -> Result<Option<Snapshot>, ClientError> {
        let read = on_pooled(&self.pool, |connection| Box::pin(read(connection, saga)));
        let Some((seen, entries)) = read.await? else { return Ok(None) };
        let entries = entries.map_err(|unreadable| match unreadable {
            Unreadable::Newer(_) => ClientError::Newer(saga),
            Unreadable::Broken(error) => ClientError::Failed(error),
        })?;
        let history =
            crate::journal::History::of(entries).map_err(|error| ClientError::Failed(error.to_string()))?;
        Ok(Some(Snapshot {
            state: seen.state,
            stuck: seen.stuck,
            leased: seen.leased,
            history: Arc::new(history),
        }))
    }
}

/// A saga's row, and its journal if that can be read.
async fn read(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Option<(Status, Result<Vec<Entry>, Unreadable>)>, sqlx::Error> {
    let Some(status) = status::look(connection, saga).await? else { return Ok(None) };
    let mut journals = journal::read(connection, &[saga]).await?;
    Ok(Some((status, journals.remove(&saga).unwrap_or_else(|| Ok(Vec::new())))))
}

/// What a waiting caller has seen of a saga's row. Every move of the saga raises its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    epoch: i64,
    journal_len: i32,
    state: State,
}

/// A lane's answer. A lane that is given up never answers.
async fn within<T>(answer: oneshot::Receiver<T>) -> Result<T, ()> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

fn cancelled(snapshot: &Snapshot) -> Cancelled {
    if snapshot.history.turned_back().is_some() {
        Cancelled::TurnedBack
    } else if snapshot.history.pivoted() || snapshot.state.at_rest() || snapshot.state == State::Stuck {
        Cancelled::Refused(snapshot.state)
    } else {
        Cancelled::InFlight
    }
}

/// A start that is being built.
#[must_use = "a start does nothing until it is awaited"]
pub struct StartRequest<W: Workflow> {
    client: Client,
    input: W::Input,
    id: Option<SagaId>,
    key: Option<String>,
    trace: Option<String>,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> StartRequest<W> {
    /// Sets the saga's id. The same id is the same saga.
    pub fn id(mut self, id: SagaId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the start key. The same key, for the same workflow and route, is the same saga.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the trace that started the saga (a W3C traceparent).
    pub fn trace(mut self, traceparent: impl Into<String>) -> Self {
        self.trace = Some(traceparent.into());
        self
    }

    async fn send(self) -> Result<Handle<W>, ClientError> {
        let Self { client, input, id, key, trace, .. } = self;
        let new = new_saga::<W>(&input, id, key, trace)?;
        let handle = Handle::to(client.clone(), new.id);
        let Some(lanes) = client.lanes.clone() else {
            let (id, first) = (new.id, begun::<W>(&input)?);
            let begun = on_pooled(&client.pool, |connection| Box::pin(begin_outside(connection, new, first)));
            let (known, is_new) = begun.await?;
            client.nudge(id).await;
            return Ok(handle.answered(Started { id: known, snapshot: None, existing: !is_new }));
        };
        if client.draining.is_cancelled() {
            return Err(ClientError::Draining);
        }
        let (reply, answer) = oneshot::channel();
        let start = Start { input: json::<W>(&input)?, new, reply };
        let queue = lanes.queue(start.new.id);
        queue.start(start).map_err(|_| ClientError::Overloaded(FULL_RETRY))?;
        let gone = |_| ClientError::Failed("its lane ended with the batch".into());
        let started = within(answer).await.map_err(gone)?;
        Ok(handle.answered(started.map_err(|NotWritten(reason)| ClientError::Failed(reason))?))
    }
}

/// Writes a start for the lanes of any node. Returns the saga's id and whether it is new.
async fn begin_outside(
    connection: &mut PgConnection,
    new: New,
    first: String,
) -> Result<(SagaId, bool), sqlx::Error> {
    let is_new = sagas::insert_due(connection, &new, &first).await?;
    let known = match (&new.start_key, is_new) {
        (Some(key), false) => sagas::find_started(connection, new.workflow, key, new.id.bucket()).await?,
        (Some(_) | None, _) => None,
    };
    Ok((known.unwrap_or(new.id), is_new))
}

impl<W: Workflow> IntoFuture for StartRequest<W> {
    type Output = Result<Handle<W>, ClientError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

pub(crate) fn new_saga<W: Workflow>(
    input: &W::Input,
    id: Option<SagaId>,
    start_key: Option<String>,
    trace: Option<String>,
) -> Result<New, ClientError> {
    storable("the start key", start_key.as_deref().unwrap_or_default())?;
    storable("the trace", trace.as_deref().unwrap_or_default())?;
    let routed = W::route(input).bucket().or_else(|| start_key.as_deref().map(Bucket::of_key));
    let id = match (id, routed) {
        (Some(id), Some(route)) if id.bucket() != route => {
            return Err(ClientError::WrongBucket { id, route });
        }
        (Some(id), _) => id,
        (None, route) => SagaId::new_in(route.unwrap_or_else(Bucket::random)),
    };
    Ok(New { id, workflow: W::NAME, version: W::VERSION as i32, start_key, trace })
}

fn json<W: Workflow>(input: &W::Input) -> Result<Json, ClientError> {
    let what = || format!("input of workflow `{}`", W::NAME);
    let json = to_raw_value(input).map_err(|error| ClientError::Json { what: what(), error })?;
    bounded(what, json.get().len())?;
    Ok(json.into())
}

fn storable(what: &'static str, text: &str) -> Result<(), ClientError> {
    if text.contains('\0') { Err(ClientError::Unstorable { what }) } else { Ok(()) }
}

fn bounded(what: impl Fn() -> String, size: usize) -> Result<(), ClientError> {
    if size > PAYLOAD_BYTES_MAX { Err(ClientError::TooLarge { what: what(), size }) } else { Ok(()) }
}

fn begun<W: Workflow>(input: &W::Input) -> Result<String, ClientError> {
    let begun = Entry::Begun { workflow: W::NAME.to_owned(), version: W::VERSION, input: json::<W>(input)? };
    serde_json::to_string(&[begun])
        .map_err(|error| ClientError::Json { what: "the first entry".into(), error })
}

fn letter<T: Signal>(sender: &str, signal: &T) -> Result<Letter, ClientError> {
    storable("the sender's id of a signal", sender)?;
    let payload = serde_json::to_string(signal)
        .map_err(|error| ClientError::Json { what: format!("signal `{}`", T::NAME), error })?;
    bounded(|| format!("signal `{}`", T::NAME), payload.len())?;
    Ok(Letter { kind: Kind::Signal, name: T::NAME.to_owned(), sender: sender.to_owned(), payload })
}
