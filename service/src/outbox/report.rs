//! Reports trouble with delivery until somebody has dealt with it, and disables subscriptions that have failed for days.

use super::{
    settings::DISABLED_AFTER,
    store::{subscriptions, upkeep},
    telemetry,
};
use crate::{Service, ServiceError};

/// A message that is on its way for longer than this is late.
const LATE_S: f64 = 3600.0;

/// Counts, disables, and logs what needs a person.
pub async fn run(service: Service) -> Result<(), ServiceError> {
    let mut connection = service.connection().await?;
    for id in subscriptions::disable_failing(&mut connection, DISABLED_AFTER).await? {
        tracing::error!(
            subscription = %id,
            "a subscription has failed for days and is disabled; `usher subscription enable` enables it again"
        );
    }
    let all = subscriptions::list(&mut connection).await?;
    let disabled = all.iter().filter(|one| one.disabled_at.is_some()).count();
    let failing = all.iter().filter(|one| one.disabled_at.is_none() && one.failures > 0).count();
    for (state, count) in
        [("well", all.len() - disabled - failing), ("failing", failing), ("disabled", disabled)]
    {
        metrics::gauge!(telemetry::SUBSCRIPTIONS, "state" => state).set(count as f64);
    }
    if all.is_empty() {
        return Ok(());
    }
    let standing = upkeep::count(&mut connection).await?;
    metrics::gauge!(telemetry::WAITING).set(standing.waiting as f64);
    metrics::gauge!(telemetry::OLDEST_SECONDS).set(standing.oldest_s);
    metrics::gauge!(telemetry::GIVEN_UP).set(standing.given_up as f64);
    if standing.oldest_s > LATE_S {
        tracing::warn!(
            messages = standing.waiting,
            oldest_s = standing.oldest_s,
            "messages are late; `usher events tail --failed` shows them, `usher subscription list` shows which subscriptions fail"
        );
    }
    if standing.given_up > 0 {
        tracing::warn!(
            messages = standing.given_up,
            "messages were given up; `usher events tail --failed` shows them"
        );
    }
    Ok(())
}
