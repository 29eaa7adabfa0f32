//! Making tokens.

use super::{super::store, Caller, Role, Token};
use sqlx::PgPool;
use steps::UserId;

/// Makes a token for a subject that isn't a customer. It is returned only this once.
///
/// # Errors
/// The database failed.
pub async fn issue(
    pool: &PgPool,
    role: Role,
    subject: &str,
    valid_days: Option<i32>,
) -> Result<Token, sqlx::Error> {
    insert(pool, &Caller { role, subject: subject.to_owned(), user: None }, valid_days).await
}

/// Makes a token for a customer, and the user if none has this address.
///
/// # Errors
/// The database failed; a check violation if the address has no `@`.
pub async fn issue_customer(
    pool: &PgPool,
    subject: Option<&str>,
    name: &str,
    email: &str,
    valid_days: Option<i32>,
) -> Result<(Token, UserId), sqlx::Error> {
    let user = store::users::ensure(&mut *pool.acquire().await?, name, email).await?;
    // Audits name the subject. By default it is the user's id, not the person's address.
    let subject = subject.map_or_else(|| user.to_string(), ToOwned::to_owned);
    let bearer = Caller { role: Role::Customer, subject, user: Some(user) };
    Ok((insert(pool, &bearer, valid_days).await?, user))
}

async fn insert(pool: &PgPool, bearer: &Caller, valid_days: Option<i32>) -> Result<Token, sqlx::Error> {
    let token = Token::draw();
    store::tokens::insert(&mut *pool.acquire().await?, &token.hash(), bearer, valid_days).await?;
    Ok(token)
}
