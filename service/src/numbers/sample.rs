//! One sample of this node, for the plots.

use super::{
    quantile::StepCounts,
    store::{self, Sample},
};
use crate::{Service, ServiceError};
use operator::numbers as desk;

/// Records what this node has counted since the last sample, and the state of the database.
///
/// # Errors
/// The database failed.
pub async fn take_sample(service: Service) -> Result<(), ServiceError> {
    let mut connection = service.connection().await?;
    let now = store::now(&mut connection).await?;
    store::delete_old(&mut connection, now - store::SAMPLES_KEPT).await?;
    let Some((seconds, counted)) = service.sampler.since_last(&service.metrics.render()) else {
        return Ok(());
    };
    let database = store::health(&mut connection).await?;
    if let Some(reader) = &database.long_reader {
        tracing::warn!(
            pid = reader.pid,
            role = reader.role,
            application = reader.application,
            open_s = reader.open_s,
            "a transaction has been open for long: rows that died since it began can't be removed"
        );
    }
    let zero = store::must_be_zero(&mut connection).await?;
    let sample = Sample {
        node: service.client.node().to_owned(),
        at: now,
        seconds,
        ended: counted.ended as i64,
        takeovers: counted.takeovers as i64,
        zero,
        oldest_due_s: desk::oldest_due_s(&mut connection).await?,
        database_ms: database.answered_in_ms,
        degraded: counted.degraded.clone(),
        steps: counted.steps.into_iter().map(counts).collect(),
    };
    store::insert(&mut connection, &sample).await?;
    Ok(())
}

fn counts((step, buckets): (String, Vec<(f64, u64)>)) -> StepCounts {
    let ran = buckets.last().map_or(0, |(_, count)| *count);
    let (le, counts) = buckets.into_iter().filter(|(le, _)| le.is_finite()).unzip();
    StepCounts { step, le, counts, ran }
}
