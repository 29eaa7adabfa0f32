//! The words of operators on pages: every row of the table of actions has its form, and a wrong word is answered with
//! the right ones.

use super::stage::Stage;
use api::http::auth::Role;
use operator::BatchId;
use service::operators::{ActionRow, Parameter, REASON_CHARS_MAX, action_rows};

/// The fields of a form with all that an action takes.
fn fields(row: ActionRow) -> Vec<(&'static str, &'static str)> {
    let value = |parameter| match parameter {
        Parameter::Output => "{\"a\": 1}",
        Parameter::DownTo | Parameter::To => "1",
        Parameter::Until => "2031-01-01T00:00",
    };
    let takes = row.takes.iter().map(|takes| (takes.parameter.name(), value(takes.parameter)));
    takes.chain([("reason", "why not")]).collect()
}

#[tokio::test]
async fn every_action_of_the_table_has_its_page_and_a_slip_is_told_which_there_are() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let whole = grace.get(&format!("/console/sagas/{saga}")).await.is(200).text;
    let bulk = grace.get("/console/bulk?trouble=stuck").await.is(200).text;
    for row in action_rows() {
        assert!(whole.contains(row.label), "no `{}` in {whole}", row.label);
        assert_eq!(bulk.contains(&format!("value=\"{}\"", row.kind.name())), row.kind.is_for_many());
        for word in [row.kind.name(), row.word].iter().chain(row.old_words) {
            let address = format!("/console/sagas/{saga}/actions/{word}");
            grace.get(&address).await.is(200).says(row.label).says(row.does);
            let answer = grace.post(&address, &fields(row)).await;
            assert!(answer.status == 200 || answer.status == 409, "{word}: {answer:?}");
        }
        if row.takes.iter().any(|takes| takes.is_required) {
            let address = format!("/console/sagas/{saga}/actions/{}", row.word);
            let missing = grace.post(&address, &[("reason", "why not")]).await;
            assert!(missing.status == 422 || missing.status == 409, "{missing:?}");
        }
    }
    let mut told = vec![grace.get(&format!("/console/sagas/{saga}/actions/explode")).await.is(404)];
    told.push(
        grace.post(&format!("/console/sagas/{saga}/actions/explode"), &[("reason", "x")]).await.is(404),
    );
    told.push(grace.post("/console/bulk", &[("action", "explode"), ("reason", "x")]).await.is(422));
    for page in told {
        for row in action_rows() {
            assert!(page.text.contains(row.word), "no `{}` in {}", row.word, page.text);
        }
    }
}

#[tokio::test]
async fn a_slip_of_the_pen_does_nothing_and_says_what_was_possible() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    for (slip, told) in [
        ("trouble=stuk", "must be one of stuck, in_doubt"),
        ("status=sad", "must be one of running, waiting"),
        ("cause=ab", "64 hexadecimal digits"),
        ("older_than=soon", "90s, 30m, 24h or 7d"),
    ] {
        let list = grace.get(&format!("/console/sagas?{slip}")).await.is(200);
        assert!(!list.says(told).text.contains(&saga.to_string()));
        let (field, word) = slip.split_once('=').unwrap();
        let sent = [(field, word), ("action", "pause"), ("reason", "x")];
        grace.post("/console/bulk", &sent).await.is(422).says(told);
    }
    // A filter that finds nothing doesn't mean every saga.
    let nobody = [("q", "nobody@example.org"), ("action", "pause"), ("reason", "x")];
    grace.post("/console/bulk", &nobody).await.is(422).says("finds no saga");
    grace.get("/console/audit?saga=one").await.is(200).says("must be an id").says("Nothing is listed");
    let batch = format!("/console/batches/{}", BatchId::random());
    let steered = grace.post(&batch, &[("wish", "cancle"), ("reason", "x")]).await.is(422);
    steered.says("consent, pause, resume, cancel");
    let proposal = format!("/console/proposals/{saga}");
    grace.post(&proposal, &[("decision", "declin"), ("reason", "x")]).await.is(422).says("consent, decline");
}

#[tokio::test]
async fn a_reason_that_is_too_long_is_refused_by_every_form() {
    let stage = Stage::set().await;
    let seats = stage.event("A show", "Stalls", 1).await;
    let saga = stage.stuck(&stage.customer("Ada").await, seats[0]).await;
    let grace = stage.visitor(Role::Operator, "grace").await;
    let reason = "ü".repeat(REASON_CHARS_MAX + 1);
    let told = format!("must have at most {REASON_CHARS_MAX} characters");
    let act = format!("/console/sagas/{saga}/actions/pause");
    for address in [act.clone(), format!("{act}/do")] {
        let sent = [("reason", &*reason), ("etag", "x"), ("plan", "x")];
        grace.post(&address, &sent).await.is(422).says(&told);
    }
    let sent = [("trouble", "stuck"), ("action", "pause"), ("reason", &*reason)];
    grace.post("/console/bulk", &sent).await.is(422).says(&told);
    let batch = format!("/console/batches/{}", BatchId::random());
    grace.post(&batch, &[("wish", "pause"), ("reason", &*reason)]).await.is(422).says(&told);
    let proposal = format!("/console/proposals/{saga}");
    grace.post(&proposal, &[("decision", "consent"), ("reason", &*reason)]).await.is(422).says(&told);
}
