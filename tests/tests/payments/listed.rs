//! Compares the list in `cases.md` with the tests that there are.

use std::{collections::BTreeSet, fs, path::Path};

const CASES: &str = include_str!("cases.md");

/// Names of all tests of a test binary, read from its sources.
fn tests_of(binary: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(binary);
    let mut names = BTreeSet::new();
    for file in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line.starts_with("#[tokio::test") || line == "#[test]";
            if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) {
                if is_test {
                    names.insert(rest.split('(').next().unwrap().to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

/// Each row of a table: its case, and the tests named in backticks.
fn rows() -> Vec<(String, Vec<String>)> {
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = CASES.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let rows = rows.map(cells).filter(|cells| cells[1] != "test");
    rows.map(|cells| (cells[0].clone(), cells[1].split('`').skip(1).step_by(2).map(str::to_owned).collect()))
        .collect()
}

#[test]
fn every_case_of_money_names_tests_that_exist() {
    let rows = rows();
    assert!(rows.len() >= 45, "only {} cases are listed", rows.len());
    for (case, named) in rows {
        assert!(!named.is_empty(), "nobody tests `{case}`");
        for name in named {
            let (binary, name) = name.split_once(": ").unwrap_or(("payments", &name));
            assert!(tests_of(binary).contains(name), "`{case}` names `{name}`, and there is no such test");
        }
    }
}

#[test]
fn every_test_of_this_folder_is_somebodys_case() {
    // Tests of the reconciliation have classes of difference, and no rows in `cases.md`.
    let reconciliation =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payments/reconcile.rs"));
    let reconciliation = reconciliation.unwrap();
    let named: BTreeSet<String> = rows().into_iter().flat_map(|(_, named)| named).collect();
    let own = ["a_payment_that_goes_well_is_captured_once"];
    for test in tests_of("payments") {
        let elsewhere = reconciliation.contains(&format!("fn {test}(")) || own.contains(&test.as_str());
        let listed = named.contains(&test) || elsewhere || test.starts_with("every_");
        assert!(listed, "`{test}` is not in cases.md");
    }
}
