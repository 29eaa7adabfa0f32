//! What one entry costs must not grow with those before it.

use super::*;
use serde_json::value::RawValue;
use std::time::{Duration, Instant};

/// More than any journal may have.
const STEPS: u32 = 20_000;
/// Many times what it takes in a debug build, and a small part of what it takes if each entry looks at all others.
const SOON: Duration = Duration::from_secs(2);

fn null() -> Json {
    RawValue::NULL.to_owned().into()
}

fn begun() -> History {
    let begun = Entry::Begun { workflow: "long".into(), version: 1, input: null() };
    History::of(vec![begun]).expect("that is how journals begin")
}

fn done(ask: u32) -> Entry {
    let outcome = Outcome::Done(null());
    Entry::Ended { ask, step: "step".into(), input: Some(null()), outcome, pivot: false }
}

#[track_caller]
fn soon(what: &str, work: impl FnOnce()) {
    let began = Instant::now();
    work();
    assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
}

#[test]
fn twenty_thousand_steps_are_undone_as_fast_as_they_were_done() {
    let mut history = begun();
    for ask in 0..STEPS {
        history.append(done(ask)).expect("a step follows");
    }
    let cause = Cause::Cancelled { by: "ada".into() };
    history.append(Entry::TurnedBack { cause }).expect("nothing is decided");
    soon("undoing", || {
        while let Some(of) = history.next_undo().map(|ask| ask.first) {
            assert!(!history.stops_here());
            history.append(Entry::UndoEnded { of, undo: null() }).expect("it is next");
        }
    });
    assert_eq!(history.len(), 2 + 2 * STEPS as usize);
    assert_eq!(history.owed().count(), 0);
}

#[test]
fn twenty_thousand_letters_are_told_apart_as_fast_as_one() {
    let mut history = begun();
    let received = |ask: u32| Entry::Received {
        ask,
        signal: "cue".into(),
        sender: format!("sender {ask}"),
        received_at: DateTime::UNIX_EPOCH,
        payload: null(),
    };
    for ask in 0..STEPS {
        history.append(received(ask)).expect("a letter follows");
    }
    soon("looking", || {
        for sender in 0..2 * STEPS {
            assert_eq!(history.has_received("cue", &format!("sender {sender}")), sender < STEPS);
        }
    });
    assert!(!history.has_received("other", "sender 1"));
}

#[test]
fn what_was_refused_or_rewound_is_not_undone() {
    let mut history = begun();
    let refused = Outcome::Rejected(Rejected::new("no", "not here"));
    let refused =
        Entry::Ended { ask: 1, step: "step".into(), input: Some(null()), outcome: refused, pivot: false };
    let chosen = Entry::Received {
        ask: 3,
        signal: "cue".into(),
        sender: "ada".into(),
        received_at: DateTime::UNIX_EPOCH,
        payload: null(),
    };
    for entry in [done(0), refused, done(2), chosen, done(4)] {
        history.append(entry).expect("each follows");
    }
    let action = Action::Rewind { to: Position(3) };
    let (actor, reason, at) = ("olga".to_owned(), "again".to_owned(), DateTime::UNIX_EPOCH);
    history
        .append(Entry::Operator { action, actor, reason, consented_by: None, at })
        .expect("it goes forward");
    let owed = |history: &History| history.owed().map(|ask| ask.first.0).collect::<Vec<_>>();
    assert_eq!(owed(&history), [5, 3], "those that began at 3 or later, latest first");
    for of in [5, 3] {
        history.append(Entry::UndoEnded { of: Position(of), undo: null() }).expect("it is next");
    }
    assert!(history.has_received("cue", "ada"));
    history.append(Entry::RewoundTo { position: Position(3) }).expect("nothing is left to undo");
    assert!(!history.has_received("cue", "ada"), "a wait that was rewound may choose again");
    assert!(history.owes_undo() && owed(&history).is_empty());
    history.append(done(2)).expect("it is asked for anew");
    history.append(Entry::TurnedBack { cause: Cause::Expired { signal: "cue".into() } }).expect("it may");
    assert_eq!(owed(&history), [10, 1], "what was refused at 2 is not among them");
}
