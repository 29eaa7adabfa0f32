//! The list of troubles: how each shows, and what repairs it.

use serde::Serialize;

/// One way not to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Its name: that of the stuck cause, if the saga is stuck.
    pub kind: &'static str,
    /// A part of what its line says.
    pub says: &'static str,
    /// The command that repairs it, once the fault is mended; none if it recovers by itself.
    pub repair: Option<&'static str>,
    /// How it ends then.
    pub ends: Ends,
}

/// A good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ends {
    Completed,
    Unwound,
}

const RETRY: Option<&str> = Some("retry-now --reason 'the code is mended'");
const BANK: Option<&str> = Some("retry-now --reason 'the bank is back'");
const CANCEL: Option<&str> = Some("cancel --reason 'the customer called'");

const fn trouble(
    kind: &'static str,
    says: &'static str,
    repair: Option<&'static str>,
    ends: Ends,
) -> Trouble {
    Trouble { kind, says, repair, ends }
}

/// All of them: stuck sagas first, in the order of the engine's causes, then those that wait for something.
pub(super) const ALL: [Trouble; 19] = [
    trouble("diverged", "journal does not match", RETRY, Ends::Completed),
    trouble("panicked", "panicked", RETRY, Ends::Completed),
    trouble("oversize", "too large", RETRY, Ends::Completed),
    trouble("foreign_wait", "will never wake it", RETRY, Ends::Completed),
    trouble("abandoned", "without the answer", RETRY, Ends::Completed),
    trouble("debt", "compensation", BANK, Ends::Unwound),
    trouble("failed_after_pivot", "after the pivot", BANK, Ends::Completed),
    trouble(
        "refused_after_pivot",
        "refused after the pivot",
        Some("mark-resolved '\"settled by phone\"' --reason 'the house paid'"),
        Ends::Completed,
    ),
    trouble(
        "contradicted",
        "contradicted",
        Some("compensate --reason 'nobody sells on a lie'"),
        Ends::Unwound,
    ),
    trouble("poll_too_long", "took longer than", RETRY, Ends::Completed),
    trouble("quarantined", "quarantined", RETRY, Ends::Completed),
    trouble("undecodable", "can't be read", RETRY, Ends::Completed),
    trouble("payment_order", "waiting for payment", CANCEL, Ends::Unwound),
    trouble("payment_news", "waiting for payment", CANCEL, Ends::Unwound),
    trouble("retrying", "retrying capture", BANK, Ends::Completed),
    trouble(
        "outcome_unknown",
        "outcome of trouble_send is unknown",
        Some("set-output '\"arrived, they say\"' --reason 'asked by phone'"),
        Ends::Completed,
    ),
    trouble("paused", "paused by", Some("resume --reason 'looked at'"), Ends::Completed),
    trouble("unknown_version", "version 3", None, Ends::Completed),
    trouble("call_out", "is out", None, Ends::Completed),
];
