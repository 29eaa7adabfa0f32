//! Work-lists over HTTP: sagas that are really stuck, found by what is wrong with them, by group and by word.

use super::{
    booking::Customer,
    client::Service,
    operator::{Desk, waiting},
    venue::event,
};
use api::http::auth::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use steps::{
    Money,
    gateway::instant::{Act, Operation},
};

/// Makes this many stuck sagas: the gateway says that it took another amount than was ordered. Gives their ids.
pub async fn lied_to(service: &Service, name: &str, many: i16) -> BTreeSet<String> {
    let lie = Money { amount: 1, currency: "EUR".parse().unwrap() };
    service.gateway.script(move |request| match request.operation {
        Operation::Confirm => Act::Lie(lie),
        _ => Act::Go,
    });
    let (_, seats) = event(service, name, many + 3).await;
    let mut sagas = BTreeSet::new();
    // The third seat is blocked.
    for seat in
        seats.iter().enumerate().filter(|(index, _)| *index != 2).map(|(_, seat)| seat).take(many as usize)
    {
        let ada = Customer::new(service).await;
        let reservation = ada.reserve(std::slice::from_ref(seat)).await;
        sagas.insert(reservation["saga_id"].as_str().unwrap().to_owned());
        ada.pay(&reservation).await;
    }
    let stuck = "select count(*) from usher.sagas where state = 'stuck'";
    service.until_count("all are stuck", stuck, many.into()).await;
    sagas
}

fn ids(page: &Value) -> BTreeSet<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sagas_are_found_by_what_is_wrong_with_them() {
    let service = Service::start().await;
    let stuck = lied_to(&service, "lies", 3).await;
    let fine = waiting(&service, 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Auditor, "eve").await;
    let list = async |query: &str| ids(&desk.get(&format!("/operator/sagas{query}")).await.is(200));
    assert_eq!(list("").await.len(), 4);
    for query in ["?trouble=stuck", "?status=stuck", "?trouble=stuck&workflow=booking&step=pay"] {
        assert_eq!(list(query).await, stuck, "{query}");
    }
    assert_eq!(list("?status=waiting").await, BTreeSet::from([fine.clone()]));
    for query in ["?trouble=paused", "?trouble=stuck&step=refund", "?workflow=repayment", "?older_than=1h"] {
        assert_eq!(list(query).await, BTreeSet::new(), "{query}");
    }

    let groups = desk.get("/operator/groups?trouble=stuck").await.is(200);
    let [group] = &groups["items"].as_array().unwrap()[..] else {
        panic!("one cause, one group: {groups:#}")
    };
    assert_eq!(
        (&group["count"], &group["step"], &group["capped"]),
        (&json!(3), &json!("pay"), &json!(false))
    );
    assert!(!group["suggestion"].as_str().unwrap().is_empty());
    assert_eq!(list(&format!("?cause={}", group["fingerprint"].as_str().unwrap())).await, stuck);
    assert_eq!(list(&format!("?cause={}", "0".repeat(64))).await, BTreeSet::new());

    let page = desk.get("/operator/sagas?trouble=stuck&limit=2").await;
    let link = page.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert!(link.contains("trouble=stuck"), "the next page is of the same list: {link}");
    let (first, second) = (ids(&page.is(200)), ids(&desk.get(&link).await.is(200)));
    assert_eq!((first.len(), second.len()), (2, 1));
    assert_eq!(&first | &second, stuck);

    let shown = page.json()["items"][0].clone();
    assert_eq!(shown["why"]["why"], "stuck");
    assert!(shown["line"].as_str().unwrap().starts_with("pay contradicted"), "{shown:#}");
    for wrong in [
        "?status=sad",
        "?trouble=Stuck",
        "?cause=abc",
        "?older_than=soon",
        "?limit=0",
        "?after=x",
        "?state=stuck",
    ] {
        desk.get(&format!("/operator/sagas{wrong}")).await.problem(400, "malformed-request");
    }
    desk.get("/operator/groups?limit=1").await.problem(400, "malformed-request");
}

#[tokio::test]
async fn a_word_finds_its_sagas_and_one_that_means_nothing_finds_none() {
    let service = Service::start().await;
    let stuck = lied_to(&service, "lies", 2).await;
    service.leave().await;
    let desk = Desk::of(&service, Role::Operator, "olga").await;
    let search = async |word: &str| ids(&desk.get(&format!("/operator/sagas?q={word}")).await.is(200));
    let one = stuck.first().unwrap();
    assert_eq!(search(one).await, BTreeSet::from([one.clone()]));
    let payment: uuid::Uuid =
        sqlx::query_scalar("select payment_id from booking.reservations where saga_id = $1::uuid")
            .bind(one.parse::<uuid::Uuid>().unwrap())
            .fetch_one(&service.pool)
            .await
            .unwrap();
    assert_eq!(search(&payment.to_string()).await, BTreeSet::from([one.clone()]));
    assert_eq!(search("nobody%40example.org").await, BTreeSet::new(), "and not every saga");
    assert_eq!(search("").await, BTreeSet::new());
    let groups = desk.get("/operator/groups?q=nobody").await.is(200);
    assert_eq!(groups["items"], json!([]));

    let shown = desk.saga(one).await;
    assert_eq!(shown["rows"]["payments"][0]["id"], payment.to_string());
    assert_eq!(shown["rows"]["reservations"][0]["seats"].as_array().unwrap().len(), 1);
    assert_eq!(shown["timeline"][0]["kind"], "begun");
    assert!(shown["timeline"].as_array().unwrap().iter().all(|entry| entry["node"].is_string()), "{shown:#}");
}
