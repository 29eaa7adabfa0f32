//! What callers are told while the database's address answers, but not as a database.

use super::client::Service;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::time::Duration;
use tests::support::wait_until;
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinHandle};

/// A load balancer without a server behind it: it accepts, and closes.
async fn accept_and_close() -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            // A connection that is closed with unread bytes is reset. A balancer has read them, and closes normally.
            let _ = client.read(&mut [0; 64]).await;
        }
    });
    (port, accepting)
}

#[tokio::test]
async fn a_database_that_accepts_and_closes_is_away_and_no_fault_of_ours() {
    for tls in [PgSslMode::Disable, PgSslMode::Prefer] {
        let service = Service::start().await;
        let (port, accepting) = accept_and_close().await;
        let nobody = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).ssl_mode(tls);
        service.app.service.pool.set_connect_options(nobody);
        let end_sessions = "select pg_terminate_backend(pid) from pg_stat_activity
                            where datname = current_database() and application_name = 'usher'";
        sqlx::query(end_sessions).execute(&service.pool).await.unwrap();

        let answer = wait_until("a request needs a new connection", Duration::from_secs(10), async || {
            let answer = service.get("/events").send().await;
            (answer.status != 200).then_some(answer)
        });
        let answer = answer.await;
        assert!(answer.headers.contains_key("retry-after"), "{tls:?}: {}", answer.text);
        let problem = answer.is(503);
        assert_eq!(problem["code"], "unavailable", "{tls:?}: {problem}");
        assert_eq!(service.get("/readyz").send().await.is(503)["checks"]["database"], "unreachable");
        accepting.abort();
    }
}
