//! Work-lists: what is wrong is found by its list, its cause and its words.

use super::act;
use operator::{Action, Filter, Listed, Operator, Trouble};
use orchestrator::{Engine, Handle, SagaId, Stake, State};
use std::time::Duration;
use tests::play::{ASK_MINOR, Act, Line, Part, Play, Stage, ask, note};

fn of(trouble: Trouble) -> Filter {
    Filter { trouble: Some(trouble), ..Filter::default() }
}

fn money(minor: i64) -> Vec<Stake> {
    vec![Stake::Money { minor, currency: "EUR".into() }]
}

async fn list(node: &Engine, filter: &Filter) -> Vec<Listed> {
    Operator::of(node.client()).list(filter, None, 50).await.unwrap()
}

fn ids(listed: &[Listed]) -> Vec<SagaId> {
    listed.iter().map(|listed| listed.id).collect()
}

/// Plays that are stuck with a debt: the desk fails their compensation with this code.
async fn owing(stage: &Stage, node: &Engine, code: &'static str, how_many: usize) -> Vec<SagaId> {
    stage.script.set(move |asked| if asked.undo { Act::LoseWith(code) } else { Act::Go });
    let mut plays = Vec::new();
    for _ in 0..how_many {
        let part = Part::of([note("one"), ask("flight"), Line::Fail("no".into())]);
        let play: Handle<Play> = node.client().start::<Play>(part).await.unwrap();
        stage.stuck(play.id()).await;
        plays.push(play.id());
    }
    plays
}

#[tokio::test]
async fn sagas_that_failed_for_one_reason_are_one_group_with_what_is_at_stake() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = Operator::of(node.client());
    let mut broke = owing(&stage, &node, "desk 402", 3).await;
    let closed = owing(&stage, &node, "desk 503", 1).await;

    let groups = operator.groups(&of(Trouble::Owed)).await.unwrap();
    let [first, second] = &groups[..] else { panic!("two reasons: {groups:?}") };
    assert_eq!((first.count, second.count, first.capped), (3, 1, false));
    assert_eq!(first.cause, "play v1: compensation of `ask` is owed, desk 402");
    assert_eq!((first.step.as_deref(), first.workflow.as_str()), (Some("ask"), "play"));
    assert_eq!((first.suggested.name(), &first.stakes), ("retry_now", &money(3 * ASK_MINOR)));
    assert!(first.first_seen <= first.last_seen);

    let group = Filter { cause: Some(first.fingerprint.clone()), ..Filter::default() };
    let listed = list(&node, &group).await;
    broke.reverse();
    assert_eq!(ids(&listed), broke, "newest first");
    let one = &listed[0];
    assert_eq!(
        (one.state, one.trouble, one.step.as_deref()),
        (State::Stuck, Some(Trouble::Owed), Some("ask"))
    );
    assert_eq!(one.stakes, money(ASK_MINOR));
    assert!(one.line.starts_with("compensation ask failed 3×, desk 402, again in "), "{}", one.line);
    assert!(one.first_stuck_at.is_some());
    assert_eq!(operator.see(one.id).await.unwrap().etag, one.etag);

    for filter in [of(Trouble::Stuck), Filter { status: Some(State::Stuck), ..Filter::default() }] {
        assert_eq!(operator.count(&filter, 100).await.unwrap(), 4);
        assert_eq!(operator.count(&filter, 2).await.unwrap(), 2, "counted no further");
    }
    assert_eq!(ids(&list(&node, &Filter { ids: closed.clone(), ..of(Trouble::Owed) }).await), closed);
    for narrower in [
        Filter { workflow: Some("trip".into()), ..group.clone() },
        Filter { step: Some("note".into()), ..group.clone() },
        Filter { older_than_s: Some(3600), ..group.clone() },
        Filter { status: Some(State::Running), ..group.clone() },
        Filter { trouble: Some(Trouble::Paused), ..group.clone() },
        Filter { cause: Some("no fingerprint".into()), ..Filter::default() },
    ] {
        assert_eq!(list(&node, &narrower).await.len(), 0, "{narrower:?}");
        assert_eq!(operator.count(&narrower, 10).await.unwrap(), 0, "{narrower:?}");
    }
    node.drain().await;
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_a_saga_twice() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let mut plays = Vec::new();
    for _ in 0..7 {
        let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
        stage.until("it waits", play.id(), |row| row.state == "waiting").await;
        plays.push(play.id());
    }
    plays.reverse();
    let filters = [
        Filter::default(),
        Filter { step: Some("cue".into()), status: Some(State::Waiting), ..Filter::default() },
        Filter { ids: plays.clone(), ..Filter::default() },
    ];
    for filter in filters {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = Operator::of(node.client()).list(&filter, after, 3).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            seen.extend(ids(&page));
        }
        assert_eq!(seen, plays, "{filter:?}");
    }
    node.drain().await;
}

#[tokio::test]
async fn a_paused_saga_is_on_its_list_and_leaves_it_when_it_is_resumed() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = Operator::of(node.client());
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    assert_eq!(list(&node, &of(Trouble::Paused)).await.len(), 0);
    act(&node, play.id(), Action::Pause).await.unwrap();
    let listed = list(&node, &of(Trouble::Paused)).await;
    assert_eq!((ids(&listed), listed[0].trouble), (vec![play.id()], Some(Trouble::Paused)));
    let groups = operator.groups(&of(Trouble::Paused)).await.unwrap();
    let [group] = &groups[..] else { panic!("one is paused: {groups:?}") };
    assert_eq!((group.cause.as_str(), group.suggested.name()), ("play v1: paused by ada", "resume"));
    let group = Filter { cause: Some(group.fingerprint.clone()), ..of(Trouble::Paused) };
    assert_eq!(ids(&list(&node, &group).await), [play.id()]);
    act(&node, play.id(), Action::Resume).await.unwrap();
    assert_eq!(list(&node, &of(Trouble::Paused)).await.len(), 0);
    node.drain().await;
}

#[tokio::test]
async fn a_saga_is_found_by_its_id_its_start_key_and_its_labels() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = Operator::of(node.client());
    let part = Part::of([ask("flight"), Line::Wait(60_000)]);
    let play = node.client().start::<Play>(part).key("order 7").await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    for word in [play.id().to_string().as_str(), " order 7 ", "flight"] {
        assert_eq!(operator.search(word).await.unwrap(), [play.id()], "{word}");
    }
    for word in
        ["", "order", "hotel", "FLIGHT", "0199aaaa-0000-7000-8000-000000000000", "o'; drop table", "\0"]
    {
        assert!(operator.search(word).await.unwrap().is_empty(), "{word}");
    }
    node.drain().await;
}

#[tokio::test]
async fn a_compensation_that_is_only_put_off_is_not_owed() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let soon = Duration::from_secs(20);
    stage.script.set(move |asked| if asked.undo { Act::Later(soon) } else { Act::Go });
    let part = Part::of([ask("flight"), Line::Fail("no".into())]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.until("it is put off", play.id(), |row| row.state == "unwinding" && !row.leased).await;
    assert_eq!(list(&node, &of(Trouble::Owed)).await.len(), 0);
    let listed = list(&node, &of(Trouble::Retrying)).await;
    assert_eq!(ids(&listed), [play.id()]);
    assert!(listed[0].line.starts_with("retrying compensation ask #1, next 00:"), "{}", listed[0].line);
    node.drain().await;
}
