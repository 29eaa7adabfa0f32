//! Whether two names belong to one person.

/// Compares two names as people type them: `Ada ` is `ada`.
pub(crate) fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
