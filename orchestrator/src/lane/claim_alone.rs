//! Claiming suspects in a commit of its own, which counts even if the claimer dies.

use crate::{
    id::SagaId,
    lane::{
        input::Resume,
        service::Lane,
        suspects::{Admission, Suspect},
    },
    machine::{Env, TurnError},
    store::{attempts, leases},
    time,
};
use rand::Rng;
use std::time::Instant;

impl Lane {
    /// Claims the suspects that may be tried now, and puts off the others. Claimed sagas go on in a later batch, because a
    /// failure of this one would count against them. If this node itself still has a saga out, the lease is prolonged: no
    /// node has died.
    pub(super) async fn claim_alone(
        &mut self,
        suspects: &[Suspect],
        token: i64,
        since: Instant,
        env: &Env<'_>,
    ) -> Result<(), TurnError> {
        let shared = self.shared().clone();
        let (mut admitted, mut later) = (Vec::new(), Vec::new());
        let is_out = |suspect: &Suspect| shared.leases.covers(suspect.saga, suspect.token);
        let (out, lost): (Vec<Suspect>, Vec<Suspect>) = suspects.iter().partition(|suspect| is_out(suspect));
        for suspect in &lost {
            match shared.suspects.admit(suspect.losses) {
                Admission::Free => admitted.push((*suspect, None)),
                Admission::Place(place) => admitted.push((*suspect, Some(place))),
                Admission::Later => {
                    let pause = env.settings.lease.mul_f64(rand::rng().random_range(0.25..1.0));
                    later.push((suspect.saga, time::after(env.now, pause)));
                }
            }
        }
        let sagas: Vec<SagaId> =
            lost.iter().filter(|suspect| suspect.lost).map(|suspect| suspect.saga).collect();
        attempts::add_lost(&mut self.tx, &sagas, env.now).await?;
        let out: Vec<_> = out.iter().map(|suspect| (suspect.saga, suspect.token)).collect();
        let prolonged = shared.leases.write(&mut self.tx, &out).await?;
        if !later.is_empty() {
            leases::put_off(&mut self.tx, &later, token, env.now).await?;
        }
        let claimed: Vec<_> = admitted.iter().map(|(suspect, _)| (suspect.saga, suspect.lost)).collect();
        let (node, lease_end) = (&env.settings.node, env.now + env.settings.lease);
        leases::count_claims(&mut self.tx, &claimed, token, node, lease_end, env.now).await?;
        // A lost answer needs no check: the claims, if there are any, run out like every lease.
        sqlx::raw_sql("commit").execute(&mut *self.tx).await?;
        metrics::counter!("usher_lease_takeovers_total").increment(claimed.len() as u64);
        shared.leases.extend(prolonged, since);
        let until = since + env.settings.lease;
        for (Suspect { saga, .. }, suspicion) in admitted {
            let mut lease = shared.leases.take(saga, token, until);
            lease.suspicion = suspicion;
            shared.queue(saga).resume(Resume { saga, token, lease: Some(lease), place: None });
        }
        Ok(())
    }
}
