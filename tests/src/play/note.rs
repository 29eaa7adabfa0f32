//! Note: a row of ours, written for a whole batch in one statement, with faults on demand.

use super::QUICK;
use orchestrator::{Bucket, DbError, Item, Policy, Rejected, Step, StepError, Tx, Undoing};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Writes a text down. Undone, the text is struck out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The text.
    pub text: String,
    /// What goes wrong with it.
    pub twist: Twist,
}

/// What goes wrong with a step. All but [`Twist::Abort`] is for notes only: what the desk does is in its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Twist {
    /// Nothing goes wrong.
    None,
    /// It is refused.
    Refuse,
    /// Its statement fails.
    Sql,
    /// It panics.
    Panic,
    /// It kills its process.
    Abort,
    /// Its result is larger than any entry may be.
    Oversize,
    /// It has written its row, and then doesn't know whether it should have.
    Unclear,
    /// Its statement fails when it is undone.
    SqlUndo,
    /// It panics when it is undone.
    PanicUndo,
    /// It kills its process when it is undone.
    AbortUndo,
    /// It fails with a text that no column can keep.
    Nul,
    /// It writes a row twice, and calls the database's refusal its own.
    Hide,
    /// It never returns, and lets others work meanwhile.
    Hang,
    /// It never returns, and holds its thread.
    Block,
    /// Its statement fails as if the disk were full.
    DiskFull,
    /// Its statement takes a minute.
    Slow,
}

/// Longer than any test that has a blocked thread.
const BLOCKED: std::time::Duration = std::time::Duration::from_secs(600);

/// Larger than any entry in these tests may be.
const OVERSIZE_BYTES: usize = 400 * 1024;

impl Step for Note {
    const NAME: &'static str = "note";
    const POLICY: Policy = QUICK;
    const UNDO_POLICY: Policy = QUICK;
    type Output = String;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<String, StepError> {
        let alone = Item { step: self, saga: tx.saga(), position: tx.position() };
        let mut answers = Self::run_all(&[alone], tx).await?;
        answers.pop().unwrap_or_else(|| Err(StepError::unclear("a set of one has one answer")))
    }

    async fn run_all(
        batch: &[Item<'_, Self>],
        tx: &mut Tx,
    ) -> Result<Vec<Result<String, StepError>>, DbError> {
        let mut rows = Rows::default();
        for Item { step, saga, position } in batch {
            match step.twist {
                Twist::Refuse => continue,
                Twist::Panic => panic!("`{}` panics", step.text),
                Twist::Abort => std::process::abort(),
                Twist::Hang => std::future::pending().await,
                Twist::Block => std::thread::sleep(BLOCKED),
                Twist::DiskFull => refuse(tx, "raise exception 'no room' using errcode = '53100'").await?,
                Twist::Slow => refuse(tx, "perform pg_sleep(60)").await?,
                Twist::Hide if write_twice(tx).await.is_err() => continue,
                Twist::Hide
                | Twist::None
                | Twist::Nul
                | Twist::Sql
                | Twist::Oversize
                | Twist::Unclear
                | Twist::SqlUndo
                | Twist::PanicUndo
                | Twist::AbortUndo => {}
            }
            rows.sagas.push(saga.uuid());
            rows.buckets.push(saga.bucket().number());
            rows.positions.push(position.index());
            rows.texts.push(step.text.clone());
            rows.divisors.push(i32::from(step.twist != Twist::Sql));
        }
        if !rows.sagas.is_empty() {
            rows.write(tx).await?;
        }
        let answer = |item: &Item<'_, Self>| match item.step.twist {
            Twist::Refuse | Twist::Hide => Err(Rejected::new("not-here", "nobody may write that").into()),
            Twist::Nul => Err(StepError::unclear("no\0thing")),
            Twist::Unclear => Err(StepError::unclear("written, or so it seems")),
            Twist::Oversize => Ok("x".repeat(OVERSIZE_BYTES)),
            Twist::None | Twist::SqlUndo | Twist::PanicUndo | Twist::AbortUndo => Ok(item.step.text.clone()),
            Twist::Sql
            | Twist::Panic
            | Twist::Abort
            | Twist::Hang
            | Twist::Block
            | Twist::DiskFull
            | Twist::Slow => {
                unreachable!("it did not come so far")
            }
        };
        Ok(batch.iter().map(answer).collect())
    }

    async fn compensate(&self, _: &mut Tx, _: String) -> Result<(), StepError> {
        unreachable!("the set-based form is the only one that the engine calls")
    }

    async fn compensate_all(
        batch: Vec<Undoing<'_, Self>>,
        tx: &mut Tx,
    ) -> Result<Vec<Result<(), StepError>>, DbError> {
        for undoing in &batch {
            assert!(undoing.step.twist != Twist::PanicUndo, "undoing `{}` panics", undoing.step.text);
            if undoing.step.twist == Twist::AbortUndo {
                std::process::abort();
            }
            let divisor = i32::from(undoing.step.twist != Twist::SqlUndo);
            let strike = "update play.notes set struck = true
                where saga = $1 and bucket = $2 and position = $3 and 1 / $4 = 1";
            sqlx::query(strike)
                .bind(undoing.saga.uuid())
                .bind(undoing.saga.bucket().number())
                .bind(undoing.position.index())
                .bind(divisor)
                .execute(&mut **tx)
                .await?;
        }
        Ok(batch.iter().map(|_| Ok(())).collect())
    }
}

/// Where notes are.
pub(super) const SCHEMA: &str = "
    create schema play;
    create table play.notes (saga uuid, bucket smallint, position integer, text text, struck boolean default false,
        primary key (saga, bucket, position))";

/// Lets the database refuse something.
async fn refuse(connection: &mut PgConnection, statement: &str) -> Result<(), DbError> {
    let block = format!("do $$ begin {statement}; end $$");
    sqlx::raw_sql(sqlx::AssertSqlSafe(block)).execute(connection).await?;
    Ok(())
}

/// Violates a unique key: the transaction has failed, whatever the caller does with the error.
async fn write_twice(connection: &mut PgConnection) -> Result<(), DbError> {
    let twice =
        "insert into play.notes (saga, bucket, position) select '00000000-0000-7000-8000-000000000000', 0, 0
        from generate_series(1, 2)";
    sqlx::query(twice).execute(connection).await?;
    Ok(())
}

#[derive(Default)]
struct Rows {
    sagas: Vec<uuid::Uuid>,
    buckets: Vec<i16>,
    positions: Vec<i32>,
    texts: Vec<String>,
    divisors: Vec<i32>,
}

impl Rows {
    async fn write(&self, connection: &mut PgConnection) -> Result<(), DbError> {
        debug_assert!(self.buckets.iter().all(|bucket| Bucket::from_number(*bucket).is_some()));
        let write = "insert into play.notes (saga, bucket, position, text)
            select saga, bucket, position, text
            from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::text[], $5::integer[])
                as note (saga, bucket, position, text, divisor)
            where 1 / divisor = 1";
        sqlx::query(write)
            .bind(&self.sagas)
            .bind(&self.buckets)
            .bind(&self.positions)
            .bind(&self.texts)
            .bind(&self.divisors)
            .execute(connection)
            .await?;
        Ok(())
    }
}
