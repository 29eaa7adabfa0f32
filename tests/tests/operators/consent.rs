//! Consent: what moves much money needs a second person. Who may agree, to what, and how often.

use super::{ada, grace};
use operator::{
    Action, By, Expected, Limits, Operator, OperatorError, Plan, Proposal, ProposalState, Requested,
};
use orchestrator::{Engine, SagaId, Stake};
use tests::play::{ASK_MINOR, Act, Kept, Line, Part, Play, Stage, ask, note};

/// One person alone may move the price of two things, and no more.
const LIMITS: Limits = Limits { second_person_above_minor: Some(2 * ASK_MINOR) };

fn operator(node: &Engine) -> Operator {
    Operator::of(node.client()).with_limits(LIMITS)
}

/// A saga with so many hotels, stuck because the answer for its car can't be true. Cancelling it gives the money for
/// all hotels back.
async fn paid(stage: &Stage, node: &Engine, hotels: usize) -> SagaId {
    stage.script.set(|asked| if asked.what == "car" && !asked.undo { Act::Lie } else { Act::Go });
    let mut lines = vec![note("one")];
    lines.extend((1..=hotels).map(|number| ask(&format!("hotel {number}"))));
    lines.push(ask("car"));
    let play = node.client().start::<Play>(Part::of(lines)).await.unwrap();
    stage.stuck(play.id()).await;
    play.id()
}

async fn previewed(operator: &Operator, saga: SagaId) -> (Plan, Expected) {
    let plan = operator.plan(saga, Action::Cancel, ada()).await.unwrap();
    let expected = Expected { etag: plan.etag.clone(), plan_hash: Some(plan.hash.clone()) };
    (plan, expected)
}

/// Ada proposes a cancellation that moves more money than she may move alone.
async fn proposed(operator: &Operator, saga: SagaId) -> Proposal {
    let (_, expected) = previewed(operator, saga).await;
    match operator.request(saga, Action::Cancel, ada(), expected).await.unwrap() {
        Requested::Proposed(proposal) => proposal,
        Requested::Done(plan) => panic!("it was done at once: {plan:?}"),
    }
}

#[tokio::test]
async fn what_moves_little_is_done_at_once_and_what_moves_much_is_refused_to_one_person() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = operator(&node);
    let little = paid(&stage, &node, 1).await;
    let (_, expected) = previewed(&operator, little).await;
    let done = operator.request(little, Action::Cancel, ada(), expected).await.unwrap();
    assert!(matches!(done, Requested::Done(_)), "{done:?}");
    stage.until("it is unwound", little, |row| row.state == "unwound").await;

    let much = paid(&stage, &node, 2).await;
    let (_, expected) = previewed(&operator, much).await;
    let refused = operator.execute(much, Action::Cancel, ada(), expected).await;
    assert!(matches!(refused, Err(OperatorError::NeedsConsent(_))), "{refused:?}");
    assert_eq!(stage.audited(much, "cancel").await, 0);
    assert_eq!(stage.kept(much).await.bookings, ["hotel 1", "hotel 2"]);
    // An action that moves no money needs no second person.
    let (plan, _) = previewed(&operator, much).await;
    let expected = Expected { etag: plan.etag, plan_hash: None };
    let paused = operator.request(much, Action::Pause, ada(), expected).await.unwrap();
    assert!(matches!(paused, Requested::Done(_)), "{paused:?}");
    node.drain().await;
}

#[tokio::test]
async fn a_debt_of_much_money_is_not_written_off_by_one_person() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    stage.script.set(|asked| if asked.undo { Act::Lose } else { Act::Go });
    let part = Part::of([ask("hotel"), Line::Fail("no".into())]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.stuck(play.id()).await;
    let limits = Limits { second_person_above_minor: Some(ASK_MINOR - 1) };
    let operator = Operator::of(node.client()).with_limits(limits);
    let plan = operator.plan(play.id(), Action::WriteOff, ada()).await.unwrap();
    let expected = Expected { etag: plan.etag, plan_hash: None };
    let refused = operator.execute(play.id(), Action::WriteOff, ada(), expected).await;
    let Err(OperatorError::NeedsConsent(plan)) = refused else { panic!("{refused:?}") };
    assert_eq!(plan.money, [Stake::Money { minor: ASK_MINOR, currency: "EUR".into() }]);
    node.drain().await;
}

