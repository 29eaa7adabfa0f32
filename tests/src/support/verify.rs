//! The invariants that `usher verify` ships, asked of a test's database.

use sqlx::PgPool;

/// Asserts that every one of them holds.
pub async fn verify(pool: &PgPool) {
    let mut connection = pool.acquire().await.expect("the test's database is there");
    for invariant in service::verify::INVARIANTS {
        let found = service::verify::check(&mut connection, invariant).await;
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", invariant.name));
        assert!(found.violations == 0, "{found:#?}");
    }
}
