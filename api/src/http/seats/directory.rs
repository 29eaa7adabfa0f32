//! The seats' events, places and prices. None of it changes during a sale.

use super::super::problem::Problem;
use service::Service;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use steps::{
    SeatId,
    store::seats::{self, Seat},
};

/// Seats remembered at once, about 200 bytes each: a stadium and some theatres.
const SEATS_MAX: usize = 200_000;

/// The seats that were asked for lately.
#[derive(Default)]
pub struct SeatDirectory(Mutex<HashMap<SeatId, Arc<Seat>>>);

impl SeatDirectory {
    /// The seats with these ids, in the order asked; `None` for one that doesn't exist.
    ///
    /// # Errors
    /// The database failed while a seat was looked up.
    pub async fn find(&self, service: &Service, ids: &[SeatId]) -> Result<Vec<Option<Arc<Seat>>>, Problem> {
        let unknown: Vec<SeatId> = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            ids.iter().copied().filter(|id| !known.contains_key(id)).collect()
        };
        if !unknown.is_empty() {
            let found = seats::find_all(&mut *service.connection().await?, &unknown).await?;
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= SEATS_MAX {
                known.clear();
            }
            known.extend(found.into_iter().map(|seat| (seat.seat, Arc::new(seat))));
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ids.iter().map(|id| known.get(id).cloned()).collect())
    }
}
