//! Making tokens.

use super::{Role, Token};
use chrono::{Days, Utc};
use sqlx::PgPool;
use steps::{
    UserId,
    store::{
        StoreError,
        tokens::{self, Principal},
        users,
    },
};

/// Makes a token for whoever isn't a customer, and gives it this once.
///
/// # Errors
/// The database's.
pub async fn issue(
    pool: &PgPool,
    role: Role,
    subject: &str,
    valid_days: Option<u64>,
) -> Result<Token, StoreError> {
    insert(pool, Principal { role, subject: subject.to_owned(), user: None }, valid_days).await
}

/// Makes a token for a customer, and the user behind it unless there is one with this address.
///
/// # Errors
/// The database's; a check violation if the address has no `@`.
pub async fn issue_customer(
    pool: &PgPool,
    name: &str,
    email: &str,
    valid_days: Option<u64>,
) -> Result<(Token, UserId), StoreError> {
    let user = users::ensure(&mut *pool.acquire().await?, name, email, Utc::now()).await?.user;
    // The subject stands in audits: the id, not the person's address.
    let principal = Principal { role: Role::Customer, subject: user.to_string(), user: Some(user) };
    Ok((insert(pool, principal, valid_days).await?, user))
}

async fn insert(pool: &PgPool, principal: Principal, valid_days: Option<u64>) -> Result<Token, StoreError> {
    let (token, now) = (Token::draw(), Utc::now());
    let expires_at = valid_days.and_then(|days| now.checked_add_days(Days::new(days)));
    tokens::insert(&mut *pool.acquire().await?, token.expose(), &principal, expires_at, now).await?;
    Ok(token)
}
