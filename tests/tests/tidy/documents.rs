//! Documents: lines that a person can read in a terminal, and links that lead somewhere.

use super::source::{File, files, root};
use std::collections::BTreeSet;

/// Columns of a line. Tables and code may have more.
const COLUMNS_MAX: usize = 100;

/// Written by a program, as it was printed.
const TRANSCRIPTS: &[&str] = &["docs/repairs.md"];

#[test]
fn lines_of_documents_fit_into_a_terminal() {
    let mut too_long = Vec::new();
    for file in files(&["md"]).iter().filter(|file| !TRANSCRIPTS.contains(&file.path.as_str())) {
        for (number, line) in prose(file) {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX && !is_one_word(line) {
                too_long.push(format!("{}:{number} has {columns} columns", file.path));
            }
        }
    }
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn architecture_can_be_read_in_a_day() {
    const LINES_MAX: usize = 450;
    let lines = files(&["md"])
        .iter()
        .find(|file| file.path == "ARCHITECTURE.md")
        .map(|file| file.text.lines().count());
    assert!(
        lines.is_some_and(|lines| lines < LINES_MAX),
        "ARCHITECTURE.md has {lines:?} lines: move detail to docs/"
    );
}

#[test]
fn links_between_documents_lead_somewhere() {
    let documents = files(&["md"]);
    let mut broken = Vec::new();
    for file in &documents {
        for (number, line) in prose(file).chain(tables(file)) {
            for target in targets(line).filter(|target| !leads_somewhere(&documents, file, target)) {
                broken.push(format!("{}:{number}: `{target}`", file.path));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The numbered lines outside code and tables.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    outside_code(file).filter(|(_, line)| !is_table(line))
}

fn tables(file: &File) -> impl Iterator<Item = (usize, &str)> {
    outside_code(file).filter(|(_, line)| is_table(line))
}

fn outside_code(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    file.text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_fence && !is_code).then_some((index + 1, line))
    })
}

fn is_table(line: &str) -> bool {
    line.trim_start().starts_with('|')
}

/// Whether the line is one word, such as a link, that can't be broken.
fn is_one_word(line: &str) -> bool {
    !line.trim().trim_start_matches("- ").contains(' ')
}

/// The targets of links: what is in the parentheses of `](…)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
}

fn leads_somewhere(documents: &[File], from: &File, target: &str) -> bool {
    if target.contains("://") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = from.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if path.is_empty() { from.path.clone() } else { joined(folder, path) };
    if anchor.is_empty() {
        return root().join(&path).exists();
    }
    documents.iter().find(|file| file.path == path).is_some_and(|file| anchors(file).contains(anchor))
}

/// A path relative to a folder, from the workspace's root.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(file: &File) -> BTreeSet<String> {
    let headings = outside_code(file)
        .filter_map(|(_, line)| Some(line.trim_start_matches('#')).filter(|title| title.len() < line.len()));
    let anchor = |title: &str| -> String {
        let kept = title.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
    };
    headings.map(anchor).collect()
}
