//! Actions on many sagas at once, and actions that need a second person.

use super::stage::{LONG, Stage};
use api::http::auth::Role;
use tests::support::wait_until;

#[tokio::test]
async fn a_batch_is_previewed_begun_once_and_watched_to_its_end() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 3).await;
    let ada = stage.customer("Ada").await;
    for seat in seats {
        stage.stuck(&ada, seat).await;
    }
    stage.tell_the_truth();
    let grace = stage.visitor(Role::Operator, "grace").await;
    grace.get("/console/bulk?trouble=stuck&action=compensate").await.is(200).says("Act on many");
    let fields = [
        ("trouble", "stuck"),
        ("action", "compensate"),
        ("reason", "the gateway lied"),
        ("canary", "2"),
        ("stop_at_percent", "50"),
    ];
    grace
        .post("/console/bulk", &[("trouble", "stuck"), ("action", "compensate")])
        .await
        .is(422)
        .says("say why");
    grace
        .post("/console/bulk", &[("trouble", "stuck"), ("action", "rewind"), ("reason", "x")])
        .await
        .is(422)
        .says("to many");
    let preview =
        grace.post("/console/bulk", &fields).await.is(200).says("3 sagas").says("Nothing has been done");
    let mut fields = fields.to_vec();
    let id = preview.field("batch");
    fields.push(("batch", &id));
    let begun = grace.post("/console/bulk/start", &fields).await.is(303);
    // The same button is pressed again.
    let again = grace.post("/console/bulk/start", &fields).await.is(303);
    assert_eq!(begun.header("location"), again.header("location"));
    let address = begun.header("location").to_owned();
    wait_until("the batch is done", LONG, async || {
        let page = grace.get(&address).await.is(200);
        page.text.contains("✓ done").then_some(())
    })
    .await;
    let page = grace.get(&address).await.is(200).says("✓ mended").says("the gateway lied");
    assert!(!page.text.contains("Steer the batch"), "{}", page.text);
    grace.get("/console/batches").await.is(200).says(&address);
    let mary = stage.visitor(Role::Auditor, "mary").await;
    mary.get(&address).await.is(200).says("✓ mended");
    mary.post(&address, &[("wish", "cancel"), ("reason", "x")]).await.is(403);
    mary.post("/console/bulk/start", &fields).await.is(403);
    stage.strike().await;
}

#[tokio::test]
async fn what_moves_much_money_is_proposed_and_done_by_a_second_person() {
    let stage = Stage::with(&[("USHER_OPERATORS_SECOND_PERSON_ABOVE_MINOR", "10000")]).await;
    let seats = stage.event("A show", "Stalls", 2).await;
    let ada = stage.customer("Ada").await;
    let saga = stage.stuck(&ada, seats[0]).await;
    let other = stage.stuck(&ada, seats[1]).await;
    stage.tell_the_truth();
    let (grace, hedy) =
        (stage.visitor(Role::Operator, "grace").await, stage.visitor(Role::Operator, "hedy").await);
    let propose = async |saga| {
        let address = format!("/console/sagas/{saga}/actions/compensate");
        let preview = grace.post(&address, &[("reason", "never charged")]).await.is(200);
        let preview = preview.says("A second person must agree").says("Propose it").says("125.00 EUR");
        let (etag, plan) = (preview.field("etag"), preview.field("plan"));
        let fields = [("reason", "never charged"), ("etag", &*etag), ("plan", &*plan)];
        grace.post(&format!("{address}/do"), &fields).await.is(303).header("location").to_owned()
    };
    let proposal = propose(saga).await;
    assert!(proposal.starts_with("/console/proposals/"), "{proposal}");
    grace.get(&proposal).await.is(200).says("You proposed this");
    grace.get("/console/proposals").await.is(200).says("waits for a second person").says("125.00 EUR");
    let agree = [("decision", "consent"), ("reason", "I called them too")];
    grace.post(&proposal, &agree).await.is(409).says("agree to it");
    let done = hedy.post(&proposal, &agree).await.is(303);
    assert_eq!(done.header("location"), format!("/console/sagas/{saga}?did=compensate"));
    stage.until(saga, "unwound").await;
    hedy.post(&proposal, &agree).await.is(409).says("decided already");

    let declined = propose(other).await;
    hedy.post(&declined, &[("decision", "decline"), ("reason", "wait for the bank")]).await.is(303);
    hedy.get(&declined).await.is(200).says("declined").says("wait for the bank");
    stage.until(other, "stuck").await;
}
