//! House rules that a program can check: which way crates point, how long files are, which words we use.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

/// `api → workflows → steps → orchestrator`, never back; tests and bench may use all of them.
const ARROWS: [(&str, &[&str]); 6] = [
    ("orchestrator", &[]),
    ("steps", &["orchestrator"]),
    ("workflows", &["orchestrator", "steps"]),
    ("api", &["orchestrator", "steps", "workflows"]),
    ("tests", &["orchestrator", "steps", "workflows", "api"]),
    ("bench", &["orchestrator", "steps", "workflows", "api"]),
];

/// Beyond this nobody reads a file in one go.
const LINES_MAX: usize = 500;

/// Words that mean the same as one of ours and would split the vocabulary.
const SYNONYMS: [(&str, &str); 7] = [
    ("rollback_step", "compensation"),
    ("undo_log", "journal"),
    ("event_log", "journal"),
    ("dead_letter", "stuck"),
    ("workflow_instance", "saga"),
    ("saga_instance", "saga"),
    ("fencing_token", "epoch"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files that git tracks, or would.
fn files(ending: &str) -> Vec<(PathBuf, String)> {
    let git = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(git).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "listing files: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let read = |name: &str| Some((PathBuf::from(name), std::fs::read_to_string(root().join(name)).ok()?));
    let files: Vec<_> = names.lines().filter(|name| name.ends_with(ending)).filter_map(read).collect();
    assert!(!files.is_empty(), "no `{ending}` file is found");
    files
}

#[test]
fn crates_point_one_way() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let names = |list: &serde_json::Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let ours = names(&metadata["packages"]);
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    assert_eq!(ours, allowed.keys().map(|name| (*name).to_owned()).collect(), "a crate has no arrows yet");
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        for used in names(&package["dependencies"]).intersection(&ours) {
            assert!(allowed[name].contains(&used.as_str()), "`{name}` must not use `{used}`");
        }
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for ending in [".rs", ".sql", ".lua", ".sh"] {
        for (name, text) in files(ending) {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines; split it below {LINES_MAX}", name.display());
        }
    }
}

#[test]
fn the_engine_knows_nothing_of_tickets() {
    for (name, text) in files(".rs") {
        if name.starts_with("orchestrator/src") {
            for word in ["seat", "Seat", "reservation", "Reservation", "ticket_"] {
                assert!(!text.contains(word), "{} says `{word}`", name.display());
            }
        }
    }
}

#[test]
fn one_thing_has_one_word() {
    for (name, text) in files(".rs").into_iter().chain(files(".sql")) {
        if name.starts_with("tests/tests/tidy") {
            continue;
        }
        for (synonym, word) in SYNONYMS {
            assert!(!text.contains(synonym), "{} says `{synonym}`; we say {word}", name.display());
        }
    }
}

#[test]
fn no_test_sleeps_or_is_ignored() {
    let (sleep, ignore) = (concat!("thread::", "sleep("), concat!("#[", "ignore"));
    for (name, text) in files(".rs") {
        if name.starts_with("tests") || name.to_string_lossy().contains("tests/") {
            assert!(!text.contains(ignore), "{} ignores a test", name.display());
            assert!(!text.contains(sleep), "{} sleeps; wait for a condition", name.display());
        }
    }
}

#[test]
fn every_migration_names_the_bucket_in_its_keys() {
    for (name, text) in files(".sql") {
        if !name.starts_with("migrations") {
            continue;
        }
        for line in text.lines().map(str::trim) {
            let key = ["primary key (", "unique (", "foreign key ("].iter().any(|key| line.contains(key));
            assert!(!key || line.contains("bucket"), "{}: `{line}` lacks `bucket`", name.display());
        }
        for index in text.split("create unique index").skip(1) {
            let index = index.split(';').next().unwrap();
            assert!(index.contains("bucket"), "{}: `{index}` lacks `bucket`", name.display());
        }
    }
}
