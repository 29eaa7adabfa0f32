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

    /// Waits until this time of the database's clock. A letter counts if it was received at or before that time, however late
    /// a lane looks. Among several letters the first by (received at, sender's id) counts.
    pub async fn until(self, deadline: DateTime<Utc>) -> Result<T, Expired> {
        self.core.signal(Deadline::At(deadline)).await
    }

    /// Waits for this long, counted from the moment at which the wait is journaled.
    pub async fn within(self, patience: Duration) -> Result<T, Expired> {
        self.core.signal(Deadline::Within(patience)).await
    }
}
