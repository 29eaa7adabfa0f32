//! Claiming suspects, in a commit of its own that counts whatever becomes of the claimer.

use super::{input::Resume, run::Env, service::Lane, suspects::Admission, turn::TurnError};
use crate::{
    SagaId,
    store::{attempts, leases},
    time,
};
use rand::Rng;
use std::time::Instant;

impl Lane {
    /// Claims those that may be tried now, and puts the others off. What is claimed goes on in a batch after this one,
    /// whatever becomes of this one: else its failure would count against them.
    pub(super) async fn claim_alone(
        &mut self,
        suspects: &[(SagaId, i16)],
        token: i64,
        since: Instant,
        env: &Env<'_>,
    ) -> Result<(), TurnError> {
        let shared = self.shared().clone();
        let (mut admitted, mut later) = (Vec::new(), Vec::new());
        for (saga, losses) in suspects {
            match shared.suspects.admit(*losses) {
                Admission::Free => admitted.push((*saga, None)),
                Admission::Place(place) => admitted.push((*saga, Some(place))),
                Admission::Later => {
                    let pause = env.settings.lease.mul_f64(rand::rng().random_range(0.25..1.0));
                    later.push((*saga, time::after(env.now, pause)));
                }
            }
        }
        let sagas: Vec<SagaId> = suspects.iter().map(|(saga, _)| *saga).collect();
        attempts::add_lost(&mut self.tx, &sagas, env.now).await?;
        if !later.is_empty() {
            leases::put_off(&mut self.tx, &later, token, env.now).await?;
        }
        let claimed: Vec<SagaId> = admitted.iter().map(|(saga, _)| *saga).collect();
        let (node, lease_end) = (&env.settings.node, env.now + env.settings.lease);
        leases::count_claims(&mut self.tx, &claimed, token, node, lease_end, env.now).await?;
        // A lost answer needs no settling: the claims, if any, run out like every lease.
        sqlx::raw_sql("commit").execute(&mut *self.tx).await?;
        metrics::counter!("usher_lease_takeovers_total").increment(claimed.len() as u64);
        let until = since + env.settings.lease;
        for (saga, suspicion) in admitted {
            let mut lease = shared.leases.take(saga, token, until);
            lease.suspicion = suspicion;
            shared.queue(saga).resume(Resume { saga, token, lease: Some(lease), place: None });
        }
        Ok(())
    }
}
