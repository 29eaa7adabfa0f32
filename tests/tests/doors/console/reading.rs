//! Reading without a script: every page is whole as it comes.

use super::stage::Stage;
use api::http::auth::Role;

#[tokio::test]
async fn a_stuck_saga_says_why_and_what_can_be_done_and_what_the_service_has_of_it() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 2).await;
    let saga = stage.stuck(&stage.customer("Ada Lovelace").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let page = grace.get(&format!("/console/sagas/{saga}")).await.is(200);
    for words in [
        "stuck",
        "contradict",
        "Retry now",
        "Compensate",
        "Actions that are not possible now",
        "Reservation PENDING",
        "Ada Lovelace",
        "Stalls",
        "125.00 EUR",
        "forward ↓",
        "↑ compensation",
        "id=\"e0\"",
        "begun",
        "Idempotency keys",
        "raw JSON",
    ] {
        assert!(page.text.contains(words), "no `{words}` in {}", page.text);
    }
    let raw = grace.get(&format!("/console/sagas/{saga}/raw")).await.is(200);
    let raw: serde_json::Value = serde_json::from_str(&raw.text).unwrap();
    assert_eq!(raw["saga"]["state"], "stuck");
}

#[tokio::test]
async fn an_auditor_reads_and_finds_neither_buttons_nor_forms() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let mary = stage.visitor(Role::Auditor, "mary").await;
    let page = mary.get(&format!("/console/sagas/{saga}")).await.is(200).says("An operator could");
    assert!(!page.text.contains("/actions/"), "{}", page.text);
    let form = mary.get(&format!("/console/sagas/{saga}/actions/retry_now")).await.is(200);
    assert!(!form.text.contains("name=\"reason\""), "{}", form.text);
    mary.post(&format!("/console/sagas/{saga}/actions/retry_now"), &[("reason", "x")]).await.is(403);
    mary.post("/console/sign-out", &[]).await.is(303);
}

#[tokio::test]
async fn a_page_that_is_not_there_is_a_page_too() {
    let stage = Stage::set().await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    grace.get("/console/nowhere").await.is(404).says("<!DOCTYPE html>");
    grace
        .get("/console/sagas/01890a5d-ac96-774b-bcce-b302099a8057")
        .await
        .is(404)
        .says("there is nothing here");
    grace.get("/console/sagas/01890a5d-ac96-774b-bcce-b302099a8057/actions/explode").await.is(404);
}

#[tokio::test]
async fn sagas_stand_by_their_cause_and_are_found_by_what_people_know_of_them() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 3).await;
    let ada = stage.customer("Ada Lovelace").await;
    let stuck = stage.stuck(&ada, seats[0]).await;
    let second = stage.stuck(&ada, seats[1]).await;
    let waiting = stage.reserve(&ada, seats[2]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let list = grace.get("/console/sagas?trouble=stuck").await.is(200).says("2 sagas").says("By cause");
    assert!(
        list.text.contains(&stuck.to_string()) && !list.text.contains(&waiting.to_string()),
        "{}",
        list.text
    );
    let all = grace.get("/console/sagas").await.is(200).says("3 sagas").text;
    assert!(all.contains("waiting for payment order"), "{all}");
    // A misspelt filter lists no sagas, and never all of them.
    let slip = grace
        .get("/console/sagas?trouble=stuk")
        .await
        .is(200)
        .says("must be one of stuck, in_doubt")
        .says("Nothing is listed")
        .text;
    assert!(!slip.contains(&stuck.to_string()));
    for word in [second.to_string(), "Ada Lovelace".into()] {
        let q: String = word.replace(' ', "+");
        grace.get(&format!("/console/sagas?q={q}")).await.is(200).says(&second.to_string());
    }
    grace.get("/console/sagas?q=nobody").await.is(200).says("No saga is known by this word");
    let fingerprint = list.text.split("cause=").nth(1).unwrap().split(['"', '&']).next().unwrap().to_owned();
    grace.get(&format!("/console/sagas?cause={fingerprint}")).await.is(200).says("2 sagas");
}

#[tokio::test]
async fn a_list_goes_on_page_by_page() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 53).await;
    let ada = stage.customer("Ada").await;
    let mut made = Vec::new();
    for seat in seats {
        made.push(stage.reserve(&ada, seat).await);
    }
    let grace = stage.visitor(Role::Auditor, "mary").await;
    let first = grace.get("/console/sagas?workflow=booking").await.is(200).says("53 sagas");
    let next = first
        .text
        .split("rel=\"next\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    let second = grace.get(&next).await.is(200);
    for saga in made {
        let (on_first, on_second) =
            (first.text.contains(&saga.to_string()), second.text.contains(&format!("id=\"s{saga}\"")));
        assert!(on_first != on_second, "{saga} stands on {on_first} {on_second}");
    }
    assert!(!second.text.contains("rel=\"next\""));
}

#[tokio::test]
async fn the_footer_leads_to_the_glossary() {
    let stage = Stage::set().await;
    let mary = stage.visitor(Role::Auditor, "mary").await;
    mary.get("/console").await.is(200).says("href=\"/console/glossary\"");
    mary.get("/console/glossary").await.is(200).says("compensating transaction");
}
