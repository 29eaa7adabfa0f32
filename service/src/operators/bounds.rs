//! The actor and the reason of an action, within bounds that are the same at all doors.

use super::Invalid;
use operator::By;

/// The longest reason, in characters: a long paragraph. People read it in tables of the audit.
pub const REASON_CHARS_MAX: usize = 2_000;
/// The longest name of an actor, in characters: an e-mail address has at most 254.
pub const ACTOR_CHARS_MAX: usize = 254;
/// The largest output that is set by hand, in bytes of its JSON. With its escapes and the reason it fits a request's body
/// of 64 KiB.
pub const OUTPUT_BYTES_MAX: usize = 32 * 1024;

/// The message if the reason is missing.
pub const REASON_MISSING: &str = "is missing: say why you do this; it is kept in the audit";

/// Who acts and why.
///
/// # Errors
/// One of them is blank or too long.
pub fn by(actor: &str, reason: &str) -> Result<By, Invalid> {
    let actor = bounded("actor", "is missing: say who you are", actor, ACTOR_CHARS_MAX)?;
    Ok(By { actor, reason: self::reason(reason)? })
}

/// The actor of a preview. The plan doesn't depend on the reason, so a preview needs none.
///
/// # Errors
/// The actor is blank, or one of them is too long.
pub fn by_for_preview(actor: &str, reason: &str) -> Result<By, Invalid> {
    by(actor, if reason.trim().is_empty() { "a preview" } else { reason })
}

/// Checks a reason.
///
/// # Errors
/// It is blank or too long.
pub fn reason(text: &str) -> Result<String, Invalid> {
    bounded("reason", REASON_MISSING, text, REASON_CHARS_MAX)
}

/// Trims a text and checks its length.
fn bounded(field: &'static str, missing: &str, text: &str, chars_max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Invalid::new(field, missing)),
        count if count > chars_max => {
            Err(Invalid::new(field, format!("must have at most {chars_max} characters, and has {count}")))
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_and_an_actor_are_there_and_within_their_bounds() {
        let field = |actor: &str, reason: &str| by(actor, reason).err().map(|invalid| invalid.field);
        let (longest, too_long) = ("ü".repeat(REASON_CHARS_MAX), "ü".repeat(REASON_CHARS_MAX + 1));
        assert_eq!(field("ada", &longest), None);
        assert_eq!(field("ada", &too_long), Some("reason"));
        assert_eq!(field("ada", " \n"), Some("reason"));
        assert_eq!(field(" ", "why not"), Some("actor"));
        assert_eq!(field(&"a".repeat(ACTOR_CHARS_MAX + 1), "why not"), Some("actor"));
        assert_eq!(by("ada ", " why not\n").unwrap().reason, "why not");
        assert_eq!(by_for_preview("ada", "").unwrap().reason, "a preview");
        assert!(by_for_preview("ada", &too_long).is_err());
    }
}