#[tokio::test]
async fn another_person_agrees_and_both_names_are_in_journal_and_audit() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = operator(&node);
    let saga = paid(&stage, &node, 2).await;
    let proposal = proposed(&operator, saga).await;
    assert_eq!((proposal.state, proposal.saga), (ProposalState::Open, saga));
    assert_eq!(proposal.id.bucket(), saga.bucket());
    let again = proposed(&operator, saga).await;
    assert_eq!(again.id, proposal.id, "asked twice is one proposal");

    for name in ["ada", " Ada ", "ADA"] {
        let by = By { actor: name.into(), reason: "me again".into() };
        let refused = operator.consent(proposal.id, by).await;
        assert!(matches!(refused, Err(OperatorError::SamePerson(_))), "{name}: {refused:?}");
    }
    let silent = operator.consent(proposal.id, By { reason: String::new(), ..grace() }).await;
    assert!(matches!(silent, Err(OperatorError::Anonymous)), "{silent:?}");

    operator.consent(proposal.id, grace()).await.unwrap();
    stage.until("it is unwound", saga, |row| row.state == "unwound").await;
    assert_eq!(stage.kept(saga).await, Kept::default());
    let names =
        "select actor || ' and ' || (detail ->> 'consented_by') from usher.audit where action = 'cancel'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&stage.pool).await.unwrap();
    assert_eq!(names, ["ada and grace"]);
    let names = "select (body ->> 'actor') || ' and ' || (body ->> 'consented_by') from usher.journal_entries
        where kind = 'operator'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&stage.pool).await.unwrap();
    assert_eq!(names, ["ada and grace"]);
    let proposal = operator.proposal(proposal.id).await.unwrap();
    assert_eq!((proposal.state, proposal.decided_by.as_deref()), (ProposalState::Consented, Some("grace")));
    assert!(operator.proposals(true, None, 10).await.unwrap().is_empty());
    assert_eq!(operator.proposals(false, None, 10).await.unwrap().len(), 1);
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_proposal_for_a_saga_that_changed_since_is_refused() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = operator(&node);
    let saga = paid(&stage, &node, 2).await;
    let proposal = proposed(&operator, saga).await;
    let expected = Expected { etag: proposal.etag.clone(), plan_hash: None };
    operator.execute(saga, Action::Pause, ada(), expected).await.unwrap();
    let refused = operator.consent(proposal.id, grace()).await;
    assert!(matches!(refused, Err(OperatorError::Changed { .. })), "{refused:?}");
    let proposal = operator.proposal(proposal.id).await.unwrap();
    assert_eq!(proposal.state, ProposalState::Outdated, "it was not taken, and says why it can't be");
    assert_eq!(stage.audited(saga, "cancel").await, 0);
    node.drain().await;
}

#[tokio::test]
async fn of_two_who_agree_at_once_one_wins_and_it_is_done_once() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = operator(&node);
    let saga = paid(&stage, &node, 2).await;
    let proposal = proposed(&operator, saga).await;
    let linus = By { actor: "linus".into(), ..grace() };
    let (one, other) =
        tokio::join!(operator.consent(proposal.id, grace()), operator.consent(proposal.id, linus));
    let refusals = [one, other].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    let [OperatorError::Closed { state, .. }] = &refusals[..] else { panic!("one wins: {refusals:?}") };
    assert_eq!(*state, ProposalState::Consented);
    assert_eq!(stage.audited(saga, "cancel").await, 1);
    let late = operator.consent(proposal.id, grace()).await;
    assert!(matches!(late, Err(OperatorError::Closed { .. })), "{late:?}");
    stage.until("it is unwound", saga, |row| row.state == "unwound").await;
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn what_was_declined_or_has_expired_can_not_be_agreed_to() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = operator(&node);
    let saga = paid(&stage, &node, 2).await;
    let declined = proposed(&operator, saga).await;
    let said = operator.decline(declined.id, grace()).await.unwrap();
    assert_eq!((said.state, said.decided_by.as_deref()), (ProposalState::Declined, Some("grace")));
    let refused = operator.consent(declined.id, grace()).await;
    assert!(matches!(refused, Err(OperatorError::Closed { .. })), "{refused:?}");
    assert_eq!(stage.audited(saga, "decline").await, 1);

    let expired = proposed(&operator, saga).await;
    assert_ne!(expired.id, declined.id);
    let a_day_later = "update usher.proposals set expires_at = now() where state = 'open'";
    sqlx::query(a_day_later).execute(&stage.pool).await.unwrap();
    let refused = operator.consent(expired.id, grace()).await;
    let Err(OperatorError::Closed { state, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(state, ProposalState::Expired);
    let anew = proposed(&operator, saga).await;
    assert_ne!(anew.id, expired.id, "its place is free");
    assert_eq!(stage.audited(saga, "propose").await, 3);
    assert_eq!(stage.audited(saga, "cancel").await, 0);
    node.drain().await;
}
