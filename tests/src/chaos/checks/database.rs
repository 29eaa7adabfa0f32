//! Checks every invariant that is shipped, and that no saga was put into quarantine.

use crate::chaos::{pace, plan::EVENTS, witness::Violation, world::World};
use anyhow::Context;
use service::verify::{Finding, INVARIANTS, check, check_locks};
use sqlx::PgConnection;
use std::time::{Duration, Instant};

/// Asks for every violation.
pub(in super::super) async fn check_database(world: &World) -> anyhow::Result<Vec<Violation>> {
    let mut connection = world.pool().acquire().await.context("connecting to the database")?;
    let mut found = Vec::new();
    for invariant in INVARIANTS {
        let finding = check(&mut connection, invariant).await;
        add_violations(&mut found, finding.with_context(|| format!("checking `{}`", invariant.name))?);
    }
    add_violations(&mut found, locks(world, &mut connection).await?);
    // No step of a booking kills its process, so no saga belongs there, not even one that came back by itself.
    let quarantined = "select distinct saga_id::text || ' ' || detail::text from usher.audit
        where detail::text like '%quarantined%'";
    let innocents: Vec<String> = sqlx::query_scalar(quarantined).fetch_all(&mut *connection).await?;
    found.extend(
        innocents.into_iter().map(|detail| Violation { rule: "quarantined_innocent".into(), detail }),
    );
    Ok(found)
}

/// A lock that was not given back because Redis was away ends with its hold, so it is given that time.
async fn locks(world: &World, connection: &mut PgConnection) -> anyhow::Result<Finding> {
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    const SLACK: Duration = Duration::from_secs(5);
    let longest = EVENTS.iter().map(|event| event.hold).max().unwrap_or_default() + SLACK;
    let began = Instant::now();
    loop {
        let finding = check_locks(connection, &world.redis.url(), "").await.context("checking the locks")?;
        if finding.violations == 0 || began.elapsed() > longest {
            return Ok(finding);
        }
        pace::pass(LOOK_EVERY).await;
    }
}

fn add_violations(found: &mut Vec<Violation>, finding: Finding) {
    found.extend(finding.listed.into_iter().map(|violation| Violation {
        rule: finding.invariant.to_owned(),
        detail: format!("{}: {}", violation.subject, violation.detail),
    }));
}
