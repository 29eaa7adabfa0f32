//! The statements behind the numbers, and the samples. Reads take no locks, use small partial indexes and stop counting at a
//! bound.

use super::{
    COUNTED_TO, Minute, MustBeZero,
    quantile::{StepCounts, add_up},
};
use chrono::{DateTime, TimeDelta, Utc};
use operator::numbers as desk;
use orchestrator::{Bucket, Workflow};
use serde::Serialize;
use sqlx::PgConnection;
use std::time::Instant;
use uuid::Uuid;
use workflows::Booking;

/// How long samples are kept for the plots.
pub const SAMPLES_KEPT: TimeDelta = TimeDelta::hours(24);

/// A transaction that has been open for longer is named, because it keeps dead rows from being removed.
const LONG_TRANSACTION_S: f64 = 60.0;

/// The state of the database.
#[derive(Clone, Debug, Serialize)]
pub struct DatabaseHealth {
    /// How long it took to answer the simplest query, in milliseconds.
    pub answered_in_ms: f64,
    /// The number of client connections.
    pub connections: i64,
    /// The most connections that it admits.
    pub connections_max: i64,
    /// The transaction that has been open for longest, if that is long.
    pub long_reader: Option<LongReader>,
}

/// A session that keeps old rows alive.
#[derive(Clone, Debug, Serialize)]
pub struct LongReader {
    /// The id of its process in the database.
    pub pid: i32,
    /// Its application name.
    pub application: String,
    /// Its role.
    pub role: String,
    /// How long its transaction has been open, in seconds.
    pub open_s: f64,
}

/// One sample as it is stored.
pub(super) struct Sample {
    pub node: String,
    pub at: DateTime<Utc>,
    pub seconds: f64,
    pub ended: i64,
    pub takeovers: i64,
    pub zero: MustBeZero,
    pub oldest_due_s: f64,
    pub database_ms: f64,
    pub degraded: Vec<String>,
    pub steps: Vec<StepCounts>,
}

/// The sums of all nodes' recent samples.
#[derive(Default)]
pub(super) struct Lately {
    pub ended_per_s: Option<f64>,
    pub steps: Vec<StepCounts>,
    pub degraded: Vec<String>,
    pub nodes: Vec<String>,
}

pub(super) async fn now(connection: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(connection).await
}

pub(super) async fn must_be_zero(connection: &mut PgConnection) -> Result<MustBeZero, sqlx::Error> {
    let troubled = desk::count_troubled(connection, COUNTED_TO).await?;
    let held = held_past_time(connection, COUNTED_TO).await?;
    Ok(MustBeZero {
        stuck: troubled.stuck + troubled.overdue,
        overdue: troubled.overdue,
        in_doubt: desk::count_in_doubt(connection, COUNTED_TO).await?,
        seats_overdue: held.iter().map(|held| i64::from(held.seats)).sum(),
        owed: troubled.owed,
    })
}

/// Seats that are held past their time.
pub(crate) struct Held {
    /// The saga that holds them.
    pub saga: Uuid,
    /// The number of seats.
    pub seats: i16,
}

