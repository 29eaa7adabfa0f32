//! Where a step's effect happens: in the engine's own transaction ([`Tx`]) or outside ([`Call`]).

use crate::{
    id::SagaId,
    outbox::Emitted,
    record::{Cause, Position},
    signs::Signs,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// The two places where an effect can happen. Sealed, because a step's guarantees follow from its medium.
pub trait Medium: Sized + Send + sealed::Sealed + 'static {
    /// What a compensation gets from the step that it undoes: the output, or for a call an `Option` of it.
    type Made<T: Send>: Send;

    /// Whether the effect commits with its journal entry.
    #[doc(hidden)]
    const OURS: bool;
    #[doc(hidden)]
    fn made<T: Send>(output: Option<T>) -> Option<Self::Made<T>>;
    #[doc(hidden)]
    fn of_tx(tx: &mut Tx) -> Option<&mut Self>;
    #[doc(hidden)]
    fn enter(&mut self, saga: SagaId, position: Position);
    #[doc(hidden)]
    fn service() -> &'static str {
        std::any::type_name::<Self>()
    }
}

/// A medium that an engine with services of type `S` can open.
#[diagnostic::on_unimplemented(
    message = "the services `{S}` can't provide `{Self}`",
    note = "implement `FromRef<{S}>` for the client of this call"
)]
pub trait Provide<S>: Medium {
    #[doc(hidden)]
    fn open(services: &S, context: CallContext) -> Option<Self>;
}

/// Takes one client out of the services that the engine was built with.
pub trait FromRef<S> {
    /// A clone or a handle of the client.
    fn from_ref(services: &S) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(services: &T) -> Self {
        services.clone()
    }
}

/// The transaction of a lane's batch. It derefs to the connection.
///
/// What a step writes here commits together with its journal entry. A step touches only rows of its saga's bucket, and
/// never begins or commits: the engine does.
pub struct Tx {
    pub(crate) connection: PgConnection,
    pub(crate) now: DateTime<Utc>,
    pub(crate) context: Option<(SagaId, Position)>,
    pub(crate) emitted: Emitted,
    /// Each use of the connection is a sign that the lane is alive.
    pub(crate) signs: Arc<Signs>,
}

impl Tx {
    pub(crate) fn on(connection: PgConnection, signs: Arc<Signs>) -> Self {
        Self { connection, now: DateTime::<Utc>::MIN_UTC, context: None, emitted: Emitted::default(), signs }
    }

    /// Puts a message of type `kind`, such as `booking.confirmed`, into the outbox, in the commit of the entry that
    /// this step, compensation or record is about to write. It costs no statement: the batch writes all messages at once.
    ///
    /// `saga` is the item's, or [`Tx::saga`]. Messages of one saga leave in the order in which they were emitted. A step
    /// that fails or is refused has emitted nothing. The payload is bounded as a step's output is.
    ///
    /// # Errors
    /// A payload that can't be written as JSON.
    pub fn emit(&mut self, saga: SagaId, kind: &str, payload: &impl Serialize) -> Result<(), sqlx::Error> {
        let payload = serde_json::to_string(payload).map_err(|error| sqlx::Error::Encode(error.into()))?;
        self.emitted.push(saga, kind, payload);
        Ok(())
    }

    /// The database's time, one value for the whole batch. It is the only clock for decisions.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The saga whose step is running. Set-based forms have it in their items instead.
    pub fn saga(&self) -> SagaId {
        self.context.expect("the engine sets the context before it runs a single step").0
    }

    /// The journal position of the step that is running.
    pub fn position(&self) -> Position {
        self.context.expect("the engine sets the context before it runs a single step").1
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.signs.get_on();
        &mut self.connection
    }
}

/// A call to the outside through the client `C`, to which it derefs. It is made at least once, always under one key.
pub struct Call<C> {
    client: C,
    context: CallContext,
}

/// The engine's data about one call.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct CallContext {
    pub(crate) saga: SagaId,
    pub(crate) position: Position,
    pub(crate) attempt: u32,
    pub(crate) now: DateTime<Utc>,
    pub(crate) cause: Option<Cause>,
}

impl<C> Call<C> {
    /// The idempotency key to send to the other side: the same for every attempt at this step of this saga and for its
    /// compensation, and for nothing else.
    pub fn key(&self) -> String {
        format!("{}:{}", self.context.saga, self.context.position)
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.context.attempt
    }

    /// The saga that calls.
    pub fn saga(&self) -> SagaId {
        self.context.saga
    }

    /// The database's time when the call was made.
    pub fn now(&self) -> DateTime<Utc> {
        self.context.now
    }

    /// While unwinding: why the saga turned back.
    pub fn cause(&self) -> Option<&Cause> {
        self.context.cause.as_ref()
    }
}

impl<C> Deref for Call<C> {
    type Target = C;
    fn deref(&self) -> &C {
        &self.client
    }
}

impl Medium for Tx {
    type Made<T: Send> = T;
    const OURS: bool = true;
    fn made<T: Send>(output: Option<T>) -> Option<T> {
        output
    }
    fn of_tx(tx: &mut Tx) -> Option<&mut Self> {
        Some(tx)
    }
    fn enter(&mut self, saga: SagaId, position: Position) {
        self.context = Some((saga, position));
    }
}

impl<S> Provide<S> for Tx {
    fn open(_: &S, _: CallContext) -> Option<Self> {
        None
    }
}

impl<C: Send + 'static> Medium for Call<C> {
    fn service() -> &'static str {
        std::any::type_name::<C>()
    }

    type Made<T: Send> = Option<T>;
    const OURS: bool = false;
    fn made<T: Send>(output: Option<T>) -> Option<Option<T>> {
        Some(output)
    }
    fn of_tx(_: &mut Tx) -> Option<&mut Self> {
        None
    }
    fn enter(&mut self, _: SagaId, _: Position) {}
}

impl<S, C: FromRef<S> + Send + 'static> Provide<S> for Call<C> {
    fn open(services: &S, context: CallContext) -> Option<Self> {
        Some(Self { client: C::from_ref(services), context })
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Tx {}
    impl<C> Sealed for super::Call<C> {}
}
