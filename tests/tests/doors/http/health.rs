//! What load balancers and monitoring ask the service.

use super::client::Service;

#[tokio::test]
async fn a_working_node_is_live_and_ready() {
    let service = Service::start().await;
    assert_eq!(service.get("/livez").send().await.text, "ok");
    let ready = service.get("/readyz").send().await.is(200);
    assert_eq!(ready["status"], "ready", "{ready}");
}

#[tokio::test]
async fn without_redis_a_node_is_ready_but_degraded() {
    let service = Service::with(&[("USHER_REDIS_URL", "redis://127.0.0.1:1/")]).await;
    let ready = service.get("/readyz").send().await.is(200);
    assert_eq!((&ready["status"], &ready["checks"]["redis"]), (&"degraded".into(), &"unreachable".into()));
}

#[tokio::test]
async fn without_the_database_a_node_lives_but_is_not_ready() {
    let service = Service::start().await;
    service.app.service.pool.close().await;
    assert_eq!(service.get("/livez").send().await.status, 200);
    assert_eq!(service.get("/readyz").send().await.is(503)["checks"]["database"], "unreachable");
}

#[tokio::test]
async fn without_its_migrations_a_node_is_not_ready() {
    let service = Service::start().await;
    sqlx::query("drop schema booking cascade").execute(&service.pool).await.unwrap();
    let ready = service.get("/readyz").send().await.is(503);
    assert!(ready["checks"]["migrations"].as_str().unwrap().contains("usher migrate"));
}

#[tokio::test]
async fn a_node_that_is_about_to_leave_says_so() {
    let service = Service::start().await;
    service.app.service.begin_draining();
    assert_eq!(service.get("/readyz").send().await.is(503)["checks"]["draining"], true);
    service.get("/events").send().await.is(200);
}

#[tokio::test]
async fn metrics_count_by_route_and_not_by_path() {
    let service = Service::start().await;
    service.get("/events/01890a5d-ac96-774b-bcce-b302099a8057").send().await.is(404);
    let metrics = service.get("/metrics").send().await.text;
    let wanted = r#"usher_http_requests_total{method="GET",route="/events/{id}",status="404"}"#;
    assert!(metrics.contains(wanted), "{metrics}");
    assert!(!metrics.contains("01890a5d"), "{metrics}");
}
