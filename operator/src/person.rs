//! Whether two names are one person's.

/// Names are what people type: `Ada ` is `ada`.
pub(crate) fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
