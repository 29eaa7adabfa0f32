//! An idempotency key while its first request runs.

use super::{
    super::{
        books::{Books, Claim, Stored},
        error_reply::ErrorReply,
        script::After,
        simulator::{Simulator, now_ms},
    },
    reply,
};
use axum::response::Response;

/// Gives the key back when dropped: also when the client hangs up while its request waits.
pub(super) struct Claimed<'a> {
    simulator: &'a Simulator,
    key: Option<&'a str>,
    fingerprint: String,
}

impl<'a> Claimed<'a> {
    /// The claim, or what to answer instead. Without a key there is nothing to claim.
    pub fn new(
        simulator: &'a Simulator,
        key: Option<&'a str>,
        fingerprint: String,
    ) -> Result<Self, Box<Response>> {
        let claim = match key {
            Some(key) => simulator.change_quietly(|books| books.keys.claim(key, &fingerprint, now_ms())),
            None => Claim::Mine,
        };
        let answer = match claim {
            Claim::Mine => return Ok(Self { simulator, key, fingerprint }),
            Claim::Replay { status, body } => reply::replayed(status, body),
            Claim::Reused => reply::error(&ErrorReply::key_reused()),
            Claim::InUse => reply::error(&ErrorReply::key_in_use()),
            Claim::Full => reply::error(&ErrorReply::busy(
                1,
                "The simulator keeps no more keys; start it with new books.",
            )),
        };
        Err(Box::new(answer))
    }

    /// Does the work and keeps its answer in one change of the books.
    pub fn finish(
        self,
        after: Option<&After>,
        work: impl FnOnce(&mut Books) -> Result<String, ErrorReply>,
    ) -> (u16, String) {
        self.simulator.change(|books| {
            let (status, body, is_kept) = match work(books) {
                Ok(body) => (200, body, true),
                Err(error) => (error.status, error.body(), error.is_kept),
            };
            if let Some(key) = self.key.filter(|_| is_kept) {
                let (status, body) = match after {
                    Some(After::Fail { status, kept: true }) => (*status, ErrorReply::server(*status).body()),
                    _ => (status, body.clone()),
                };
                let (key, fingerprint) = (key.to_owned(), self.fingerprint.clone());
                books.put_key(Stored { key, fingerprint, status, body, at_ms: now_ms() });
            }
            (status, body)
        })
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.simulator.change_quietly(|books| books.keys.release(key));
        }
    }
}
