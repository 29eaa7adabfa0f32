//! Words: one for each thing, the same in code, SQL and documents.

use super::source::{File, files, has_word, places};

/// A word that we don't use, what we say instead, and why.
struct Synonym {
    word: &'static str,
    say: &'static str,
    why: &'static str,
}

/// Only words that mean nothing else here. A word with a second, valid meaning is left to the reviewer.
const SYNONYMS: &[Synonym] = &[
    Synonym {
        word: "heartbeat",
        say: "renewal of a lease",
        why: "a lease is renewed, nobody listens for a pulse",
    },
    Synonym {
        word: "fencing token",
        say: "epoch, or token",
        why: "the two are different, and both are checked",
    },
    Synonym { word: "shard", say: "bucket", why: "a bucket is in every key, on one Postgres too" },
    Synonym { word: "suspend", say: "park", why: "parking is never an error" },
    Synonym { word: "suspended", say: "parked", why: "parking is never an error" },
    Synonym { word: "compensator", say: "compensation", why: "it is the step's own undo, not somebody" },
    Synonym {
        word: "rollback handler",
        say: "compensation",
        why: "nothing is rolled back outside of Postgres",
    },
    Synonym { word: "rollback step", say: "compensation", why: "nothing is rolled back outside of Postgres" },
    Synonym { word: "undo log", say: "journal", why: "it says what was done; undoing is read from it" },
    Synonym { word: "saga instance", say: "saga", why: "a run of a workflow is a saga" },
    Synonym { word: "event log", say: "journal", why: "a journal has entries, and events are shows" },
    Synonym { word: "workflow instance", say: "saga", why: "a run of a workflow is a saga" },
    Synonym { word: "workflow execution", say: "saga", why: "a run of a workflow is a saga" },
    Synonym { word: "retry count", say: "attempts", why: "the first attempt counts" },
    Synonym { word: "idempotence key", say: "idempotency key", why: "so says the header" },
    Synonym {
        word: "dead letter",
        say: "stuck saga, or orphan",
        why: "nothing is put aside where nobody looks",
    },
    Synonym { word: "whitelist", say: "what is allowed", why: "say what the list is of" },
    Synonym { word: "blacklist", say: "what is refused", why: "say what the list is of" },
];

#[test]
fn each_thing_has_one_word() {
    let found = places(&files(&["rs", "sql", "md", "sh"]), |file, line| {
        let plain = line.replace(['_', '-'], " ");
        let used = SYNONYMS.iter().find(|synonym| has_word(&plain, synonym.word))?;
        let Synonym { word, say, why } = used;
        (!is_this(file)).then(|| format!("not `{word}` but {say}: {why}"))
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_engine_knows_nothing_of_tickets() {
    const TICKETS: &[&str] =
        &["seat", "seats", "ticket", "tickets", "venue", "reservation", "concert", "theatre"];
    let found = places(&files(&["rs", "sql"]), |file, line| {
        let engine = file.path.starts_with("orchestrator/") || file.path.starts_with("migrations/engine/");
        let word = TICKETS.iter().find(|word| engine && has_word(&line.replace('_', " "), word))?;
        // An example may be of a trip; trips have seats on planes.
        (!file.path.starts_with("orchestrator/examples/")).then(|| format!("the engine knows no `{word}`"))
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_is_left_to_be_done() {
    let found = places(&files(&["rs", "sql", "sh"]), |file, line| {
        // In capitals: `todo` is a fine name for a list.
        let left = ["TODO", "FIXME"].iter().find(|word| line.contains(**word))?;
        (!is_this(file)).then(|| format!("{left}: do it, or open an issue"))
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// Names of types that say nothing by themselves, and how many types may have each. A row of seats is a row.
const VAGUE_TYPES: &[(&str, usize)] = &[("House", 0), ("Row", 1), ("Told", 0), ("Wanted", 0)];

#[test]
fn a_type_is_called_by_its_role() {
    let files = files(&["rs"]);
    for (name, most) in VAGUE_TYPES {
        let found = places(&files, |_, line| (declared_type(line)? == *name).then(|| (*name).to_owned()));
        assert!(
            found.len() <= *most,
            "name each by its role, as in `PaymentUpdate` or `SagaRow`: {found:#?}"
        );
    }
}

#[test]
fn a_problem_is_what_a_door_says() {
    let found = places(&files(&["rs"]), |file, line| {
        // A schema of the API is named with its path.
        let mut words = line.split(|letter: char| !letter.is_alphanumeric() && !"_/".contains(letter));
        let is_named = words.any(|word| word == "Problem");
        let is_outside = !file.path.starts_with("api/") && !is_this(file);
        (is_named && is_outside).then(|| "what fails below the doors is an error, or a refusal".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// The name of the type that a line declares, if it declares one.
fn declared_type(line: &str) -> Option<&str> {
    let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.find(|word| ["struct", "enum", "type", "trait"].contains(word))?;
    words.next()
}

/// These lists name what they forbid, and the glossary says what others call our things.
fn is_this(file: &File) -> bool {
    file.path.ends_with("tidy/words.rs") || file.path == "docs/glossary.md"
}
