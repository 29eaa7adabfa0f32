//! The console by keyboard alone.

use super::{browser::Browser, stage::Stage};
use api::http::auth::Role;
use fantoccini::key::Key;

#[tokio::test]
async fn everything_is_reached_by_keys_and_each_place_is_seen() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let browser = Browser::signed_in(&stage, Role::Operator, "grace").await;
    browser.goto(&stage.url(&format!("/console/sagas/{saga}"))).await;
    browser.press(&Key::Tab.to_string()).await;
    assert_eq!(browser.script("return document.activeElement.className").await, "skip");
    let outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid", "where one is, is seen");
    browser.press(&Key::Enter.to_string()).await;
    assert_eq!(browser.script("return location.hash").await, "#content");

    // From the content to the first action, and through its form.
    browser.press("?").await;
    assert_eq!(browser.script("return document.querySelector('details.keys').open").await, true);
    browser.press("/").await;
    assert_eq!(browser.script("return document.activeElement.id").await, "q");
    browser.press("?").await;
    assert_eq!(
        browser.script("return document.activeElement.value").await,
        "?",
        "in a field a key is a letter"
    );
    browser.script("document.querySelector(\"a[href$='/actions/pause']\").focus()").await;
    browser.press(&Key::Enter.to_string()).await;
    browser.find("#reason").await.send_keys("by keys").await.unwrap();
    browser.press(&Key::Tab.to_string()).await;
    browser.press(&Key::Enter.to_string()).await;
    browser.reads("Nothing has been done.").await;
    browser.script("document.querySelector('main button.main').focus()").await;
    browser.press(&Key::Enter.to_string()).await;
    browser.reads("Pause: done.").await;
    browser.close().await;
}

#[tokio::test]
async fn rows_are_walked_with_j_and_k() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 2).await;
    let ada = stage.customer("Ada").await;
    for seat in seats {
        stage.stuck(&ada, seat).await;
    }
    let browser = Browser::signed_in(&stage, Role::Operator, "grace").await;
    browser.goto(&stage.url("/console/audit")).await;
    browser.find("[data-row]").await;
    let at = async || {
        browser
            .script("return [...document.querySelectorAll('[data-row]')].indexOf(document.activeElement)")
            .await
    };
    browser.press("j").await;
    assert_eq!(at().await, 0);
    browser.press("j").await;
    assert_eq!(at().await, 1);
    browser.press("k").await;
    assert_eq!(at().await, 0);
    browser.close().await;
}
