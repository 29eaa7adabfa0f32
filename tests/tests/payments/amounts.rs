//! What people read of money: amounts with the decimal places of their currency, and never bare minor units.

use super::{
    reconcile::{intent_of, lose_webhooks, only, refund},
    world::{LONG, PaymentWorld},
};
use api::http::auth::{Role, issue};
use rstest::rstest;
use serde_json::{Value, json};
use service::reconcile::Class;
use tests::support::PRICE;

/// What the API says to an operator.
async fn say(world: &PaymentWorld, path: &str, preview: Option<&str>) -> String {
    let token = issue(&world.pool, Role::Operator, "grace", None).await.unwrap();
    let url = format!("{}{path}", world.url);
    let ask = match preview {
        Some(action) => {
            world.http.post(format!("{url}/actions?preview=true")).json(&json!({"action": action}))
        }
        None => world.http.get(url),
    };
    let answer = ask.bearer_auth(token.expose()).send().await.unwrap();
    sentences(&answer.error_for_status().unwrap().json().await.unwrap())
}

/// The texts in a JSON value. Its numbers are for machines.
fn sentences(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(items) => items.iter().map(sentences).collect(),
        Value::Object(fields) => fields.values().map(sentences).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// Asserts that a text has these words, and the price nowhere in minor units.
#[track_caller]
fn assert_says(text: &str, words: &str) {
    assert!(text.contains(words), "no `{words}` in {text}");
    let minor = PRICE.to_string();
    let is_yen = words.ends_with("JPY");
    let mut numbers = text.split(|letter: char| !letter.is_alphanumeric());
    assert!(is_yen || numbers.all(|number| number != minor), "{minor} are minor units: {text}");
}

#[rstest]
#[case::euros("EUR", "125.00 EUR", "0.01 EUR")]
#[case::yen("JPY", "12500 JPY", "1 JPY")]
#[case::dinars("KWD", "12.500 KWD", "0.001 KWD")]
#[tokio::test]
async fn problems_causes_and_previews_say_amounts_as_their_currency_is_written(
    #[case] currency: &'static str,
    #[case] price: &str,
    #[case] lie: &str,
) {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show_in(currency, 1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let mut order = json!({"reservation_id": reservation["reservation_id"], "method": "pm_card_visa"});
    order["amount"] = json!({"amount": PRICE - 1, "currency": currency});
    let problem = ada.post("/payments", order.clone()).await.problem(422, "amount-mismatch");
    assert_says(&sentences(&problem), price);

    world.gateway.rule(&["confirm", "read"], None, json!({"lie": {"amount": 1}})).await;
    order["amount"] = json!({"amount": PRICE, "currency": currency});
    ada.post("/payments", order).await.is(202);
    let cause = world.stuck(&reservation).await;
    let detail = cause["contradicted"]["detail"].as_str().unwrap();
    assert_says(detail, &format!("the gateway has {lie}, we ordered {price}"));

    let saga = format!("/operator/sagas/{}", reservation["saga_id"].as_str().unwrap());
    assert_says(&say(&world, &saga, None).await, lie);
    for (action, does) in [("retry_now", "to secure"), ("compensate", "what it has taken of")] {
        assert_says(&say(&world, &saga, Some(action)).await, &format!("{does} {price}"));
    }
}

#[rstest]
#[case::euros("EUR", "5.00 EUR")]
#[case::yen("JPY", "500 JPY")]
#[case::dinars("KWD", "0.500 KWD")]
#[tokio::test]
async fn a_case_says_amounts_as_their_currency_is_written(
    #[case] currency: &'static str,
    #[case] part: &str,
) {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show_in(currency, 1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    lose_webhooks(&world).await;
    let intent = intent_of(&world, &reservation).await;
    refund(&world, &intent, json!({"amount": 500})).await;
    let case = only(&world, Class::RefundMissing, 0, 500).await;
    assert_eq!(case.what, format!("our books lack a refund of {part}"));
}