/// The sagas that hold seats past their time, newest first. Such a saga is not at rest and does not move, so small indexes
/// of the desk find it.
pub(crate) async fn held_past_time(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<Held>, sqlx::Error> {
    let still = desk::list_standing_still(connection, Booking::NAME, most).await?;
    if still.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = still.iter().map(|saga| saga.uuid()).collect();
    let buckets: Vec<i16> = still.iter().map(|saga| saga.bucket().number()).collect();
    // A booking's saga has its reservation's id.
    sqlx::query_as!(
        Held,
        r#"
        select r.saga_id as saga, r.seat_count as seats
        from unnest($1::uuid[], $2::smallint[]) as still (id, bucket)
        join booking.reservations r on r.id = still.id and r.bucket = still.bucket
        where r.status = 'PENDING' and r.reserved_until < now() - interval '1 minute'
        order by r.saga_id desc
        limit $3
        "#,
        &ids,
        &buckets,
        most,
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn health(connection: &mut PgConnection) -> Result<DatabaseHealth, sqlx::Error> {
    let began = Instant::now();
    sqlx::query("select 1").execute(&mut *connection).await?;
    let answered_in_ms = began.elapsed().as_secs_f64() * 1_000.0;
    let counted = sqlx::query!(
        r#"
        select count(*) as "connections!", current_setting('max_connections')::bigint as "max!"
        from pg_stat_activity
        where backend_type = 'client backend'
        "#
    )
    .fetch_one(&mut *connection)
    .await?;
    let long_reader = sqlx::query_as!(
        LongReader,
        r#"
        select pid as "pid!", coalesce(application_name, '') as "application!", coalesce(usename::text, '') as "role!",
               extract(epoch from clock_timestamp() - xact_start)::double precision as "open_s!"
        from pg_stat_activity
        where pid <> pg_backend_pid() and backend_type = 'client backend'
          and clock_timestamp() - xact_start > $1 * interval '1 second'
        order by xact_start
        limit 1
        "#,
        LONG_TRANSACTION_S,
    )
    .fetch_optional(connection)
    .await?;
    let (connections, connections_max) = (counted.connections, counted.max);
    Ok(DatabaseHealth { answered_in_ms, connections, connections_max, long_reader })
}

pub(super) async fn insert(connection: &mut PgConnection, sample: &Sample) -> Result<(), sqlx::Error> {
    let steps = serde_json::to_value(&sample.steps).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        r#"
        insert into booking.samples
            (node, at, bucket, seconds, ended, takeovers, stuck, in_doubt, seats_overdue, owed, oldest_due_s,
             database_ms, degraded, steps)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict do nothing
        "#,
        sample.node,
        sample.at,
        Bucket::of_key(&sample.node).number(),
        sample.seconds,
        sample.ended,
        sample.takeovers,
        sample.zero.stuck,
        sample.zero.in_doubt.sagas,
        sample.zero.seats_overdue,
        sample.zero.owed,
        sample.oldest_due_s,
        sample.database_ms,
        &sample.degraded,
        steps,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn delete_old(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from booking.samples where at < $1", before).execute(connection).await?;
    Ok(())
}

/// The counts of all nodes since a time.
pub(super) async fn read_counts(
    connection: &mut PgConnection,
    since: DateTime<Utc>,
) -> Result<Lately, sqlx::Error> {
    let rows = sqlx::query!(
        "select node, seconds, ended, degraded, steps from booking.samples where at >= $1 order by at desc limit 10000",
        since,
    )
    .fetch_all(connection)
    .await?;
    let mut lately = Lately::default();
    let mut counts: Vec<StepCounts> = Vec::new();
    // A node's rate is over the time that it has reported. The rates of all nodes add up.
    let mut rates: Vec<(String, i64, f64)> = Vec::new();
    for row in rows {
        let steps: Vec<StepCounts> =
            serde_json::from_value(row.steps).map_err(|error| sqlx::Error::Decode(error.into()))?;
        counts.extend(steps);
        match rates.iter_mut().find(|(node, ..)| *node == row.node) {
            Some((_, ended, seconds)) => (*ended, *seconds) = (*ended + row.ended, *seconds + row.seconds),
            None => {
                // The newest row of a node has its state.
                lately.degraded.extend(row.degraded);
                rates.push((row.node, row.ended, row.seconds));
            }
        }
    }
    lately.degraded.sort();
    lately.degraded.dedup();
    let rate = rates.iter().map(|(_, ended, seconds)| *ended as f64 / seconds).sum();
    lately.ended_per_s = (!rates.is_empty()).then_some(rate);
    lately.nodes = rates.into_iter().map(|(node, ..)| node).collect();
    lately.nodes.sort();
    lately.steps = add_up(counts);
    Ok(lately)
}

pub(super) async fn takeovers(
    connection: &mut PgConnection,
    since: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(takeovers), 0)::bigint as "takeovers!" from booking.samples where at >= $1"#,
        since,
    )
    .fetch_one(connection)
    .await
}

/// Samples by the minute, oldest first.
pub(super) async fn minutes(
    connection: &mut PgConnection,
    since: DateTime<Utc>,
) -> Result<Vec<Minute>, sqlx::Error> {
    sqlx::query_as!(
        Minute,
        r#"
        select date_trunc('minute', at) as "at!", sum(ended)::double precision / 60 as "ended_per_s!",
               sum(takeovers)::bigint as "takeovers!", max(stuck) as "stuck!", max(in_doubt) as "in_doubt!",
               max(seats_overdue) as "seats_overdue!", max(owed) as "owed!", max(oldest_due_s) as "oldest_due_s!",
               max(database_ms) as "database_ms!"
        from booking.samples
        where at >= $1
        group by 1
        order by 1
        "#,
        since,
    )
    .fetch_all(connection)
    .await
}
