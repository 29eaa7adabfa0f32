//! The guide to workflows: its code blocks compile as one file, and its workflow does what the guide says.

include!(concat!(env!("OUT_DIR"), "/guide.rs"));

#[tokio::test]
async fn the_guide_lets_a_hall_on_a_real_server() {
    let database = tests::support::Database::fresh().await;
    let ended = node(database.url()).await.unwrap();
    assert!(matches!(&ended, Ended::Completed(receipt) if receipt.starts_with("receipt of ")), "{ended:?}");
}

#[tokio::test]
async fn the_guide_explores_its_workflow() {
    let database = tests::support::Database::fresh().await;
    let pool = sqlx::PgPool::connect(database.url()).await.unwrap();
    sqlx::raw_sql(SCHEMA).execute(&pool).await.unwrap();
    let lettings = Lettings { pool, bank: Bank::default() };
    a_hall_is_let_or_nothing_is_left_whatever_fails(&lettings, &crate::at(&database)).await;
}
