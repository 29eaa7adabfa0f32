//! `--by` and `--reason`: who acts and why, within the bounds that all doors have in common.

use operator::By;
use service::operators::{self, Invalid};

/// Who acts and why.
pub fn by(actor: &str, reason: &str) -> Result<By, Invalid> {
    operators::by(actor, reason).map_err(as_flag)
}

/// The same for a preview, which needs no reason.
pub fn by_for_preview(actor: &str, reason: &str) -> Result<By, Invalid> {
    operators::by_for_preview(actor, reason).map_err(as_flag)
}

/// Names the flag in place of the field.
fn as_flag(invalid: Invalid) -> Invalid {
    let field = if invalid.field == "actor" { "--by" } else { "--reason" };
    Invalid { field, ..invalid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_as_it_is_typed() {
        let said = |actor, reason| by(actor, reason).unwrap_err().to_string();
        assert_eq!(said(" ", "why not"), "`--by` is missing: say who you are");
        assert!(said("ada", "").starts_with("`--reason` is missing"));
    }
}
