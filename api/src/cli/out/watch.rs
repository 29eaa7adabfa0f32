//! `--watch`: shows something again and again, until it is over or somebody presses Ctrl-C.
//!
//! On a terminal it draws over the screen, without flicker. Anywhere else, such as in a pipe or a file, only what is new
//! is appended, a line each.

use super::{on_terminal, time};
use crate::cli::signals;
use chrono::Utc;
use crossterm::{
    cursor::{Hide, MoveTo, Show},
    queue,
    style::Print,
    terminal::{Clear, ClearType, size},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

/// How long one frame stays on the screen. A frame costs one short statement.
const EVERY: Duration = Duration::from_secs(1);

/// What is shown at one moment.
pub struct Frame {
    /// The whole screen, for a terminal.
    pub screen: String,
    /// Each thing by its key, for a pipe.
    pub items: Vec<Item>,
    /// Whether nothing more will change.
    pub over: bool,
}

/// One thing that is watched.
pub struct Item {
    /// The key that tells this thing from the others.
    pub key: String,
    /// The part whose change counts as news. Times that only go by don't.
    pub version: String,
    /// The line that is printed for it.
    pub line: String,
}

/// Shows frames until one is the last, or Ctrl-C is pressed. Leaves the terminal as it was.
pub async fn watch(mut look: impl AsyncFnMut() -> anyhow::Result<Frame>) -> anyhow::Result<()> {
    let leaving = signals::leaving()?;
    let _cursor = on_terminal().then(Hidden::hide);
    let mut known = BTreeMap::new();
    loop {
        let Some(frame) = leaving.run_until_cancelled(look()).await else { return Ok(()) };
        let frame = frame?;
        let drawn = if on_terminal() { draw(&frame.screen) } else { append(&frame.items, &mut known) };
        // The reader of the pipe has left (`usher saga list --watch | head`).
        if drawn.is_err() || frame.over {
            return Ok(());
        }
        if leaving.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return Ok(());
        }
    }
}

/// Draws over the last frame: clears the rest of each line, then what is left below. Lines that don't fit are cut.
fn draw(screen: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let rows = size().map_or(24, |(_, rows)| rows).saturating_sub(1);
    queue!(out, MoveTo(0, 0))?;
    for line in screen.lines().take(rows.into()) {
        queue!(out, Print(line), Clear(ClearType::UntilNewLine), Print("\r\n"))?;
    }
    queue!(out, Clear(ClearType::FromCursorDown))?;
    out.flush()
}

/// Prints what is new, and what is gone.
fn append(items: &[Item], known: &mut BTreeMap<String, String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let now = time(Utc::now());
    let mut seen = BTreeMap::new();
    for Item { key, version, line } in items {
        if known.get(key) != Some(version) {
            writeln!(out, "{now} {line}")?;
        }
        seen.insert(key.clone(), version.clone());
    }
    for gone in known.keys().filter(|key| !seen.contains_key(*key)) {
        writeln!(out, "{now} {gone} is no longer in the list")?;
    }
    *known = seen;
    out.flush()
}

/// Shows the cursor again, however the watch ends.
struct Hidden;

impl Hidden {
    fn hide() -> Self {
        let mut out = io::stdout().lock();
        let _ = queue!(out, Hide, Clear(ClearType::All)).and_then(|()| out.flush());
        Self
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let mut out = io::stdout().lock();
        let _ = queue!(out, Show).and_then(|()| out.flush());
    }
}
