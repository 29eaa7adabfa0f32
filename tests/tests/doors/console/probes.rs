//! What people and other systems typed is shown, and never run.

use super::{browser::Browser, stage::Stage};
use api::http::auth::Role;

const PROBES: [&str; 3] = [
    "<script>window.hit='tag'</script>",
    "<img src=x onerror=\"window.hit='handler'\">",
    "\"><svg onload=window.hit='quote'>",
];

#[tokio::test]
async fn scripts_in_names_labels_and_errors_are_text() {
    let stage = Stage::set().await;
    let seats = stage.event("<b>A show</b>", PROBES[1], 1).await;
    let saga = stage.stuck(&stage.customer(PROBES[0]).await, seats[0]).await;
    sqlx::query("update usher.sagas set last_error = $2, cause = $2 where id = $1")
        .bind(saga.uuid())
        .bind(PROBES[2])
        .execute(&stage.pool)
        .await
        .unwrap();
    let browser = Browser::signed_in(&stage, Role::Operator, "<i>grace</i>").await;
    browser.goto(&stage.url(&format!("/console/sagas/{saga}"))).await;
    // By then the page was shown as it came, and its parts were replaced by the live stream.
    browser.reads("Live, as of").await;
    let text = browser.text().await;
    for words in PROBES.iter().chain(&["<b>A show</b>", "<i>grace</i>"]) {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert_eq!(browser.script("return window.hit ?? null").await, serde_json::Value::Null);
    let foreign =
        "return document.querySelectorAll('main script, main img, main [onerror], main [onload]').length";
    assert_eq!(browser.script(foreign).await, 0);
    browser.goto(&stage.url("/console/audit?actor=%22%3E%3Cscript%3Ewindow.hit%3D1%3C%2Fscript%3E")).await;
    assert_eq!(browser.script("return window.hit ?? null").await, serde_json::Value::Null);
    browser.close().await;
}
