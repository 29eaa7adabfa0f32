//! The workspace's own text files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file.
pub struct File {
    /// From the workspace's root, with `/`.
    pub path: String,
    pub text: String,
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a member of the workspace")
        .to_owned()
}

/// All files with these endings, outside what is built or hidden.
pub fn files(endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort_unstable();
    let wanted = |path: &PathBuf| {
        endings.iter().any(|ending| path.extension().is_some_and(|extension| extension == *ending))
    };
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let path = path.strip_prefix(root()).expect("it is below the root");
        File { path: path.to_string_lossy().replace('\\', "/"), text }
    };
    let files: Vec<File> = found.into_iter().filter(wanted).map(read).collect();
    assert!(files.len() > 5, "only {} files with {endings:?} were found", files.len());
    files
}

/// The places at which a check finds something: `path:line: what`.
pub fn places(files: &[File], find: impl Fn(&File, &str) -> Option<String>) -> Vec<String> {
    let mut places = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(what) = find(file, line) {
                places.push(format!("{}:{}: {what}", file.path, index + 1));
            }
        }
    }
    places
}

/// Whether a line has this word, as a word of its own, in small or capital letters.
pub fn has_word(line: &str, word: &str) -> bool {
    let line = line.to_lowercase();
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next())
    })
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name.starts_with("target") {
            continue;
        }
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}
