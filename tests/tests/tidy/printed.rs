//! What a file of Rust prints: the names in its format strings and the plain arguments beside them.

use super::tokens::{Token, literal, tokens};

/// Macros whose text people may read, and the attribute that gives an error its text.
const PRINTING: &[&str] = &[
    "anyhow!",
    "bail!",
    "debug!",
    "ensure!",
    "eprint!",
    "eprintln!",
    "error!",
    "format!",
    "format_args!",
    "info!",
    "panic!",
    "print!",
    "println!",
    "trace!",
    "warn!",
    "write!",
    "writeln!",
    "#[error",
];

/// Calls that hand on what they are called on.
const SAME: &[&str] = &["as_str", "clone", "to_owned", "to_string", "unwrap_or_default"];

/// One text that is printed.
pub struct Printed {
    /// The line of the file, from 1.
    pub line: usize,
    /// Its strings, as they stand in the file.
    pub strings: String,
    /// The last part of each path that it prints: `minor` for `{minor}`, and `ours_minor` for `case.ours_minor`.
    pub names: Vec<String>,
}

/// Everything that this text prints, up to its tests.
pub fn printed(text: &str) -> Vec<Printed> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let calls = PRINTING.iter().flat_map(|name| {
        let is_whole =
            |at: usize| !text[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        let opens = |at: usize| text[at + name.len()..].starts_with('(').then_some(at + name.len());
        text.match_indices(name).filter(move |(at, _)| is_whole(*at)).filter_map(move |(at, _)| opens(at))
    });
    let mut found: Vec<Printed> = calls.map(|open| call(text, open)).collect();
    found.sort_by_key(|printed| printed.line);
    found
}

fn call(text: &str, open: usize) -> Printed {
    let (inside, strings) = group(&text[open..]);
    let mut names: Vec<String> = strings.iter().flat_map(|string| placeholders(string)).collect();
    let tokens = tokens(inside);
    names.extend(arguments(&tokens).into_iter().filter_map(name));
    Printed { line: text[..open].matches('\n').count() + 1, strings: strings.concat(), names }
}

/// What is inside the brackets that begin here, and its strings.
fn group(text: &str) -> (&str, Vec<&str>) {
    let (mut at, mut depth, mut strings) = (0, 0_usize, Vec::new());
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = literal(rest) {
            strings.extend(rest[..length].contains('"').then_some(&rest[..length]));
            length
        } else {
            match letter {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            letter.len_utf8()
        };
        at += length;
        if depth == 0 {
            break;
        }
    }
    (text[..at].get(1..at.saturating_sub(1)).unwrap_or_default(), strings)
}

/// The names in braces: `{minor}`, `{minor:>8}`. Doubled braces are braces.
fn placeholders(string: &str) -> Vec<String> {
    let bare = string.replace("{{", "").replace("}}", "");
    let names = bare.split('{').skip(1).filter_map(|part| part.split(['}', ':']).next());
    names.map(str::to_owned).collect()
}

/// What stands between the commas that are in no brackets.
fn arguments(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let is_end = |token: &Token| {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *token == Token::Mark(',')
    };
    tokens.split(is_end).collect()
}

/// The last part of a path; `None` of anything else, such as a call.
fn name(argument: &[Token]) -> Option<String> {
    let mut path = argument;
    while let [rest @ .., Token::Mark('.'), Token::Word(call), Token::Mark('('), Token::Mark(')')] = path
        && SAME.contains(&call.as_str())
    {
        path = rest;
    }
    let is_path =
        |token: &Token| matches!(token, Token::Word(_) | Token::Mark('.' | '&' | '*' | '=' | '%' | '?'));
    path.iter().all(is_path).then(|| path.last()?.word().map(str::to_owned)).flatten()
}
