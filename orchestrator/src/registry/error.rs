//! What two workflows, or two steps, may not have in common.

/// Why a node can't start: its workflows contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two step types have one name in journals.
    #[error("two different steps are named `{name}`: `{one}` and `{other}`; rename one of them")]
    StepNamedTwice {
        /// The name.
        name: &'static str,
        /// One of the types.
        one: &'static str,
        /// The other type.
        other: &'static str,
    },
    /// Two workflows have one name and version.
    #[error("workflow `{name}` version {version} is registered twice; raise the version of the newer one")]
    WorkflowNamedTwice {
        /// The name.
        name: &'static str,
        /// The version.
        version: u32,
    },
}
