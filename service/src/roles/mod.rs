//! The database's roles and their rights, which the migrating role grants.
//!
//! The tables belong to the role that migrates. A node serves as another role (`usher_app`), which may read and add
//! everywhere, and change and delete where the service does. It may not change the journal, the audit and the ledger: what
//! was written there stays, whatever a bug or a stolen password tries. A third role (`usher_read`) may only read.
//!
//! Grants are made again from the catalogue each time. So a table of the newest migration gets them too, and a right
//! that somebody added by hand is removed.

mod grants;

use orchestrator::sqlstate;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, postgres::PgConnectOptions};
use std::str::FromStr;

/// The purposes of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It serves and runs sagas.
    App,
    /// It only reads.
    Read,
}

/// A role's name: letters, digits and underscores, in lower case, so that it never needs quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

/// Why a role could not be made, or not get its rights.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// This user may not create roles.
    #[error(
        "this user may not create roles; let a user who may do so run `create role {0} login password '…'`, then run `usher migrate` again"
    )]
    MayNotCreate(String),
    /// This user may not change the role.
    #[error("this user may not set the timeouts of `{role}`; let a user who may do so run: {statements}")]
    MayNotAlter {
        /// The role's name.
        role: String,
        /// The statements to run.
        statements: String,
    },
    /// The role has all rights anyway.
    #[error(
        "`{0}` is a superuser or owns the tables, so its rights can't be limited; name another role, and migrate as the owner"
    )]
    TooMighty(String),
    /// The database refused.
    #[error("granting rights to `{role}`")]
    Database {
        /// The role's name.
        role: String,
        /// The database's error.
        #[source]
        source: sqlx::Error,
    },
    /// The database could not be asked.
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
            "a role's name has at most 63 lower-case letters, digits and `_`, begins with a letter, and does not begin with `pg_`",
        )
    }
}

impl RoleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives the roles the rights that they need and no others, and makes roles that don't exist. Roles that had rights before
/// and are not named get theirs again. This must run as the tables' owner.
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

/// The roles that have rights already: a role that may add sagas serves, the others only read.
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

/// Makes the role if it does not exist.
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
        // Somebody else made it meanwhile.
        Err(error) if is(&error, "42710") || is(&error, "23505") => Ok(()),
        Err(error) if is(&error, "42501") => Err(RoleError::MayNotCreate(role.clone())),
        Err(source) => Err(RoleError::Database { role: role.clone(), source }),
    }
}

/// The settings of the role's sessions, including those opened by hand.
async fn set_timeouts(
    connection: &mut PgConnection,
    purpose: Purpose,
    RoleName(role): &RoleName,
) -> Result<(), RoleError> {
    // A node's statements are short; a person's may take longer.
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
