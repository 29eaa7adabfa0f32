//! Finds what needs a person, and says so until somebody has come.

use crate::{Service, ServiceError, numbers::COUNTED_TO};
use operator::{Filter, Trouble, numbers};

/// Sagas that need a person.
const STUCK: &str = "usher_sagas_stuck";
/// Sagas that are due for longer than they should be: lanes are missing, or drowning.
const OVERDUE: &str = "usher_sagas_overdue";
/// Sagas under a lease that nobody has written for longer than any call may be out.
const SILENT: &str = "usher_sagas_silent";

/// Silent sagas that are counted; one is bad enough.
const SILENT_COUNTED_MAX: i64 = 1_000;

/// Counts them, and logs when there are any.
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
            "leases seem to have nothing behind them; `usher saga list --trouble silent` shows them"
        );
    }
    Ok(())
}
