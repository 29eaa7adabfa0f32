//! Manners: tests that wait for conditions and skip nothing, SQL in its place, workflows that only decide.

use super::source::{File, files, places};

fn is_test(file: &File) -> bool {
    file.path.contains("/tests/") || file.path.ends_with("tests.rs") || file.path.starts_with("tests/src/")
}

/// The loops that wait: each asks for a condition, within a bound. Crates that the tests are built of have their own.
const WAITING: &[&str] =
    &["tests/src/support/wait.rs", "dev/src/servers/tests.rs", "dev/src/gateway/tests/world.rs"];

/// Faults that consist in time going by, and the plan that says when they come: none of them waits for an effect.
const TIMED: &[&str] = &[
    "tests/src/support/proxy/exchange.rs",
    "tests/src/support/proxy/postgres.rs",
    "tests/src/chaos/pace.rs",
    "tests/src/play/note.rs",
];

#[test]
fn tests_wait_for_conditions_and_never_for_time() {
    let found = places(&files(&["rs"]), |file, line| {
        let may = |list: &[&str]| list.contains(&file.path.as_str());
        let waits = may(WAITING) || may(TIMED) || file.path.starts_with("tests/tests/tidy/");
        if waits || !is_test(file) {
            return None;
        }
        // `1*sleep(700)` is what a failpoint does to a node, `saga.sleep_until(…)` what a workflow does.
        let others = ["*", "fn ", "saga."];
        let sleeps = ["sleep(", "sleep_until(", "pg_sleep("].iter().any(|call| {
            line.match_indices(call).any(|(at, _)| !others.iter().any(|other| line[..at].ends_with(other)))
        });
        sleeps.then(|| "wait for a condition, with `tests::support::wait_until`".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_test_is_skipped() {
    let found = places(&files(&["rs"]), |file, line| {
        let skipped =
            line.trim_start().starts_with("#[ignore") && !file.path.starts_with("tests/tests/tidy/");
        skipped.then(|| "a test that doesn't run proves nothing: mend it or delete it".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// Where each crate keeps its statements.
const HOMES_OF_SQL: &[(&str, &[&str])] = &[
    ("steps/src/", &["steps/src/store/", "steps/src/venue/", "steps/src/migrate.rs"]),
    ("workflows/src/", &[]),
    // The others begin and commit.
    (
        "operator/src/",
        &[
            "operator/src/store/",
            "operator/src/desk.rs",
            "operator/src/planner.rs",
            "operator/src/consent/",
            "operator/src/batch/",
        ],
    ),
    (
        "orchestrator/src/lane/",
        &[
            "orchestrator/src/lane/turn.rs",
            "orchestrator/src/lane/claim_alone.rs",
            "orchestrator/src/lane/recover.rs",
            "orchestrator/src/lane/alone.rs",
        ],
    ),
    ("orchestrator/src/machine/", &["orchestrator/src/machine/round.rs"]),
];

#[test]
fn statements_live_in_the_modules_of_their_tables() {
    let found = places(&files(&["rs"]), |file, line| {
        let (_, homes) = HOMES_OF_SQL.iter().find(|(part, _)| file.path.starts_with(part))?;
        let at_home = homes.iter().any(|home| file.path.starts_with(home));
        let asks = ["sqlx::query", "query!(", "query_as!(", "query_scalar!(", "query_file!(", "raw_sql("];
        (!at_home && asks.iter().any(|ask| line.contains(ask)))
            .then(|| format!("its place is one of {homes:?}"))
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// Where statements on the engine's tables may be: the engine, its desk, and what checks both from outside.
const HOMES_OF_ENGINE_SQL: &[&str] =
    &["orchestrator/", "operator/", "migrations/engine/", "service/src/verify/", "tests/", "bench/"];

#[test]
fn nobody_but_the_engine_and_its_desk_asks_the_engines_tables() {
    let found = places(&files(&["rs", "sql"]), |file, line| {
        let at_home = HOMES_OF_ENGINE_SQL.iter().any(|home| file.path.starts_with(home));
        if at_home || is_test(file) {
            return None;
        }
        let line = line.to_lowercase();
        let asks = line.match_indices("usher.").any(|(at, _)| {
            let before = &line[..at];
            let word = before.split_whitespace().next_back().unwrap_or_default();
            before.ends_with(' ') && ["from", "into", "update", "join", "table"].contains(&word)
        });
        asks.then(|| "ask the engine: `lookup`, `outbox`, `operator`".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_engine_begins_and_commits() {
    let found = places(&files(&["rs", "sql"]), |file, line| {
        let bare = line.trim().trim_matches(['"', ';', ',']).to_lowercase();
        let ends = ["begin", "commit", "rollback", "start transaction"].contains(&bare.as_str());
        let calls = [".begin(", ".commit(", "raw_sql(\"begin", "raw_sql(\"commit", "query(\"commit"];
        let inside = ["steps/src/", "workflows/src/"].iter().any(|part| file.path.starts_with(part));
        (inside && (ends || calls.iter().any(|call| line.contains(call))))
            .then(|| "whoever called has the transaction".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// The lint knows methods only; this is the same rule for statements.
#[test]
fn the_service_and_its_doors_own_a_transaction_in_one_way() {
    let found = places(&files(&["rs"]), |file, line| {
        let asks = ["raw_sql(\"begin", "query(\"begin", "raw_sql(\"start transaction", "raw_sql(\"commit"];
        let inside = ["service/src/", "api/src/", "dev/src/"].iter().any(|part| file.path.starts_with(part));
        (inside && asks.iter().any(|ask| line.contains(ask))).then(|| "use `service::transaction`".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn workflows_do_no_io_read_no_clock_and_draw_no_randomness() {
    const OUTSIDE: &[&str] =
        &["::now(", "rand::", "tokio::", "sqlx::", "reqwest", "redis", "std::fs", "std::net", "std::env"];
    let found = places(&files(&["rs"]), |file, line| {
        let outside = OUTSIDE.iter().find(|outside| line.contains(**outside))?;
        file.path.starts_with("workflows/src/").then(|| format!("`{outside}` is for steps"))
    });
    assert!(found.is_empty(), "{found:#?}");
}
