//! Why a set of steps must be rolled back, and what that means for its sagas and for the transaction.

use crate::{
    database_fault::{DatabaseFault, sqlstate},
    error::sql_code,
    machine::{call::CallFailure, env::Env, set::Answer, turn_error::TurnError},
    settings::Settings,
    step::DbError,
    texts::stored,
};
use std::time::Duration;

/// How long to wait before a statement is tried again that the server had no room for.
const NO_ROOM_AGAIN: Duration = Duration::from_secs(1);

/// Why a set must be rolled back.
pub(super) enum Fault {
    /// One of its answers, or a panic. If the set has only one saga, that is its answer.
    Own(Vec<Answer>),
    /// Its statement was refused.
    Failed(Answer),
    /// It waited in vain for rows that somebody else has locked.
    Waited,
    /// Its statement ran for so long that the database ended it.
    RanOut,
}

impl Fault {
    /// What a refused statement means. It is an error if it concerns the whole transaction. What a savepoint can roll back does
    /// not, not even a disk that is full for this one statement.
    pub fn of(error: DbError, took: Duration, env: &Env<'_>) -> Result<Self, TurnError> {
        let code = sqlstate(&error).unwrap_or_default();
        let own = |error: &DbError| {
            let (error, code) = (stored(chain(error)), sql_code(error));
            Self::Failed(Answer::Failed(CallFailure::Unclear { error, code }))
        };
        match DatabaseFault::of(&error) {
            DatabaseFault::Conflict if code == "40001" => Err(error.into()),
            DatabaseFault::Conflict if code == "57014" && took >= Settings::STATEMENT_MAX.mul_f64(0.9) => {
                Ok(Self::RanOut)
            }
            DatabaseFault::Conflict => Ok(Self::Waited),
            DatabaseFault::Unavailable => {
                let of_session = ["25006", "26000", "0A000"].contains(&&*code);
                match () {
                    // There is no room or no memory, so the answer is "not yet". It costs no attempts of the step, but time.
                    () if code.starts_with("53") || code.starts_with("58") => {
                        Ok(Self::Failed(Answer::Failed(CallFailure::Later(NO_ROOM_AGAIN))))
                    }
                    // A new session didn't help, so it is the step's own fault.
                    () if of_session && env.checked => Ok(own(&error)),
                    () => Err(error.into()),
                }
            }
            DatabaseFault::Statement => Ok(own(&error)),
        }
    }
}

fn chain(error: &DbError) -> String {
    match error {
        sqlx::Error::Database(database) => format!(
            "{} ({}{})",
            database.message(),
            database.code().unwrap_or_default(),
            database.constraint().map(|name| format!(", constraint `{name}`")).unwrap_or_default(),
        ),
        error => error.to_string(),
    }
}
