//! The marks: how far each lane has been served.

use crate::store::due::Place;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mark for each lane: everything that was due before it has been given to the lane, or was not for this node.
pub(super) struct Marks(Mutex<Vec<Place>>);

impl Marks {
    pub fn new(lanes: usize) -> Self {
        Self(Mutex::new(vec![Place::BEGIN; lanes]))
    }

    pub fn of(&self, lane: usize) -> Place {
        self.lock()[lane]
    }

    pub fn set(&self, lane: usize, place: Place) {
        self.lock()[lane] = place;
    }

    /// Moves a mark on. It never moves back.
    pub fn pass(&self, lane: usize, place: Place) {
        let mut marks = self.lock();
        marks[lane] = marks[lane].max(place);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
