//! Whether the code asks for the step that the journal has, with the same name and input.
//!
//! Code that asks for something else would send it under the recorded key, and undo what it never did. Texts are
//! compared first, while the code's text is written: mostly they are equal, and nothing is stored. If they differ, both
//! are read as the step's type and written again. So a field with a default agrees with a journal that lacks it, a removed
//! field agrees with a journal that has it, and maps agree in any order.

use crate::{journal::difference, record::Json};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::io;

/// The difference between the recorded input and the code's; `None` if they mean the same.
pub(super) fn input_difference<S: Serialize + DeserializeOwned>(
    recorded: &Json,
    asked: &S,
) -> Option<String> {
    if is_written_as(asked, recorded.get()) {
        return None;
    }
    let asked = match serde_json::to_string(asked) {
        Ok(asked) => asked,
        Err(error) => return Some(format!("the code's can't be written as JSON: {error}")),
    };
    // Both are rewritten or neither: a number that is read and written again may end in another digit.
    let same_way = reread::<S>(recorded.get()).zip(reread::<S>(&asked));
    let (journal, code) = same_way.or_else(|| parsed(recorded.get()).zip(parsed(&asked)))?;
    difference(&journal, &code)
}

fn reread<S: Serialize + DeserializeOwned>(text: &str) -> Option<Value> {
    let step: S = serde_json::from_str(text).ok()?;
    parsed(&serde_json::to_string(&step).ok()?)
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn is_written_as(value: &impl Serialize, text: &str) -> bool {
    let mut rest = Rest(text.as_bytes());
    serde_json::to_writer(&mut rest, value).is_ok() && rest.0.is_empty()
}

/// Compares a value's text while it is written. It refuses the first piece that differs.
struct Rest<'a>(&'a [u8]);

impl io::Write for Rest<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(piece).ok_or(io::ErrorKind::InvalidData)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
