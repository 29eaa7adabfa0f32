//! Lists, searches and events that are read back.

use super::*;
use crate::gateway::FactKind;
use wiremock::matchers::{query_param, query_param_is_missing};

fn refund(id: &str) -> Value {
    json!({"id": id, "payment_intent": "pi_1", "amount": 1, "currency": "eur", "status": "succeeded", "created": 1})
}

#[tokio::test]
async fn all_refunds_of_an_intent_are_read_however_many_pages_there_are() {
    let (server, gateway) = started().await;
    let page = |ids: [&str; 2], has_more: bool| {
        ResponseTemplate::new(200).set_body_json(json!({"data": ids.map(refund), "has_more": has_more}))
    };
    let of = || Mock::given(path("/v1/refunds")).and(query_param("payment_intent", "pi_1"));
    of().and(query_param_is_missing("starting_after"))
        .respond_with(page(["re_4", "re_3"], true))
        .mount(&server)
        .await;
    of().and(query_param("starting_after", "re_3"))
        .respond_with(page(["re_2", "re_1"], false))
        .mount(&server)
        .await;
    let refunds = gateway.refunds(&IntentId::new("pi_1")).await.unwrap();
    let ids: Vec<_> = refunds.iter().map(|refund| refund.id.as_str()).collect();
    assert_eq!(ids, ["re_4", "re_3", "re_2", "re_1"]);
}

#[tokio::test]
async fn a_list_that_never_ends_is_no_answer() {
    let (server, gateway) = started().await;
    answers(&server, "/v1/refunds", 200, json!({"data": [refund("re_1")], "has_more": true})).await;
    let error = gateway.refunds(&IntentId::new("pi_1")).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Garbage { .. })), "{error:?}");
}

#[tokio::test]
async fn a_search_is_followed_to_its_end() {
    let (server, gateway) = started().await;
    let found =
        |more: Value| json!({"data": [intent("canceled")], "has_more": !more.is_null(), "next_page": more});
    let search = || Mock::given(path("/v1/payment_intents/search"));
    let page = |more| ResponseTemplate::new(200).set_body_json(found(more));
    search().and(query_param_is_missing("page")).respond_with(page(json!("p2"))).mount(&server).await;
    search().and(query_param("page", "p2")).respond_with(page(Value::Null)).mount(&server).await;
    assert_eq!(gateway.find(&order().trace).await.unwrap().len(), 2);
}

#[tokio::test]
async fn lists_are_paged_and_searches_name_our_id() {
    let (server, gateway) = started().await;
    Mock::given(path(CREATE))
        .and(query_param("created[gte]", "1700000000"))
        .and(query_param("created[lt]", "1700003600"))
        .and(query_param("starting_after", "pi_9"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"data": [intent("canceled")], "has_more": true})),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v1/payment_intents/search"))
        .and(query_param("query", "metadata['payment_id']:'00000000-0000-0000-0000-000000000002'"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"data": [intent("processing")], "has_more": false})),
        )
        .mount(&server)
        .await;
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    let window = Window { from: at(1_700_000_000), to: at(1_700_003_600) };
    let page = gateway.list(&window, Some(&IntentId::new("pi_9"))).await.unwrap();
    assert_eq!(page.next, Some(IntentId::new("pi_1")));
    assert_eq!(gateway.find(&order().trace).await.unwrap()[0].status, IntentStatus::Processing);
    assert!(gateway.find(&Trace::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn events_come_back_with_their_body_and_their_fact() {
    let (server, gateway) = started().await;
    let event = json!({"id": "evt_1", "type": "payment_intent.amount_capturable_updated", "created": 1_700_000_000,
        "livemode": false, "data": {"object": intent("requires_capture")}});
    answers(&server, "/v1/events", 200, json!({"data": [event], "has_more": false})).await;
    let page = gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    assert_eq!(page.next, None);
    let event = &page.items[0];
    assert_eq!(serde_json::from_str::<Value>(&event.body).unwrap()["id"], "evt_1");
    let fact = event.fact.as_ref().unwrap();
    assert_eq!((&fact.kind, fact.money), (&FactKind::Authorised, Some(order().money)));
    assert_eq!(fact.trace, order().trace);
}

#[tokio::test]
async fn an_event_that_can_not_be_read_hides_no_other() {
    let (server, gateway) = started().await;
    let event = |id: &str, status: Value| {
        let mut refund = refund("re_1");
        refund["status"] = status;
        json!({"id": id, "type": "refund.updated", "created": 1, "livemode": false, "data": {"object": refund}})
    };
    let events = [event("evt_2", Value::Null), event("evt_1", json!("failed"))];
    answers(&server, "/v1/events", 200, json!({"data": events, "has_more": true})).await;
    let page = gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    let read: Vec<_> = page.items.iter().map(|event| (event.id.as_str(), event.fact.is_ok())).collect();
    assert_eq!(read, [("evt_2", false), ("evt_1", true)]);
    assert_eq!(page.next, Some(crate::gateway::EventId::new("evt_1")));
}

#[tokio::test]
async fn a_refund_of_another_intent_is_not_one_of_this() {
    let (server, gateway) = started().await;
    answers(&server, "/v1/refunds", 200, json!({"data": [refund("re_1")], "has_more": false})).await;
    let error = gateway.refunds(&IntentId::new("pi_2")).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Garbage { .. })), "{error:?}");
}
