//! The database's roles: who may do what, granted by whoever migrates.
//!
//! The tables belong to the role that migrates. A node serves as another one (`usher_app`), which may read and add
//! everywhere, change and delete where the service does, and of the journal, the audit and the ledger change
//! nothing: what was written there stays, whatever a bug or a stolen password tries. A third one (`usher_read`) only looks.
//!
//! Grants are made anew from the catalogue each time, so a table of the newest migration has them too, and a right
//! that somebody added by hand is gone.

mod grants;

use orchestrator::sqlstate;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, postgres::PgConnectOptions};
use std::str::FromStr;

/// Roles that this service knows, by what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Serves and runs sagas.
    App,
    /// Looks.
    Read,
}

/// A role's name: letters, digits and underscores, in lower case, so that it never needs quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

/// Why a role could not be made what it should be.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// We may not make roles.
    #[error(
        "this user may not create roles; let one who may run `create role {0} login password '…'`, and then run `usher migrate` again"
    )]
    MayNotCreate(String),
    /// We may not change it.
    #[error("this user may not set the timeouts of `{role}`; let one who may run: {statements}")]
    MayNotAlter {
        /// Which.
        role: String,
        /// What is to be run.
        statements: String,
    },
    /// Nothing can be refused to it.
    #[error(
        "`{0}` is a superuser or owns the tables: nothing could be refused to it; name another role, and migrate as the owner"
    )]
    TooMighty(String),
    /// The database said no.
    #[error("granting rights to `{role}`")]
    Database {
        /// To whom.
        role: String,
        /// Why not.
        #[source]
        source: sqlx::Error,
    },
    /// It could not be asked.
    #[error("asking the database for its roles")]
    Asking(#[from] sqlx::Error),
}

impl FromStr for RoleName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = begins && text.len() <= 63 && text.chars().all(plain) && !text.starts_with("pg_");
        fits.then(|| Self(text.to_owned())).ok_or(
            "a role is at most 63 small letters, digits and `_`, and begins with a letter, not with `pg_`",
        )
    }
}

impl RoleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives the roles what they need and nothing else, and makes those that don't exist. Roles that had rights before
/// and are not named get theirs anew. Must run as the tables' owner.
///
/// # Errors
/// [`RoleError`].
pub async fn grant(url: &str, wanted: &[(Purpose, RoleName)]) -> Result<Vec<(Purpose, RoleName)>, RoleError> {
    let mut connection = PgConnectOptions::from_str(url)?.application_name("usher migrate").connect().await?;
    let mut roles = wanted.to_vec();
    for known in existing_roles(&mut connection).await? {
        if !roles.iter().any(|(_, name)| *name == known.1) {
            roles.push(known);
        }
    }
    for (purpose, name) in &roles {
        make(&mut connection, name).await?;
        set_timeouts(&mut connection, *purpose, name).await?;
        let granted = grants::renew(&mut connection, *purpose, name).await;
        granted.map_err(|source| RoleError::Database { role: name.0.clone(), source })?;
    }
    connection.close().await?;
    Ok(roles)
}

/// Who has rights already: those who may add sagas serve, the others look.
async fn existing_roles(connection: &mut PgConnection) -> Result<Vec<(Purpose, RoleName)>, RoleError> {
    let found = sqlx::query(
        "select r.rolname::text as name, bool_or(a.privilege_type = 'INSERT') as adds
         from pg_class c
         cross join lateral aclexplode(c.relacl) as a
         join pg_roles r on r.oid = a.grantee
         where c.oid = to_regclass('usher.sagas') and a.grantee <> c.relowner
         group by r.rolname
         order by r.rolname",
    )
    .fetch_all(connection)
    .await?;
    let role = |row: &sqlx::postgres::PgRow| {
        let purpose = if row.get("adds") { Purpose::App } else { Purpose::Read };
        Some((purpose, row.get::<String, _>("name").parse().ok()?))
    };
    Ok(found.iter().filter_map(role).collect())
}

/// Makes the role if there is none.
async fn make(connection: &mut PgConnection, RoleName(role): &RoleName) -> Result<(), RoleError> {
    let look = "select r.rolsuper or r.oid = c.relowner as mighty
        from pg_roles r, pg_class c where r.rolname = $1 and c.oid = 'usher.sagas'::regclass";
    let found: Option<bool> = sqlx::query_scalar(look).bind(role).fetch_optional(&mut *connection).await?;
    match found {
        Some(true) => return Err(RoleError::TooMighty(role.clone())),
        Some(false) => return Ok(()),
        None => {}
    }
    let create = AssertSqlSafe(format!("create role {role} login"));
    match sqlx::raw_sql(create).execute(connection).await {
        Ok(_) => Ok(()),
        // Somebody was quicker.
        Err(error) if is(&error, "42710") || is(&error, "23505") => Ok(()),
        Err(error) if is(&error, "42501") => Err(RoleError::MayNotCreate(role.clone())),
        Err(source) => Err(RoleError::Database { role: role.clone(), source }),
    }
}

/// What a session of the role gets, also one that is opened by hand.
async fn set_timeouts(
    connection: &mut PgConnection,
    purpose: Purpose,
    RoleName(role): &RoleName,
) -> Result<(), RoleError> {
    // A node's statements are short; whoever looks may take longer.
    let settings: &[(&str, &str)] = match purpose {
        Purpose::App => &[
            ("statement_timeout", "10s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "15s"),
            ("tcp_user_timeout", "10s"),
        ],
        Purpose::Read => &[
            ("statement_timeout", "30s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "15s"),
            ("tcp_user_timeout", "10s"),
            ("default_transaction_read_only", "on"),
        ],
    };
    let one = |(name, value): &(&str, &str)| format!("alter role {role} set {name} = '{value}';");
    let statements: Vec<_> = settings.iter().map(one).collect();
    let statements = statements.join(" ");
    match sqlx::raw_sql(AssertSqlSafe(statements.clone())).execute(connection).await {
        Ok(_) => Ok(()),
        Err(error) if is(&error, "42501") => Err(RoleError::MayNotAlter { role: role.clone(), statements }),
        Err(source) => Err(RoleError::Database { role: role.clone(), source }),
    }
}

fn is(error: &sqlx::Error, code: &str) -> bool {
    sqlstate(error).as_deref() == Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_needs_quoting() {
        for name in ["usher_app", "u2"] {
            assert_eq!(name.parse::<RoleName>().unwrap().as_str(), name);
        }
        for name in ["", "Usher", "usher-app", "1st", "pg_monitor", "x; drop table seats", &"x".repeat(64)] {
            assert!(name.parse::<RoleName>().is_err(), "{name}");
        }
    }
}
