//! The pages in a browser, from the first number to the last button, with pictures of each.

use super::{browser::Browser, stage::Stage};
use api::http::auth::Role;

#[tokio::test]
async fn a_saga_is_seen_previewed_and_put_right_and_the_page_follows_without_a_reload() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 2).await;
    let saga = stage.stuck(&stage.customer("Ada Lovelace").await, seats[0]).await;
    stage.tell_the_truth();
    let browser = Browser::signed_in(&stage, Role::Operator, "grace").await;
    browser.goto(&stage.url(&format!("/console/sagas/{saga}"))).await;
    browser.reads("Live, as of").await;
    browser.pictures("detail").await;
    // Marks the page itself, so that a reload would show.
    browser.script("window.never_left = true; document.querySelector('summary').focus()").await;

    let hedy = stage.visitor(Role::Operator, "hedy").await;
    let address = format!("/console/sagas/{saga}/actions/pause");
    let preview = hedy.post(&address, &[("reason", "looking into it")]).await.is(200);
    let (etag, plan) = (preview.field("etag"), preview.field("plan"));
    let fields = [("reason", "looking into it"), ("etag", &etag), ("plan", &plan)];
    hedy.post(&format!("{address}/do"), &fields).await.is(303);
    browser.reads("paused by hedy: looking into it").await;
    assert_eq!(browser.script("return window.never_left === true").await, true);
    assert_eq!(browser.script("return document.activeElement.tagName").await, "SUMMARY", "the focus stays");

    browser.find("a[href$='/actions/compensate']").await.click().await.unwrap();
    browser.find("#reason").await.send_keys("the gateway says that it was never charged").await.unwrap();
    browser.pictures("action").await;
    browser.find("main button.main").await.click().await.unwrap();
    browser.reads("Nothing has been done.").await;
    browser.pictures("preview").await;
    browser.find("main button.main").await.click().await.unwrap();
    browser.reads("Compensate: done.").await;
    browser.reads("Why nothing can be done").await;
    browser.pictures("detail-unwound").await;
    browser.goto(&stage.url("/console/audit")).await;
    browser.reads("the gateway says that it was never charged").await;
    browser.pictures("audit").await;
    browser.close().await;
}

#[tokio::test]
async fn the_first_page_shows_what_must_be_zero_and_leads_there() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let browser = Browser::signed_in(&stage, Role::Auditor, "mary").await;
    browser.reads("sagas can't progress").await;
    browser.pictures("home-calm").await;
    // Every node takes a sample every few seconds. The first has nothing to compare with.
    service::numbers::take_sample(stage.service.clone()).await.unwrap();
    stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    browser.reads("▲ saga can't progress").await;
    service::numbers::take_sample(stage.service.clone()).await.unwrap();
    browser.reads("reserve").await;
    browser.pictures("home").await;
    browser.close().await;
}

#[tokio::test]
async fn a_work_list_leads_to_a_batch_that_is_watched_to_its_end() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 6).await;
    let ada = stage.customer("Ada Lovelace").await;
    for seat in &seats[..5] {
        stage.stuck(&ada, *seat).await;
    }
    stage.tell_the_truth();
    let browser = Browser::signed_in(&stage, Role::Operator, "grace").await;
    browser.find("a[href='/console/sagas?trouble=stuck']").await.click().await.unwrap();
    browser.reads("5 sagas").await;
    // One more gets stuck, and nobody reloads.
    browser.script("window.never_left = true").await;
    stage.stuck(&ada, seats[5]).await;
    stage.tell_the_truth();
    browser.reads("6 sagas").await;
    assert_eq!(browser.script("return window.never_left === true").await, true);
    browser.pictures("work-list").await;
    browser.goto(&stage.url("/console/sagas?q=Ada+Lovelace")).await;
    browser.reads("Search: Ada Lovelace").await;
    browser.pictures("search").await;

    browser.goto(&stage.url("/console/bulk?trouble=stuck&action=compensate")).await;
    browser.find("#reason").await.send_keys("the gateway took a day off").await.unwrap();
    browser.pictures("bulk").await;
    browser.find("main button.main").await.click().await.unwrap();
    browser.reads("Examples").await;
    browser.pictures("bulk-preview").await;
    browser.find("main button.main").await.click().await.unwrap();
    browser.find("progress").await;
    browser.pictures("batch-running").await;
    browser.reads("✓ done").await;
    browser.pictures("batch").await;
    browser.goto(&stage.url("/console/batches")).await;
    browser.reads("the gateway took a day off").await;
    browser.close().await;
}
