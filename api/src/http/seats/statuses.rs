//! The seats' statuses for a crowd that looks at them: one query at a time for each event, however many ask.

use super::super::{problem::Problem, store};
use serde_json::value::RawValue;
use service::Service;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use steps::EventId;

/// Events remembered at once.
const EVENTS_MAX: usize = 1_000;

/// The seats of one event that can't be had, as one version.
#[derive(Clone, Debug)]
pub struct Statuses {
    /// The version, raised by every change.
    pub version: i64,
    /// JSON object: id → `RESERVED`, `BOOKED` or `BLOCKED`.
    pub taken: Arc<RawValue>,
}

/// The statuses of the events that were looked at lately.
#[derive(Default)]
pub struct StatusCache(Mutex<HashMap<EventId, Arc<Slot>>>);

type Slot = tokio::sync::Mutex<Option<(Statuses, Instant)>>;

impl StatusCache {
    /// The statuses at some moment after the call, so that a caller who has just booked sees it. Callers who ask while
    /// a query runs share the next one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn get(&self, service: &Service, event: EventId) -> Result<Statuses, Problem> {
        let called = Instant::now();
        let slot = self.slot(event);
        let mut held = slot.lock().await;
        if let Some((statuses, began)) = &*held
            && *began >= called
        {
            return Ok(statuses.clone());
        }
        // The moment before the query. Its result is at least this new.
        let began = Instant::now();
        let row = store::seats::statuses(&mut *service.connection().await?, event).await?;
        let taken: Box<RawValue> = RawValue::from_string(row.taken).map_err(Problem::internal)?;
        let statuses = Statuses { version: row.version, taken: Arc::from(taken) };
        *held = Some((statuses.clone(), began));
        Ok(statuses)
    }

    fn slot(&self, event: EventId) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= EVENTS_MAX && !slots.contains_key(&event) {
            slots.clear(); // a running query keeps its slot; the next caller asks again
        }
        Arc::clone(slots.entry(event).or_default())
    }
}
