//! The loads: closed loops of sellers, each of which begins a saga when its last one is at rest.

pub(crate) mod batched;
pub(crate) mod engine;
pub(crate) mod two_statements;

use crate::{sale::Seats, tally::Tally};
use orchestrator::Bucket;
use rand::Rng;
use std::sync::Arc;
use steps::UserId;
use tokio::task::JoinSet;

/// What the sellers of a round share.
pub(crate) struct Load {
    pub url: String,
    pub seats: Arc<Seats>,
    pub tally: Tally,
}

/// Awaits all sellers; the first that fails ends the round.
async fn join(mut sellers: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(seller) = sellers.join_next().await {
        seller??;
    }
    Ok(())
}

/// The user who buys. Every saga has its own.
fn buyer() -> UserId {
    UserId::new_in(Bucket::of_key("bench@example.org"))
}

/// A code for the door, as the confirming step draws one.
fn door_code() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut random = rand::rng();
    (0..12).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}
