//! How the service answers what nobody should have sent.

use super::client::Service;
use axum::http::Method;

#[tokio::test]
async fn an_unknown_address_is_a_problem_with_a_page() {
    let service = Service::start().await;
    let problem = service.get("/nowhere").send().await.problem(404, "not-found");
    let page = service.get(problem["type"].as_str().unwrap()).send().await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains(problem["title"].as_str().unwrap()));
    assert_eq!(service.get("/problems").send().await.status, 200);
    service.get("/problems/none-such").send().await.problem(404, "not-found");
}

#[tokio::test]
async fn an_unknown_method_says_which_are_known() {
    let service = Service::start().await;
    for (path, allowed) in [("/events", "GET,HEAD"), ("/livez", "GET,HEAD"), ("/problems", "GET,HEAD")] {
        let answer = service.ask(Method::DELETE, path).send().await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), allowed, "{path}");
    }
}

#[tokio::test]
async fn what_the_caller_does_not_accept_is_not_made() {
    let service = Service::start().await;
    let problem = service.get("/events").header("accept", "application/xml").send().await;
    problem.problem(406, "not-acceptable");
    for accept in ["application/json", "*/*", "text/html, application/*;q=0.5"] {
        service.get("/events").header("accept", accept).send().await.is(200);
    }
}

#[tokio::test]
async fn a_request_keeps_its_id_and_its_trace() {
    let service = Service::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let answer = service
        .get("/events/none")
        .header("x-request-id", "the-callers-own")
        .header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"))
        .send()
        .await;
    let problem = answer.problem(404, "not-found");
    assert_eq!(problem["instance"], "/requests/the-callers-own");
    assert_eq!(problem["trace_id"], trace);
    let unprintable = service.get("/events").header("x-request-id", "two words").send().await;
    assert_ne!(unprintable.header("x-request-id"), "two words");
}

#[tokio::test]
async fn a_wrong_query_is_malformed() {
    let service = Service::start().await;
    for query in ["limit=0", "limit=201", "limit=many", "after=!!", "after=eyJ4IjoxfQ", "colour=red"] {
        service.get(&format!("/events?{query}")).send().await.problem(400, "malformed-request");
    }
}

#[tokio::test]
async fn a_full_node_answers_503_before_the_database_is_asked() {
    let service = Service::with(&[("USHER_HTTP_REQUESTS_MAX", "1")]).await;
    let permit = service.app.admission.acquire().await.unwrap();
    let answer = service.get("/events").send().await;
    answer.problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(service.get("/livez").send().await.status, 200);
    drop(permit);
    service.get("/events").send().await.is(200);
}

#[tokio::test]
async fn a_lost_database_is_503_and_tells_nothing_of_it() {
    let service = Service::start().await;
    service.app.service.pool.close().await;
    let answer = service.get("/events").send().await;
    let problem = answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!problem.to_string().to_lowercase().contains("pool"), "{problem}");
}

#[tokio::test]
async fn the_document_and_its_pages_are_served() {
    let service = Service::start().await;
    let document = service.get("/openapi.json").send().await.is(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let docs = service.get("/docs/").send().await;
    assert_eq!(docs.status, 200);
    assert!(docs.text.contains("swagger"), "{docs:?}");
}
