//! How commands print: tables for people, JSON and ids for machines.
//!
//! Colour only where people look (a terminal, unless `NO_COLOR` or `--color` says otherwise), and never alone: what a
//! colour says stands in words beside it. What others wrote, such as a name or a gateway's error, is cleaned before it
//! reaches a terminal, which would take control characters for commands.

mod colour;
mod watch;
mod words;

pub use colour::{Tone, When, paint, set_colour};
pub use watch::{Frame, Item, watch};
pub use words::{age, count, money, stakes, time, word};

use comfy_table::{Cell, ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// A table with these columns, as wide as the terminal.
pub fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if colour::on() {
        table.enforce_styling();
    }
    table.set_header(columns.iter().copied());
    table
}

/// A cell in this tone whose text others may have written, so it is cleaned.
pub fn cell(text: impl AsRef<str>, tone: Tone) -> Cell {
    colour::styled(Cell::new(clean(text.as_ref())), tone)
}

/// Prints a line; a closed pipe (`usher saga list | head`) is no error.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints JSON.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Whether output goes to a terminal.
pub fn on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The first `most` characters of a text, with `…` if some are missing.
pub fn short(text: &str, most: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The text without what a terminal would obey: control characters, and those that turn the direction of writing.
pub fn clean(text: &str) -> String {
    let turns = |letter| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|letter| if letter.is_control() || turns(letter) { '\u{fffd}' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_commands_no_terminal() {
        assert_eq!(clean("Ada \u{1b}[2J\u{9b}31m\r\nEve"), "Ada \u{fffd}[2J\u{fffd}31m\u{fffd}\u{fffd}Eve");
        assert_eq!(clean("\u{202e}txt.exe\u{2066}"), "\u{fffd}txt.exe\u{fffd}");
        assert_eq!(clean("Zoë · 5×, 座席"), "Zoë · 5×, 座席");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
