//! *Overdue* is one word: the metric, the list, the API and the first page mean the same sagas by it.

use super::stage::Stage;
use api::http::auth::Role;
use operator::{Filter, Listed, Trouble};
use orchestrator::SagaId;
use serde_json::Value;
use service::{jobs::Jobs, numbers};
use std::collections::BTreeSet;

/// Makes a saga due this many seconds from now, in a version that no node knows, so that no node takes it.
async fn due(stage: &Stage, saga: SagaId, seconds: i32, more: &str) {
    let update = format!(
        "update usher.sagas set version = 99, due_at = now() + $2 * interval '1 second' {more}
         where id = $1 and bucket = $3"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(update));
    query.bind(saga.uuid()).bind(seconds).bind(saga.bucket().number()).execute(&stage.pool).await.unwrap();
}

#[tokio::test]
async fn the_metric_the_list_the_api_and_the_first_page_agree_on_what_is_overdue() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 7).await;
    let ada = stage.customer("Ada").await;
    let stuck = stage.stuck(&ada, seats[0]).await;
    let mut waiting = Vec::new();
    for seat in &seats[1..] {
        waiting.push(stage.reserve(&ada, *seat).await);
    }
    for saga in &waiting {
        stage.until(*saga, "waiting").await;
    }
    let [late, deserted, paused, leased, now, ahead] = waiting[..] else { panic!("six wait: {waiting:?}") };
    due(&stage, stuck, -120, "").await;
    due(&stage, late, -120, "").await;
    due(&stage, deserted, -120, ", leased = true").await;
    due(&stage, paused, -120, ", paused = true, paused_by = 'grace'").await;
    due(&stage, leased, 60, ", leased = true").await;
    due(&stage, now, 0, "").await;
    due(&stage, ahead, 60, "").await;
    let overdue = BTreeSet::from([late, deserted]);

    let filter = Filter { trouble: Some(Trouble::Overdue), ..Filter::default() };
    let desk = stage.service.operator();
    let listed = desk.list(&filter, None, 50).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id).collect::<BTreeSet<_>>(), overdue);
    assert_eq!(desk.count(&filter, 50).await.unwrap(), 2);
    let both = Filter { status: Some(orchestrator::State::Stuck), ..filter };
    assert_eq!(desk.count(&both, 50).await.unwrap(), 0, "what is stuck has a list of its own");
    // The list of all sagas marks the same ones as overdue.
    let said = |one: &Listed| one.trouble == Some(Trouble::Overdue);
    let all = desk.list(&Filter::default(), None, 50).await.unwrap();
    assert_eq!(all.iter().filter(|one| said(one)).map(|one| one.id).collect::<BTreeSet<_>>(), overdue);

    let token = stage.token(Role::Auditor, "eve").await;
    let asked = stage.http.get(stage.url("/operator/sagas?trouble=overdue")).bearer_auth(token);
    let answer: Value = serde_json::from_str(&asked.send().await.unwrap().text().await.unwrap()).unwrap();
    let ids = answer["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap());
    assert_eq!(ids.map(|id| id.parse().unwrap()).collect::<BTreeSet<SagaId>>(), overdue);

    let zero = numbers::now(&stage.service).await.unwrap().zero;
    assert_eq!((zero.overdue, zero.stuck), (2, 3));
    let grace = stage.visitor(Role::Operator, "grace").await;
    grace.get("/console").await.is(200).says("2 sagas are due, and no lane takes them");

    Jobs::run_once(&stage.service).await;
    let metrics = stage.service.metrics.render();
    for line in ["usher_sagas_overdue 2", "usher_sagas_stuck 1"] {
        assert!(metrics.lines().any(|found| found == line), "no `{line}` in {metrics}");
    }
    let minute: bool = sqlx::query_scalar("select usher.overdue_after() = interval '1 minute'")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert!(minute, "the lines of lists say it from the same minute on");
    stage.strike().await;
}
