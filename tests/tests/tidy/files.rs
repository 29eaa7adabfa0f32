//! Files: each is short, and its first line says what it is for.

use super::source::files;

/// No file of code is longer.
const LINES_MAX: usize = 500;
/// From here on a file is reported: it should be split before it must be.
const LINES_REPORTED: usize = 300;

#[test]
fn no_file_of_code_is_longer_than_five_hundred_lines() {
    let mut too_long = Vec::new();
    for file in files(&["rs", "sql", "lua", "js", "sh"]) {
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            too_long.push(format!("{} has {lines} lines", file.path));
        } else if lines > LINES_REPORTED {
            println!("{} has {lines} lines; split it well before {LINES_MAX}", file.path);
        }
    }
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let said = |text: &str| text.starts_with("//!") || text.starts_with("#!");
    let silent: Vec<String> = files(&["rs"])
        .into_iter()
        // A module of tests is named after what it tests, and its build script does what build scripts do.
        .filter(|file| !file.path.ends_with("tests.rs") && !file.path.ends_with("build.rs"))
        .filter(|file| !said(&file.text))
        .map(|file| file.path)
        .collect();
    assert!(silent.is_empty(), "begin with `//!` and what it is for: {silent:#?}");
}
