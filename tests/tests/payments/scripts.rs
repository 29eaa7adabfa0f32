//! Any random script of a gateway's misbehaviour: a hundred bookings under it end with captured = booked + refunded by
//! the gateway's books, and no saga owes anything.
//!
//! `USHER_SCRIPTS=50` plays fifty scripts, `USHER_SCRIPTS_SEED=…` those of a run that failed.

use super::world::{PaymentWorld, Plan};
use futures_util::future::join_all;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use std::{env, time::Duration};
use tests::support::Show;

const BOOKINGS: usize = 100;
/// How many scripts a run plays when `USHER_SCRIPTS` is not set.
const SCRIPTS: u32 = 2;
/// Refunds of a script that fail; as many are sent again.
const FAILED_REFUNDS_MAX: u32 = 10;
/// Long enough for all customers on a small machine, and short enough to wait for the end of the hold.
const HOLD: Duration = Duration::from_secs(8);

/// What a gateway does wrong, and what customers pay with.
#[derive(Clone, Debug)]
struct Script {
    automatic: bool,
    rules: Vec<Rule>,
    methods: Vec<&'static str>,
}

/// One thing that goes wrong, and how often.
#[derive(Clone, Debug)]
struct Rule {
    on: &'static str,
    times: u32,
    acts: Value,
}

/// Without lies and refusals that nothing explains: those need a person, and have tests of their own.
fn misbehaviour() -> impl Strategy<Value = Value> {
    prop_oneof![
        (10_u64..900).prop_map(|ms| json!({"delay_ms": ms})),
        (10_u64..900).prop_map(|ms| json!({"answer_delay_ms": ms})),
        Just(json!({"before": "drop"})),
        Just(json!({"before": "hang"})),
        Just(json!({"before": {"busy": {"retry_after_s": 0}}})),
        Just(json!({"before": {"busy": {"retry_after_s": 1}}})),
        Just(json!({"before": "key_in_use"})),
        (10_u64..3000).prop_map(|after_ms| json!({"before": {"late": {"after_ms": after_ms}}})),
        (500_u16..505).prop_map(|status| json!({"before": {"fail": {"status": status}}})),
        (500_u16..505).prop_map(|status| json!({"after": {"fail": {"status": status}}})),
        Just(json!({"before": {"fail": {"status": 500, "kept": true}}})),
        Just(json!({"after": {"fail": {"status": 500, "kept": true}}})),
        Just(json!({"after": "hang"})),
        Just(json!({"after": "close"})),
        Just(json!({"after": "garbage"})),
        Just(json!({"after": "huge"})),
        Just(json!({"after": "slow"})),
        Just(json!({"after": "redirect"})),
        Just(json!({"lax": true})),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let request = select(&["create", "confirm", "capture", "cancel", "refund", "read"][..]);
    let request = (request, misbehaviour());
    let search = prop_oneof![Just(json!({"blind": true})), Just(json!({"before": "drop"}))];
    let search = search.prop_map(|acts| ("search", acts));
    let confirm = prop_oneof![
        Just(json!({"confirm": {"decline": {"code": "card_declined", "decline_code": "lost_card"}}})),
        (0_u64..3000, any::<bool>()).prop_map(|(after_ms, settles)| {
            let then = if settles { "settle" } else { "fail" };
            json!({"confirm": {"process": {"after_ms": after_ms, "then": then}}})
        }),
    ];
    let again = Just(json!({"again_after_ms": 0}));
    let confirm = prop_oneof![2 => confirm, 1 => again].prop_map(|acts| ("confirm", acts));
    let refund = (10_u64..1000, any::<bool>()).prop_map(|(after_ms, settles)| {
        let then = if settles { "settle" } else { "fail" };
        ("refund", json!({"refund": {"pend_then": {"after_ms": after_ms, "then": then}}}))
    });
    let webhook = prop_oneof![
        Just(json!({"webhook": {"lose": true}})),
        (1_u32..20, 0_u64..3000)
            .prop_map(|(copies, ms)| { json!({"webhook": {"copies": copies, "jitter_ms": ms}}) }),
        (0_u64..4000).prop_map(|ms| json!({"webhook": {"delay_ms": ms}})),
    ];
    let webhook = webhook.prop_map(|acts| ("webhook", acts));
    let one = prop_oneof![6 => request, 1 => search, 3 => confirm, 2 => webhook, 1 => refund];
    (one, 1_u32..12).prop_map(|((on, acts), times)| Rule { on, times, acts })
}

fn script() -> impl Strategy<Value = Script> {
    let methods = select(
        &["pm_card_visa", "pm_processing_settles", "pm_processing_fails", "pm_card_chargeDeclined"][..],
    );
    (any::<bool>(), vec(rule(), 5..25), vec(methods, 3..8)).prop_map(|(automatic, rules, methods)| Script {
        automatic,
        rules,
        methods,
    })
}

#[test]
fn whatever_the_gateway_does_captured_is_booked_and_refunded() {
    let seed = env::var("USHER_SCRIPTS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    let cases = env::var("USHER_SCRIPTS").map_or(SCRIPTS, |cases| cases.parse().unwrap());
    println!("USHER_SCRIPTS_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::to_le_bytes(seed));
    let config =
        ProptestConfig { cases, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let played = runner.run(&script(), |script| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(play(&script));
        Ok(())
    });
    played.unwrap_or_else(|failed| panic!("USHER_SCRIPTS_SEED={seed}: {failed}"));
}

async fn play(script: &Script) {
    let plan = if script.automatic { Plan::default().automatic() } else { Plan::default() };
    // Failed refunds are sent again at once. More of them than one payment's refunds may fail need a person.
    let max = FAILED_REFUNDS_MAX.to_string();
    let plan = plan.with("USHER_GATEWAY_REPAYMENTS_MAX", &max).with("USHER_GATEWAY_REPAYMENTS_APART_MS", "0");
    let world = plan.open().await;
    let mut may_fail = FAILED_REFUNDS_MAX;
    for rule in &script.rules {
        let fails = rule.acts["refund"]["pend_then"]["then"] == "fail";
        let times = if fails { rule.times.min(may_fail) } else { rule.times };
        may_fail -= if fails { times } else { 0 };
        if times > 0 {
            world.gateway.rule(&[rule.on], times, rule.acts.clone()).await;
        }
    }
    let shows = [world.show_in("EUR", 50, HOLD).await, world.show_in("JPY", 50, HOLD).await];
    let jobs = world.with_jobs().await;
    let customers = (0..BOOKINGS).map(|number| {
        let method = script.methods[number % script.methods.len()];
        book(&world, &shows[number % 2], number / 2, method)
    });
    join_all(customers).await;
    world.rest().await;
    // A pending refund may still fail, and then there is more to do.
    let pending = async || {
        let books = world.gateway.books().await;
        let mut refunds = books.intents.iter().flat_map(|intent| &intent.refunds);
        refunds.all(|refund| refund.status != "pending").then_some(())
    };
    world.until("no refund is pending", pending).await;
    world.a_minute_later().await; // news of it may have been lost
    world.rest().await;
    jobs.stop().await;
    world.close().await;
}

async fn book(world: &PaymentWorld, show: &Show, seat: usize, method: &str) {
    let ada = world.customer().await;
    let reservation = ada.reserve(show, &[seat]).await;
    let body = json!({"reservation_id": reservation["reservation_id"], "method": method});
    ada.post("/payments", body).await; // what it answers depends on the script
}
