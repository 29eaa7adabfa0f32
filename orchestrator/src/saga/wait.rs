//! Waiting for a signal, always with a deadline.

use super::{Core, Deadline};
use crate::{error::Expired, signal::Signal};
use chrono::{DateTime, Utc};
use std::{marker::PhantomData, time::Duration};

/// A wait that has no deadline yet.
#[must_use = "say until when: `.until(time)` or `.within(duration)`"]
pub struct Wait<'a, T> {
    core: &'a Core,
    signal: PhantomData<fn() -> T>,
}

impl<'a, T: Signal> Wait<'a, T> {
    pub(super) fn new(core: &'a Core) -> Self {
        Self { core, signal: PhantomData }
    }

    /// Until this time of the database's clock. A letter counts if it was received at or before it, however late
    /// someone looks; of several, the first by (received at, sender's id).
    pub async fn until(self, deadline: DateTime<Utc>) -> Result<T, Expired> {
        self.core.signal(Deadline::At(deadline)).await
    }

    /// For this long, from the moment at which the wait is journaled.
    pub async fn within(self, patience: Duration) -> Result<T, Expired> {
        self.core.signal(Deadline::Within(patience)).await
    }
}
