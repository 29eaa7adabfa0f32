//! The numbers that operators look at first.

use super::{booking::Customer, client::Service, venue::event};
use operator::numbers::InDoubt;
use orchestrator::Stake;
use service::{jobs::Jobs, numbers};
use steps::gateway::instant::{Act, Operation};

async fn zero(service: &Service) -> numbers::MustBeZero {
    numbers::now(&service.app.service).await.unwrap().zero
}

#[tokio::test]
async fn where_nothing_is_wrong_the_four_are_zero_and_samples_say_what_was_sold() {
    let service = Service::start().await;
    numbers::take_sample(service.app.service.clone()).await.unwrap();
    let (_, seats) = event(&service, "numbers", 1).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    ada.pay(&reservation).await.is(202);
    service
        .until_count("it is at rest", "select count(*) from usher.sagas where state = 'completed'", 1)
        .await;
    numbers::take_sample(service.app.service.clone()).await.unwrap();

    let now = numbers::now(&service.app.service).await.unwrap();
    let zero =
        numbers::MustBeZero { stuck: 0, overdue: 0, in_doubt: Default::default(), seats_overdue: 0, owed: 0 };
    assert_eq!(now.zero, zero);
    assert!(now.ended_per_s.unwrap() > 0.0, "{now:?}");
    let pay = now.steps.iter().find(|step| step.step == "pay").expect("a call is timed");
    assert!(pay.ran >= 1 && pay.p50_s <= pay.p99_s, "{pay:?}");
    assert!(now.steps.iter().any(|step| step.step == "confirm"), "our own steps too: {:?}", now.steps);
    assert_eq!(now.nodes, [service.app.service.client.node()]);
    assert!(now.database.connections >= 1 && now.database.connections_max >= now.database.connections);
    let minutes = numbers::history(&service.app.service, 1).await.unwrap();
    assert!(minutes.iter().map(|minute| minute.ended_per_s).sum::<f64>() > 0.0, "{minutes:?}");
}

#[tokio::test]
async fn money_whose_way_nobody_knows_is_in_doubt_until_somebody_does() {
    let service = Service::start().await;
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::LoseRequest,
        _ => Act::Go,
    });
    let (_, seats) = event(&service, "doubt", 1).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    let looked_at = async {
        let in_doubt = "select count(*) from usher.sagas where trouble = 'in_doubt'";
        service.until_count("nobody knows", in_doubt, 1).await;
        let doubtful = zero(&service).await.in_doubt;
        assert_eq!((doubtful.sagas, doubtful.oldest.is_some()), (1, true), "{doubtful:?}");
        let [Stake::Money { minor, currency }] = &doubtful.stakes[..] else {
            panic!("money is at stake: {doubtful:?}")
        };
        let amount = reservation["amount"]["amount"].as_i64().unwrap();
        assert_eq!((*minor, currency.as_str()), (amount, "EUR"));
        service.gateway.script(|_| Act::Go);
    };
    // The customer is answered once the gateway has answered, or late.
    tokio::join!(ada.pay(&reservation), looked_at);
    service
        .until_count("it is at rest", "select count(*) from usher.sagas where state = 'completed'", 1)
        .await;
    assert_eq!(zero(&service).await.in_doubt, InDoubt::default());
}

#[tokio::test]
async fn seats_that_a_stuck_saga_holds_past_their_time_are_counted() {
    let service = Service::start().await;
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::Pend,
        _ => Act::Go,
    });
    let (_, seats) = event(&service, "overdue", 2).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    ada.pay(&reservation).await.is(202);
    let saga = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    let operator = service.app.service.operator();
    let by = operator::By { actor: "ada".into(), reason: "to look at it".into() };
    let etag = operator.see(saga).await.unwrap().etag;
    let expected = operator::Expected { etag, plan_hash: None };
    operator.execute(saga, operator::Action::Pause, by, expected).await.unwrap();
    assert_eq!(zero(&service).await.seats_overdue, 0, "their time is not up");
    let age = "update booking.reservations set reserved_until = now() - interval '2 minutes'";
    sqlx::query(age).execute(&service.pool).await.unwrap();
    assert_eq!(zero(&service).await.seats_overdue, 2);
    let desk = service.app.service.operator();
    assert_eq!(desk.search(numbers::HELD_PAST_TIME).await.unwrap(), [saga]);
}

#[tokio::test]
async fn samples_are_taken_by_a_job_and_kept_for_a_day() {
    let service = Service::start().await;
    Jobs::run_once(&service.app.service).await;
    Jobs::run_once(&service.app.service).await;
    assert_eq!(service.count("select count(*) from booking.samples").await, 1);
    let age = "update booking.samples set at = at - interval '25 hours'";
    sqlx::query(age).execute(&service.pool).await.unwrap();
    Jobs::run_once(&service.app.service).await;
    assert_eq!(
        service.count("select count(*) from booking.samples where at < now() - interval '1 day'").await,
        0
    );
}
