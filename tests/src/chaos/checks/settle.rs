//! All checks, one after the other.

use super::{
    books::{check_books, tell_of_lost_news},
    database::check_database,
    logs::read_logs,
    probe::check_life,
    rest::{Rest, come_to_rest},
    saga::sagas_named,
    testimony::check_testimony,
};
use crate::chaos::{scene::Scene, witness::Violation};
use tokio::time::Instant;

/// What the checks found.
#[derive(Default)]
pub(in super::super) struct Findings {
    pub rest: Rest,
    pub deadlocks: usize,
    pub violations: Vec<Violation>,
    /// The sagas that violations name.
    pub named: Vec<String>,
}

/// Looks at everything once, when nothing moves any more.
pub(in super::super) async fn settle(scene: Scene<'_>, rest: Rest, token: &str) -> anyhow::Result<Findings> {
    let Scene { world, witness, timeline } = scene;
    let mut violations = check_life(world, witness, token).await;
    if rest.took.is_some() {
        let told = tell_of_lost_news(world, &witness.testify().paid_again).await?;
        timeline.note(format!("an operator tells of {told} payments whose webhooks were lost"));
        // The probes' sagas and those of this news end as well; what else is at rest stays so.
        come_to_rest(world, Instant::now()).await;
    }
    violations.extend(check_database(world).await?);
    violations.extend(check_testimony(world.pool(), &witness.testify(), rest.took.is_some()).await?);
    if rest.took.is_some() {
        // Only at rest: until then the books may differ.
        violations.extend(check_books(world).await?);
    }
    let logged = read_logs(world);
    violations.extend(logged.violations);
    for violation in &violations {
        timeline.note(format!("violation: {}: {}", violation.rule, violation.detail));
    }
    let named = sagas_named(world.pool(), &violations).await?;
    Ok(Findings { rest, deadlocks: logged.deadlocks, violations, named })
}
