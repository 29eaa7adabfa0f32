//! What a database error means: one answer for lanes, clients and the service on the engine.
//!
//! It tells what became of the transaction and of the connection, and nothing about the request: a unique violation
//! is the statement's own fault here, and the store that knows the index may turn it into a business answer.

use sqlx::postgres::PgDatabaseError;

/// What to do about a database error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseFault {
    /// A conflict with somebody else. Repeat the whole transaction; the connection is good.
    Conflict,
    /// The server, the network or this session can't serve. Drop the connection, and try again later.
    Unavailable,
    /// The statement is wrong, or the data refuses it. The same statement will fail again.
    Statement,
}

/// Codes that end a transaction because of what others do.
const CONFLICTS: &[&str] = &[
    "40001", // serialization failure
    "40P01", // deadlock
    "55P03", // lock not available: `lock_timeout`, or `nowait`
    "57014", // query canceled: `statement_timeout`, or an administrator
];

/// Codes and classes of codes that say nothing about the statement. [`CONFLICTS`] are looked for first.
const UNAVAILABLE: &[&str] = &[
    "08",    // connection exceptions
    "25006", // read-only: a switchover, a role's setting, a standby
    "25P03", // idle-in-transaction timeout: the session is closed
    "25P04", // transaction timeout: the session is closed
    "26000", // an unknown prepared statement: a pooler has changed the session
    "28",    // the server does not let us in: credentials are being changed
    "3D000", // the database isn't there, or not yet
    "53",    // no disk, memory or connections left
    "57",    // shutdown, crash, starting up, idle-session timeout, database dropped
    "58",    // errors of the system, such as I/O
];

/// The server's routine that refuses a cached plan after a migration. Its code, 0A000, is less precise.
const STALE_PLAN: &str = "RevalidateCachedQuery";

impl DatabaseFault {
    /// What this error means.
    pub fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(refusal) => {
                let refusal = refusal.downcast_ref::<PgDatabaseError>();
                Self::of_refusal(refusal.code(), refusal.routine())
            }
            // A peer that closes while an answer is awaited is a protocol error in the driver's words.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable,
            // What we ask, bind or read does not fit the database. The driver may add kinds; they count as bugs until we know them.
            _ => Self::Statement,
        }
    }

    fn of_refusal(code: &str, routine: Option<&str>) -> Self {
        if CONFLICTS.contains(&code) {
            Self::Conflict
        } else if UNAVAILABLE.iter().any(|known| code.starts_with(known)) || routine == Some(STALE_PLAN) {
            Self::Unavailable
        } else {
            Self::Statement
        }
    }

    /// Whether the same statement may well succeed in a moment.
    pub fn passes(self) -> bool {
        match self {
            Self::Conflict | Self::Unavailable => true,
            Self::Statement => false,
        }
    }
}

/// The SQLSTATE that the server refused a statement with.
pub fn sqlstate(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_says_what_is_to_be_done() {
        use DatabaseFault::{Conflict, Statement, Unavailable};
        let cases = [
            ("40001", Conflict),
            ("40P01", Conflict),
            ("55P03", Conflict),
            ("57014", Conflict),
            ("08006", Unavailable),
            ("25006", Unavailable),
            ("25P03", Unavailable),
            ("26000", Unavailable),
            ("28P01", Unavailable),
            ("3D000", Unavailable),
            ("53100", Unavailable),
            ("53300", Unavailable),
            ("57P01", Unavailable),
            ("57P03", Unavailable),
            ("58030", Unavailable),
            ("0A000", Statement),
            ("22P05", Statement),
            ("23505", Statement),
            ("25P02", Statement),
            ("42501", Statement),
            ("42P01", Statement),
        ];
        for (code, expected) in cases {
            assert_eq!(DatabaseFault::of_refusal(code, None), expected, "{code}");
        }
        assert_eq!(DatabaseFault::of_refusal("0A000", Some(STALE_PLAN)), Unavailable);
    }

    #[test]
    fn a_connection_that_breaks_in_any_way_is_unavailable() {
        let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let errors = [
            sqlx::Error::Io(broken()),
            sqlx::Error::Tls(broken().into()),
            sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".into()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::WorkerCrashed,
        ];
        for error in errors {
            assert_eq!(DatabaseFault::of(&error), DatabaseFault::Unavailable, "{error}");
        }
        assert_eq!(DatabaseFault::of(&sqlx::Error::RowNotFound), DatabaseFault::Statement);
    }
}
