//! `usher.nodes`: the nodes with lanes. Each node writes its own row, and any node removes the rows of dead ones.

use crate::id::Bucket;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A row that was not written for this long belongs to a node that died. Until then its bounds on calls count, because a
/// lease of that node may still be running.
const DEAD_AFTER_S: f64 = 3600.0;

/// What a node says about itself.
pub(crate) struct Node<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub lease: Duration,
    pub call_max: Duration,
    pub workflows: Vec<String>,
    pub versions: Vec<i32>,
}

/// Writes the node's row.
pub(crate) async fn write(connection: &mut PgConnection, node: &Node<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into usher.nodes
            (id, bucket, name, started_at, seen_at, lease_ms, call_max_ms, workflows, versions)
        select $1, $2, $3, clock.at, clock.at, $4, $5, $6, $7
        from (select now() as at) clock
        on conflict (id, bucket) do update
        set seen_at = excluded.seen_at
        "#,
        node.id,
        Bucket::of_id(node.id).number(),
        node.name,
        i64::try_from(node.lease.as_millis()).unwrap_or(i64::MAX),
        i64::try_from(node.call_max.as_millis()).unwrap_or(i64::MAX),
        &node.workflows,
        &node.versions,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the node's row.
pub(crate) async fn remove(connection: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from usher.nodes where id = $1 and bucket = $2", id, Bucket::of_id(id).number())
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes the rows of nodes that died long ago.
pub(crate) async fn remove_dead(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from usher.nodes where seen_at < now() - $1 * interval '1 second'", DEAD_AFTER_S)
        .execute(connection)
        .await?;
    Ok(())
}
