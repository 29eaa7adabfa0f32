//! `usher.proposals`: actions that wait for a second person.

use super::decode;
use crate::record::{Proposal, ProposalId, ProposalState};
use chrono::{DateTime, Utc};
use orchestrator::{Bucket, SagaId, Stake};
use sqlx::PgConnection;

/// A proposal as it is stored.
pub(crate) struct New<'a> {
    pub id: ProposalId,
    pub saga: SagaId,
    pub action: String,
    pub actor: &'a str,
    pub reason: &'a str,
    pub etag: &'a str,
    pub plan_hash: &'a str,
    pub money: &'a [Stake],
    pub now: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Closes the proposals of this saga that nobody decided in time, so that a new one can be made.
pub(crate) async fn expire(
    connection: &mut PgConnection,
    saga: SagaId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update usher.proposals
        set state = 'expired', decided_at = $3
        where saga_id = $1 and bucket = $2 and state = 'open' and expires_at <= $3
        "#,
        saga.uuid(),
        saga.bucket().number(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores a proposal. False if the same one is open.
pub(crate) async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<bool, sqlx::Error> {
    let money = serde_json::to_string(new.money).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let inserted = sqlx::query!(
        r#"
        insert into usher.proposals
            (id, bucket, saga_id, action, actor, reason, etag, plan_hash, money, state, created_at, expires_at)
        values ($1, $2, $3, $4::text::json, $5, $6, $7, $8, $9::text::json, 'open', $10, $11)
        on conflict (saga_id, plan_hash, bucket) where state = 'open' do nothing
        "#,
        new.id.uuid(),
        new.id.bucket().number(),
        new.saga.uuid(),
        new.action,
        new.actor,
        new.reason,
        new.etag,
        new.plan_hash,
        money,
        new.now,
        new.expires_at,
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The open proposal of this plan.
pub(crate) async fn find_open(
    connection: &mut PgConnection,
    saga: SagaId,
    plan_hash: &str,
) -> Result<Option<ProposalId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "select id from usher.proposals where saga_id = $1 and bucket = $2 and plan_hash = $3 and state = 'open'",
        saga.uuid(),
        saga.bucket().number(),
        plan_hash,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(ProposalId::from_uuid))
}

/// Decides a proposal if it is still open: of two decisions at once only one succeeds.
pub(crate) async fn decide(
    connection: &mut PgConnection,
    id: ProposalId,
    consented: bool,
    by: (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let decided = sqlx::query!(
        r#"
        update usher.proposals
        set state = case when $3 then 'consented' else 'declined' end, decided_by = $4, decided_why = $5,
            decided_at = $6
        where id = $1 and bucket = $2 and state = 'open' and expires_at > $6
        "#,
        id.uuid(),
        id.bucket().number(),
        consented,
        by.0,
        by.1,
        now,
    )
    .execute(connection)
    .await?;
    Ok(decided.rows_affected() == 1)
}

/// A row as the database gives it, with the version that its saga has now.
struct ProposalColumns {
    id: uuid::Uuid,
    saga_id: uuid::Uuid,
    action: String,
    actor: String,
    reason: String,
    etag: String,
    plan_hash: String,
    money: String,
    state: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    decided_by: Option<String>,
    decided_why: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    saga_etag: Option<String>,
    expired: bool,
}

/// One proposal.
pub(crate) async fn look(
    connection: &mut PgConnection,
    id: ProposalId,
) -> Result<Option<Proposal>, sqlx::Error> {
    let row = sqlx::query_as!(
        ProposalColumns,
        r#"
        select p.id, p.saga_id, p.action::text as "action!", p.actor, p.reason, p.etag, p.plan_hash,
               p.money::text as "money!", p.state, p.created_at, p.expires_at, p.decided_by, p.decided_why, p.decided_at,
               s.epoch || '-' || s.journal_len || '-' || s.state || case when s.paused then '-paused' else '' end
                   as saga_etag,
               p.expires_at <= now() as "expired!"
        from usher.proposals p
        left join usher.sagas s on s.id = p.saga_id and s.bucket = p.bucket
        where p.id = $1 and p.bucket = $2
        "#,
        id.uuid(),
        id.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(ProposalColumns::read).transpose()
}

/// Proposals of all buckets, newest first, after the one with this id.
pub(crate) async fn list(
    connection: &mut PgConnection,
    open_only: bool,
    after: Option<ProposalId>,
    most: i64,
) -> Result<Vec<Proposal>, sqlx::Error> {
    let rows = sqlx::query_as!(
        ProposalColumns,
        r#"
        select p.id, p.saga_id, p.action::text as "action!", p.actor, p.reason, p.etag, p.plan_hash,
               p.money::text as "money!", p.state, p.created_at, p.expires_at, p.decided_by, p.decided_why, p.decided_at,
               s.epoch || '-' || s.journal_len || '-' || s.state || case when s.paused then '-paused' else '' end
                   as saga_etag,
               p.expires_at <= now() as "expired!"
        from usher.proposals p
        left join usher.sagas s on s.id = p.saga_id and s.bucket = p.bucket
        where ($1::uuid is null or p.id < $1)
          and (not $2 or (p.state = 'open' and p.expires_at > now()))
        order by p.id desc
        limit $3
        "#,
        after.map(ProposalId::uuid),
        open_only,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ProposalColumns::read).collect()
}

/// Removes proposals that were made before this time.
pub(crate) async fn delete_old(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        r#"
        delete from usher.proposals
        where (id, bucket) in (
            select id, bucket from usher.proposals where id < $1 order by id limit $2
        )
        "#,
        orchestrator::tools::first_id_of(before),
        most,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

impl ProposalColumns {
    fn read(self) -> Result<Proposal, sqlx::Error> {
        let changed = self.saga_etag.is_none_or(|etag| etag != self.etag);
        let state = match self.state.as_str() {
            "consented" => ProposalState::Consented,
            "declined" => ProposalState::Declined,
            "open" if self.expired => ProposalState::Expired,
            "open" if changed => ProposalState::Outdated,
            "open" => ProposalState::Open,
            _ => ProposalState::Expired,
        };
        debug_assert_eq!(Bucket::of_id(self.id), Bucket::of_id(self.saga_id), "it is in its saga's bucket");
        Ok(Proposal {
            id: ProposalId::from_uuid(self.id),
            saga: SagaId::from_uuid(self.saga_id),
            action: decode(&self.action)?,
            actor: self.actor,
            reason: self.reason,
            etag: self.etag,
            plan_hash: self.plan_hash,
            money: decode(&self.money)?,
            state,
            created_at: self.created_at,
            expires_at: self.expires_at,
            decided_by: self.decided_by,
            decided_why: self.decided_why,
            decided_at: self.decided_at,
        })
    }
}
