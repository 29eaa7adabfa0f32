//! What happened when: faults, nodes that came and went, and what a person would want to read first.

use chrono::Utc;
use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Notes in the order in which they were made.
pub(super) struct Timeline {
    began: Instant,
    notes: Mutex<Vec<(Duration, String)>>,
    /// Whether each note is printed as it is made.
    is_loud: bool,
}

impl Timeline {
    pub fn begin(is_loud: bool) -> Self {
        let timeline = Self { began: Instant::now(), notes: Mutex::default(), is_loud };
        // Logs and rows have the time of the day.
        timeline.note(format!("it is {}", Utc::now().format("%H:%M:%S%.3f")));
        timeline
    }

    /// When its time began.
    pub fn began(&self) -> Instant {
        self.began
    }

    pub fn note(&self, what: impl Into<String>) {
        let (at, what) = (self.began.elapsed(), what.into());
        if self.is_loud {
            super::say(&line(at, &what));
        }
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push((at, what));
    }

    /// All of it, a line a note.
    pub fn text(&self) -> String {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.iter().fold(String::new(), |mut text, (at, what)| {
            let _ = writeln!(text, "{}", line(*at, what));
            text
        })
    }
}

fn line(at: Duration, what: &str) -> String {
    format!("{:>8.3} s  {what}", at.as_secs_f64())
}
