//! What is on sale.

use super::client::Service;
use super::venue::event;
use std::time::Duration;
use steps::status::SaleStatus;
use steps::store::events;

#[tokio::test]
async fn events_are_listed_page_by_page_and_none_is_missed() {
    let service = Service::start().await;
    for name in ["one", "two", "three", "four", "five"] {
        event(&service, name, 0).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/events?limit=2".to_owned());
    loop {
        let answer = service.get(&path).send().await;
        let page = answer.is(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|event| event["name"].to_string()));
        let Some(next) = page["next"].as_str() else {
            assert_eq!(answer.header("link"), "");
            break;
        };
        path = format!("/events?limit=2&after={next}");
        assert_eq!(answer.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!(seen.len(), 5);
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn an_event_is_read_again_only_when_it_changed() {
    let service = Service::start().await;
    let (id, _) = event(&service, "the event", 0).await;
    let path = format!("/events/{id}");
    let first = service.get(&path).send().await;
    assert_eq!(first.is(200)["sale"], "OPEN");
    let tag = first.header("etag").to_owned();
    service.get(&path).header("if-none-match", &tag).send().await.is(304);

    let mut connection = service.pool.acquire().await.unwrap();
    events::set_sale(&mut connection, id, SaleStatus::Closed).await.unwrap();
    let changed = service.get(&path).header("if-none-match", &tag).send().await;
    assert_eq!(changed.is(200)["sale"], "CLOSED");
    service.get("/events/01890a5d-ac96-774b-bcce-b302099a8057").send().await.problem(404, "not-found");
    service.get("/events/one").send().await.problem(404, "not-found");
}

#[tokio::test]
async fn the_house_is_cacheable_and_who_has_what_is_a_small_versioned_map() {
    let service = Service::start().await;
    let (id, _) = event(&service, "the house", 4).await;
    let house = service.get(&format!("/events/{id}/seats?part=geometry")).send().await;
    let seats = house.is(200)["seats"].as_array().unwrap().clone();
    assert_eq!(seats.len(), 4);
    assert_eq!(seats[0]["price"], serde_json::json!({"amount": 2500, "currency": "EUR"}));
    assert!(house.header("cache-control").contains("max-age"));

    let path = format!("/events/{id}/seats?part=status");
    let before = service.get(&path).send().await;
    let map = before.is(200);
    assert!(map.get("seats").is_none());
    let blocked = seats[2]["seat_id"].as_str().unwrap();
    assert_eq!(map["status"], serde_json::json!({ blocked: "BLOCKED" }));
    service.get(&path).header("if-none-match", before.header("etag")).send().await.is(304);

    let taken: uuid::Uuid = seats[0]["seat_id"].as_str().unwrap().parse().unwrap();
    sqlx::query(
        "update booking.seats set status = 'RESERVED', hold = 1, reservation_id = gen_random_uuid(),
                reserved_until = now() where id = $1",
    )
    .bind(taken)
    .execute(&service.pool)
    .await
    .unwrap();
    let changed = async || {
        let after = service.get(&path).header("if-none-match", before.header("etag")).send().await;
        (after.status == 200).then_some(after)
    };
    let after = tests::support::wait_until("the change is shown", Duration::from_secs(5), changed).await;
    assert_eq!(after.json()["status"][taken.to_string()], "RESERVED");
    assert!(after.json()["version"].as_i64() > map["version"].as_i64());
    assert!(service.get(&format!("/events/{id}/seats")).send().await.is(200)["seats"].is_array());
    service.get(&format!("/events/{id}/seats?part=all")).send().await.problem(400, "malformed-request");
}
