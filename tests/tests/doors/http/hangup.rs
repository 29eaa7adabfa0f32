//! Callers who leave before they are answered, and handlers that panic.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use axum::http::Method;
use serde_json::json;
use service::Ending;
use std::time::Duration;
use tests::support::wait_until;
use tokio::sync::oneshot;

/// Connections of the service's that are inside a transaction and do nothing.
const IDLE_IN_TRANSACTION: &str = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";

#[tokio::test]
async fn whoever_hangs_up_leaves_no_transaction_and_no_half_done_work() {
    let service = Service::with(&[("USHER_DATABASE_CONNECTIONS_MAX", "4")]).await;
    let (_, seats) = event(&service, "impatience", 60).await;
    let ada = Customer::new(&service).await;
    for (index, seat) in seats.iter().enumerate().filter(|(index, _)| *index != 2) {
        let key = format!("key-{index}");
        let reserve = async || {
            let ask =
                service.ask(Method::POST, "/reservations").token(&ada.token).header("idempotency-key", &key);
            ask.json(&json!({"seat_id": seat})).send().await
        };
        // The time grows by 200 µs each round, so that the callers leave at all moments of a request.
        let patience = Duration::from_micros(200 * index as u64);
        let _ = tokio::time::timeout(patience, reserve()).await;
        let made = wait_until("the same key gets the answer", Duration::from_secs(10), async || {
            let answer = reserve().await;
            (answer.status != 409).then_some(answer)
        });
        let reservation = made.await.is(201);
        let pay = async || {
            let ask = service
                .ask(Method::POST, "/payments")
                .token(&ada.token)
                .header("idempotency-key", &format!("p{key}"));
            ask.json(&json!({"reservation_id": reservation["reservation_id"], "method": "pm_card"}))
                .send()
                .await
        };
        let _ = tokio::time::timeout(patience, pay()).await;
        let paid = wait_until("the same key gets the answer", Duration::from_secs(10), async || {
            let answer = pay().await;
            (answer.status != 409).then_some(answer)
        });
        paid.await.is(202);
    }
    service.until_count("nothing idles in a transaction", IDLE_IN_TRANSACTION, 0).await;
    let all: Vec<_> =
        futures_util::future::join_all((0..4).map(|_| service.app.service.pool.acquire())).await;
    assert!(all.iter().all(Result::is_ok), "the pool is whole");
    assert_eq!(service.count("select count(*) from booking.payments").await, 59);
    assert_eq!(service.count("select count(*) from usher.sagas").await, 59);
}

#[tokio::test]
async fn a_transaction_whose_caller_hangs_up_ends_all_the_same() {
    let service = Service::start().await;
    let (tell, told) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let caller = service.app.service.in_transaction(move |tx| {
        Box::pin(async move {
            let id: String = sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(tx).await?;
            tell.send(id).unwrap();
            let _ = may_go_on.await;
            Ok::<_, sqlx::Error>(Ending::Commit(()))
        })
    });
    let transaction = tokio::select! {
        biased;
        _ = caller => panic!("it ended before it might"),
        id = told => id.unwrap(),
    };
    go_on.send(()).unwrap();
    wait_until("the transaction is committed", Duration::from_secs(10), async || {
        let status: String = sqlx::query_scalar("select pg_xact_status($1::text::xid8)")
            .bind(&transaction)
            .fetch_one(&service.pool)
            .await
            .unwrap();
        (status == "committed").then_some(())
    })
    .await;
}
