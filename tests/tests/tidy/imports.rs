//! What a file says of names: what its modules define, which names they take from elsewhere, and which paths they write.
//!
//! This is no compiler: it knows modules, `use` and paths. It doesn't see methods, which are called without a path.
//! What only tests see is left out.

use super::tokens::{Token, tokens, without_tests};
use std::collections::{BTreeMap, BTreeSet};

/// One module of a file: the file itself, or one within it.
#[derive(Default)]
pub struct Module {
    /// The modules that it declares, with a file of their own or within this one.
    pub children: BTreeSet<String>,
    pub items: BTreeSet<String>,
    /// What it takes from elsewhere: the name here and the path.
    pub uses: Vec<Use>,
    /// Paths of two names and more outside of `use`.
    pub paths: BTreeSet<Vec<String>>,
    /// All words outside of `use`.
    pub words: BTreeSet<String>,
}

pub struct Use {
    pub path: Vec<String>,
    /// `*` for all names, `_` for a trait whose methods are called.
    pub name: String,
    /// Others may take it from here.
    pub is_public: bool,
}

/// The modules of a file by their paths within it; the file's own is empty.
pub fn read(text: &str) -> BTreeMap<Vec<String>, Module> {
    let tokens = without_tests(&tokens(text));
    let mut modules = BTreeMap::from([(vec![], Module::default())]);
    // The module we are in, and how deep its braces are.
    let (mut path, mut depths, mut depth) = (Vec::new(), vec![0_usize], 0);
    let mut at = 0;
    while at < tokens.len() {
        let module = modules.entry(path.clone()).or_default();
        let next = tokens.get(at + 1).and_then(Token::word);
        match (&tokens[at], next) {
            (Token::Word(word), Some(name)) if word == "mod" => {
                module.children.insert(name.to_owned());
                if tokens.get(at + 2) == Some(&Token::Mark('{')) {
                    path.push(name.to_owned());
                    depth += 1;
                    depths.push(depth);
                    at += 2;
                } else {
                    at += 1;
                }
            }
            (Token::Word(word), _) if word == "use" && !is_bound(&tokens, at) => {
                let is_public = at > 0 && (tokens[at - 1].is("pub") || tokens[at - 1] == Token::Mark(')'));
                at = read_use(&tokens, at + 1, &mut vec![], is_public, &mut module.uses);
            }
            (Token::Word(word), next) => {
                if DEFINES.contains(&word.as_str()) && Some(&depth) == depths.last() {
                    let name =
                        if word == "macro_rules" { tokens.get(at + 2).and_then(Token::word) } else { next };
                    module.items.extend(name.filter(|name| !DEFINES.contains(name)).map(str::to_owned));
                }
                let is_first = at == 0 || !matches!(tokens[at - 1], Token::Path | Token::Mark('.'));
                if is_first {
                    let written = written_path(&tokens, at);
                    module.words.insert(word.clone());
                    at += 2 * (written.len() - 1);
                    if written.len() > 1 {
                        module.paths.insert(written);
                    }
                }
            }
            (Token::Mark('{'), _) => depth += 1,
            (Token::Mark('}'), _) => {
                if depths.len() > 1 && depths.last() == Some(&depth) {
                    depths.pop();
                    path.pop();
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        at += 1;
    }
    modules
}

const DEFINES: &[&str] =
    &["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules", "unsafe", "async"];

/// `+ use<'a>`, which imports nothing.
fn is_bound(tokens: &[Token], at: usize) -> bool {
    tokens.get(at + 1) == Some(&Token::Mark('<'))
}

/// The words from here on that `::` joins.
fn written_path(tokens: &[Token], mut at: usize) -> Vec<String> {
    let mut path: Vec<String> = tokens[at].word().map(str::to_owned).into_iter().collect();
    while let (Some(Token::Path), Some(Token::Word(word))) = (tokens.get(at + 1), tokens.get(at + 2)) {
        path.push(word.clone());
        at += 2;
    }
    path
}

/// Reads one tree of a `use`, up to the `,`, `}` or `;` after it, and gives its place.
fn read_use(
    tokens: &[Token],
    mut at: usize,
    path: &mut Vec<String>,
    is_public: bool,
    uses: &mut Vec<Use>,
) -> usize {
    let length = path.len();
    let mut name = None;
    // Nothing follows a last comma, and each tree in the braces is read by itself.
    let mut is_one = false;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Mark('{') => {
                while !matches!(tokens.get(at), None | Some(Token::Mark('}'))) {
                    at = read_use(tokens, at + 1, path, is_public, uses);
                }
                is_one = false;
            }
            Token::Mark('*') => {
                name = Some("*".to_owned());
                is_one = true;
            }
            Token::Mark(',' | '}' | ';') => break,
            Token::Word(word) if word == "as" => {
                name = tokens.get(at + 1).and_then(Token::word).map(str::to_owned);
                at += 1;
            }
            Token::Word(word) => {
                if word != "self" || path.is_empty() {
                    path.push(word.clone());
                }
                is_one = true;
            }
            Token::Path | Token::Mark(_) => {}
        }
        at += 1;
    }
    if is_one && let Some(last) = path.last() {
        let name = name.unwrap_or_else(|| last.clone());
        uses.push(Use { path: path.clone(), name, is_public });
    }
    path.truncate(length);
    at
}

#[test]
fn what_a_file_says_of_names_is_read_and_nothing_of_its_tests() {
    let read = read(
        r##"
        //! use never::seen;
        pub(crate) use deep::Thing as Other;
        use crate::{a, b::{self, c::{D, E as F}}, g::*,};
        mod deep { mod deeper { use super::Thing; } pub struct Thing<'a>(&'a str, char); }
        #[cfg(test)]
        #[path = "x_tests.rs"]
        mod tests;
        fn f() -> impl Fn() + use<> { call(b"no::path", '\'', r#"use no::path;"#); a::h::Kind::<u8>::new().x::<y::Z>() }
        #[cfg(test)]
        mod more { use crate::tested; }
        #[cfg(not(test))]
        const KEPT: u8 = self::i::J;
        "##,
    );
    let own = &read[&vec![]];
    let uses: Vec<(String, &str)> =
        own.uses.iter().map(|one| (one.path.join("::"), one.name.as_str())).collect();
    let expected = [
        ("deep::Thing", "Other"),
        ("crate::a", "a"),
        ("crate::b", "b"),
        ("crate::b::c::D", "D"),
        ("crate::b::c::E", "F"),
        ("crate::g", "*"),
    ];
    assert_eq!(uses, expected.map(|(path, name)| (path.to_owned(), name)));
    assert_eq!(
        own.uses.iter().map(|one| one.is_public).collect::<Vec<_>>(),
        [true, false, false, false, false, false]
    );
    assert_eq!(own.children, BTreeSet::from(["deep".to_owned()]));
    assert_eq!(own.items, BTreeSet::from(["f", "KEPT"].map(str::to_owned)));
    let paths: Vec<String> = own.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["a::h::Kind", "self::i::J", "y::Z"]);
    assert_eq!(read[&vec!["deep".to_owned(), "deeper".to_owned()]].uses[0].path, ["super", "Thing"]);
    assert_eq!(read[&vec!["deep".to_owned()]].items, BTreeSet::from(["Thing".to_owned()]));
}
