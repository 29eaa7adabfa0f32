//! Rust's text as words and marks, without comments, strings, characters and lifetimes: as much of the language as it takes
//! to read who names whom.

use std::str::Chars;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

impl Token {
    pub fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Path | Self::Mark(_) => None,
        }
    }
}

pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(next) = rest.clone().next() {
        let text = rest.as_str();
        if text.starts_with("//") {
            skip(&mut rest, text.find('\n').unwrap_or(text.len()));
        } else if text.starts_with("/*") {
            skip(&mut rest, text.find("*/").map_or(text.len(), |end| end + 2));
        } else if let Some(length) = literal(text) {
            skip(&mut rest, length);
        } else if is_letter(next) {
            let length = text.find(|letter| !is_letter(letter)).unwrap_or(text.len());
            tokens.push(Token::Word(text[..length].to_owned()));
            skip(&mut rest, length);
        } else if text.starts_with("::") {
            tokens.push(Token::Path);
            skip(&mut rest, 2);
        } else {
            rest.next();
            tokens.extend((!next.is_whitespace()).then_some(Token::Mark(next)));
        }
    }
    tokens
}

/// The length of the string, character or lifetime at the beginning of a text. Where there is none, a raw name's `r#`
/// counts as one.
pub fn literal(text: &str) -> Option<usize> {
    let bare = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - bare.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = bare.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &raw[hashes + 1..];
            return Some(text.len() - body.len() + body.find(&end)? + end.len());
        }
        return (prefix == 0 && hashes == 1).then_some(2);
    }
    match bare.chars().next()? {
        '"' => quoted(bare, '"').map(|length| prefix + length),
        '\'' => {
            let mut letters = bare.chars().skip(1);
            let (first, second) = (letters.next()?, letters.next());
            let is_character = first == '\\' || second == Some('\'');
            if is_character { quoted(bare, '\'') } else { Some(1 + words_length(&bare[1..])) }
                .map(|length| prefix + length)
        }
        _ => None,
    }
}

/// The length of what begins and ends with this mark, in which `\` hides the next letter.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let mut is_hidden = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_hidden => is_hidden = false,
            '\\' => is_hidden = true,
            letter if letter == mark => return Some(at + mark.len_utf8()),
            _ => {}
        }
    }
    None
}

fn words_length(text: &str) -> usize {
    text.find(|letter| !is_letter(letter)).unwrap_or(text.len())
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn skip(rest: &mut Chars<'_>, bytes: usize) {
    *rest = rest.as_str()[bytes..].chars();
}

/// Leaves out each item behind `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(end) = attribute(tokens, at) {
            if is_for_tests(&tokens[at..end]) {
                at = item_end(tokens, end);
            } else {
                kept.extend_from_slice(&tokens[at..end]);
                at = end;
            }
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the attribute that begins here ends.
fn attribute(tokens: &[Token], at: usize) -> Option<usize> {
    let begins = tokens[at] == Token::Mark('#') && tokens.get(at + 1) == Some(&Token::Mark('['));
    begins.then(|| group_end(tokens, at + 1))
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().filter_map(Token::word).collect();
    words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not")
}

/// After the `;` or the braces that end an item.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Mark(';') => return at + 1,
            Token::Mark('{') => return group_end(tokens, at),
            Token::Mark('(' | '[') => at = group_end(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// After the bracket that closes the one here.
fn group_end(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}
