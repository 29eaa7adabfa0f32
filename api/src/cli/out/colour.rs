//! When output is coloured, and what the colours mean.

use clap::ValueEnum;
use comfy_table::{Attribute, Cell, Color};
use std::{
    io::IsTerminal,
    sync::atomic::{AtomicBool, Ordering},
};

/// When to colour what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a colour says. Words beside it always say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// No colour.
    Plain,
    /// Everything is in order.
    Good,
    /// Somebody should look at it.
    Warn,
    /// Somebody must look at it.
    Bad,
    /// Less important than the text around it.
    Dim,
    /// More important than the text around it.
    Strong,
}

static ON: AtomicBool = AtomicBool::new(false);

/// Decides for this process whether output is coloured.
pub fn set_colour(when: When) {
    let wanted = match when {
        When::Always => true,
        When::Never => false,
        // https://no-color.org: any value but the empty one.
        When::Auto => {
            std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    ON.store(wanted, Ordering::Relaxed);
    // `--color always` wins over `NO_COLOR`.
    crossterm::style::force_color_output(wanted);
}

/// Whether what is printed is coloured.
pub(super) fn on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// A table's cell in this tone.
pub(super) fn styled(cell: Cell, tone: Tone) -> Cell {
    if !on() {
        return cell;
    }
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Warn => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Tone::Dim => cell.add_attribute(Attribute::Dim),
        Tone::Strong => cell.add_attribute(Attribute::Bold),
    }
}

/// Text in this tone. The text must hold nothing that a terminal would obey.
pub fn paint(text: impl AsRef<str>, tone: Tone) -> String {
    let text = super::clean(text.as_ref());
    let code = match tone {
        Tone::Plain => return text,
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "1;31",
        Tone::Dim => "2",
        Tone::Strong => "1",
    };
    if on() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text }
}
