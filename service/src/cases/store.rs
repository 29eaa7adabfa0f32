//! `booking.cases`: a row for each difference, for a person.

use super::Class;
use chrono::{DateTime, Utc};
use operator::By;
use orchestrator::{Bucket, bucketed_id};
use serde::Serialize;
use sqlx::PgConnection;
use steps::{PaymentId, ReservationId, gateway::Currency, store::gateway_references::bucket};
use uuid::Uuid;

bucketed_id! {
    /// A difference between our books and the gateway's.
    CaseId
}

/// A difference as it is stored.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The gateway's name for the payment, or ours if it has none.
    pub reference: String,
    /// The class of the difference.
    pub class: Class,
    /// Our payment. If our books have none, the one that the gateway's metadata names.
    pub payment: Option<PaymentId>,
    /// Its reservation, from the same source.
    pub reservation: Option<ReservationId>,
    /// The currency of both amounts.
    pub currency: Currency,
    /// Minor units by our books.
    pub ours: i64,
    /// Minor units by the gateway's.
    pub theirs: i64,
    /// What is wrong, in one sentence.
    pub what: String,
}

/// A case as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// Its id.
    pub id: Uuid,
    /// The gateway whose books ours were compared with.
    pub gateway: String,
    /// The gateway's name for the payment, or ours if it has none.
    pub reference: String,
    /// The class of the difference, in one word; see [`Class`].
    pub class: String,
    /// Our payment. If our books have none, the one that the gateway's metadata names.
    pub payment_id: Option<Uuid>,
    /// Its reservation, from the same source.
    pub reservation_id: Option<Uuid>,
    /// ISO 4217, of both amounts.
    pub currency: String,
    /// Minor units by our books.
    pub ours_minor: i64,
    /// Minor units by the gateway's.
    pub theirs_minor: i64,
    /// What is wrong, in one sentence.
    pub what: String,
    /// When it was first found.
    pub first_seen_at: DateTime<Utc>,
    /// When it was last found.
    pub last_seen_at: DateTime<Utc>,
    /// `OPEN` or `RESOLVED`.
    pub state: String,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who resolved it: `reconciliation`, or a person.
    pub resolved_by: Option<String>,
    /// How it was resolved: `vanished` or `settled`.
    pub how: Option<String>,
    /// Why it was resolved.
    pub note: Option<String>,
    /// When somebody first asked to give its money back.
    pub given_back_at: Option<DateTime<Utc>>,
    /// Who asked to give it back.
    pub given_back_by: Option<String>,
    /// Why they asked.
    pub given_back_why: Option<String>,
    /// What the gateway answered; `None` until it has answered.
    pub given_back_how: Option<String>,
}

/// Opens a case for each difference that has none, and updates the other cases.
pub async fn see(
    connection: &mut PgConnection,
    gateway: &str,
    seen: &[Seen],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let home = |seen: &Seen| bucket(gateway, &seen.reference);
    sqlx::query!(
        r#"
        insert into booking.cases as c
            (id, bucket, gateway, reference, class, payment_id, reservation_id, currency, ours_minor, theirs_minor, what,
             first_seen_at, last_seen_at)
        select id, bucket, $1, reference, class, payment_id, reservation_id, currency, ours_minor, theirs_minor, what, $2, $2
        from unnest($3::uuid[], $4::smallint[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::bigint[],
                    $11::bigint[], $12::text[])
            as s (id, bucket, reference, class, payment_id, reservation_id, currency, ours_minor, theirs_minor, what)
        on conflict (gateway, reference, class, bucket) where state = 'OPEN' do update
        set last_seen_at = greatest(c.last_seen_at, excluded.last_seen_at),
            payment_id = excluded.payment_id,
            reservation_id = excluded.reservation_id,
            ours_minor = excluded.ours_minor,
            theirs_minor = excluded.theirs_minor,
            what = excluded.what
        "#,
        gateway,
        now,
        &seen.iter().map(|seen| home(seen).new_id()).collect::<Vec<_>>(),
        &seen.iter().map(|seen| home(seen).number()).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.reference.clone()).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.class.as_str().to_owned()).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.payment.map(PaymentId::uuid)).collect::<Vec<_>>() as &[Option<Uuid>],
        &seen.iter().map(|seen| seen.reservation.map(ReservationId::uuid)).collect::<Vec<_>>() as &[Option<Uuid>],
        &seen.iter().map(|seen| seen.currency.to_string()).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.ours).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.theirs).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.what.clone()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Resolves the open cases of these payments whose class differs from the one given with each: the difference was not found
