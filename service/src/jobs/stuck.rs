//! Finds sagas that need a person, and reports them until somebody has repaired them.

use crate::{Service, ServiceError, numbers::COUNTED_TO};
use operator::{Filter, Trouble, numbers};

/// Counts sagas that need a person.
const STUCK: &str = "usher_sagas_stuck";
/// Counts sagas that have been due for too long: lanes are missing, or have too much work.
const OVERDUE: &str = "usher_sagas_overdue";
/// Counts leased sagas to which nothing was written for longer than any call may take.
const SILENT: &str = "usher_sagas_silent";

/// Silent sagas that are counted at most; one is bad enough.
const SILENT_COUNTED_MAX: i64 = 1_000;

/// Counts these sagas, and logs if there are any.
pub async fn report(service: Service) -> Result<(), ServiceError> {
    let found = numbers::count_troubled(&mut *service.connection().await?, COUNTED_TO).await?;
    metrics::gauge!(STUCK).set(found.stuck as f64);
    metrics::gauge!(OVERDUE).set(found.overdue as f64);
    let filter = Filter { trouble: Some(Trouble::Silent), ..Filter::default() };
    let silent = service.operator().count(&filter, SILENT_COUNTED_MAX).await?;
    metrics::gauge!(SILENT).set(silent as f64);
    if found.stuck > 0 {
        tracing::error!(sagas = found.stuck, "sagas are stuck; `usher saga list --state stuck` shows them");
    }
    if found.overdue > 0 {
        tracing::warn!(sagas = found.overdue, "sagas are overdue: are there enough lanes?");
    }
    if silent > 0 {
        tracing::error!(
            sagas = silent,
            "leases are renewed but nothing is written; `usher saga list --trouble silent` shows the sagas"
        );
    }
    Ok(())
}
