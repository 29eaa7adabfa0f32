//! Which crate may know which: `api → service → workflows → steps → orchestrator`, and never back. The operators' desk is
//! beside the steps: it knows the engine alone, and the engine doesn't know it.

use super::source::root;
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

/// Each crate of the workspace, and those of ours that it may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("orchestrator", &[]),
    ("operator", &["orchestrator"]),
    ("steps", &["orchestrator"]),
    ("workflows", &["steps", "orchestrator"]),
    ("service", &["workflows", "steps", "operator", "orchestrator"]),
    ("dev", &["service", "steps", "orchestrator"]),
    ("api", &["dev", "service", "workflows", "steps", "operator", "orchestrator"]),
    ("tests", &["api", "dev", "service", "workflows", "steps", "operator", "orchestrator"]),
    ("bench", &["dev", "workflows", "steps", "orchestrator"]),
];

#[test]
fn no_arrow_between_crates_turns_round() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("cargo answers in JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let name = |value: &Value| value["name"].as_str().expect("a package has a name").to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let known: BTreeSet<String> = MAY_KNOW.iter().map(|(one, _)| (*one).to_owned()).collect();
    assert_eq!(ours, known, "a new crate: say here which others it may know");
    for package in packages {
        let one = name(package);
        let (_, may_know) = MAY_KNOW.iter().find(|(known, _)| *known == one).expect("it was just looked up");
        // Those for tests and for building count as well.
        for dependency in package["dependencies"].as_array().expect("there are dependencies") {
            let other = name(dependency);
            assert!(
                !ours.contains(&other) || may_know.contains(&other.as_str()),
                "`{one}` must not depend on `{other}`"
            );
        }
    }
}