/// again. Returns how many.
pub async fn resolve_vanished(
    connection: &mut PgConnection,
    gateway: &str,
    found: &[(String, Class)],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let buckets: Vec<_> = found.iter().map(|(reference, _)| bucket(gateway, reference).number()).collect();
    let done = sqlx::query!(
        r#"
        update booking.cases c
        set state = 'RESOLVED', resolved_at = $2, resolved_by = 'reconciliation', how = 'vanished',
            note = 'a later look found: ' || f.class
        from unnest($3::text[], $4::smallint[], $5::text[]) as f (reference, bucket, class)
        where c.gateway = $1 and c.reference = f.reference and c.bucket = f.bucket and c.state = 'OPEN'
          and c.class <> f.class and c.first_seen_at <= $2
        "#,
        gateway,
        now,
        &found.iter().map(|(reference, _)| reference.clone()).collect::<Vec<_>>(),
        &buckets,
        &found.iter().map(|(_, class)| class.as_str().to_owned()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Open cases of a gateway that were last seen before `before`, in order of id, after the id `after`.
pub async fn unseen(
    connection: &mut PgConnection,
    gateway: &str,
    before: DateTime<Utc>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Case>, sqlx::Error> {
    sqlx::query_as!(
        Case,
        "select id, gateway, reference, class, payment_id, reservation_id, currency, ours_minor, theirs_minor, what,
                first_seen_at, last_seen_at, state, resolved_at, resolved_by, how, note, given_back_at,
                given_back_by, given_back_why, given_back_how
         from booking.cases
         where gateway = $1 and state = 'OPEN' and last_seen_at < $2 and (id, bucket) > ($3, $4)
         order by id, bucket
         limit $5",
        gateway,
        before,
        after,
        Bucket::of_id(after).number(),
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Cases, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    state: Option<&str>,
    class: Option<Class>,
    limit: i64,
) -> Result<Vec<Case>, sqlx::Error> {
    sqlx::query_as!(
        Case,
        "select id, gateway, reference, class, payment_id, reservation_id, currency, ours_minor, theirs_minor, what,
                first_seen_at, last_seen_at, state, resolved_at, resolved_by, how, note, given_back_at,
                given_back_by, given_back_why, given_back_how
         from booking.cases
         where ($1::text is null or state = $1) and ($2::text is null or class = $2)
         order by id desc, bucket
         limit $3",
        state,
        class.map(Class::as_str),
        limit,
    )
    .fetch_all(connection)
    .await
}

/// The case with this id.
pub async fn find(connection: &mut PgConnection, case: CaseId) -> Result<Option<Case>, sqlx::Error> {
    sqlx::query_as!(
        Case,
        "select id, gateway, reference, class, payment_id, reservation_id, currency, ours_minor, theirs_minor, what,
                first_seen_at, last_seen_at, state, resolved_at, resolved_by, how, note, given_back_at,
                given_back_by, given_back_why, given_back_how
         from booking.cases
         where id = $1 and bucket = $2",
        case.uuid(),
        case.bucket().number(),
    )
    .fetch_optional(connection)
    .await
}

/// Marks a case as settled by a person. False if it was not open.
pub async fn settle(
    connection: &mut PgConnection,
    case: CaseId,
    by: &By,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update booking.cases
         set state = 'RESOLVED', resolved_at = $3, resolved_by = $4, how = 'settled', note = $5
         where id = $1 and bucket = $2 and state = 'OPEN'",
        case.uuid(),
        case.bucket().number(),
        now,
        by.actor,
        by.reason,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records who asks to give back the money of an open case. The first person stays recorded. False if it is not open.
pub async fn ask_to_give_back(
    connection: &mut PgConnection,
    case: Uuid,
    by: &By,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update booking.cases
         set given_back_at = coalesce(given_back_at, $3), given_back_by = coalesce(given_back_by, $4),
             given_back_why = coalesce(given_back_why, $5)
         where id = $1 and bucket = $2 and state = 'OPEN'",
        case,
        Bucket::of_id(case).number(),
        now,
        by.actor,
        by.reason,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records what the gateway answered. The first answer stays.
pub async fn note_given_back(
    connection: &mut PgConnection,
    case: Uuid,
    how: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.cases set given_back_how = coalesce(given_back_how, $3) where id = $1 and bucket = $2",
        case,
        Bucket::of_id(case).number(),
        how,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The number of open cases, by class.
pub async fn count_open(connection: &mut PgConnection) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select class, count(*) as "count!" from booking.cases where state = 'OPEN' group by class"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.class, row.count)).collect())
}
