//! The rooms of each house by layers, from the lowest up, and which imports must never be. `rooms.rs` checks it.
//!
//! A room is a module with everything in it, and a house is a crate or a large room of one. A room knows only those of the
//! layers below its own.

pub const CRATES: &[&str] =
    &["orchestrator", "operator", "steps", "workflows", "service", "api", "dev", "tests", "bench"];

/// The rooms of each house by layers. Rooms that `+` joins are one thing, and may know each other.
pub const LAYERS: &[(&str, &[&str])] = &[
    (
        "orchestrator",
        &[
            "database_fault fault policy prelude schema settings signal texts time",
            "database id",
            // What is stored, above the code that stores it.
            "record",
            "error journal signs",
            "store",
            "outbox retention",
            // What people write.
            "medium",
            "step",
            // A workflow is a function over its saga; the registry has both without their types.
            "registry+saga+steps+workflow",
            "build_error machine",
            "lane",
            "hints lanes presence sweep",
            // A client gives handles, and a handle asks its client.
            "client+handle renewal",
            "engine tools",
            "testing",
        ],
    ),
    (
        "operator",
        &[
            "action filter keys limits person plan rows suggest why",
            "desk line listed preview record",
            "error store",
            "by",
            "audit retention seen",
            "list order",
            "batch consent",
            "planner",
        ],
    ),
    (
        "steps",
        &[
            "breaker ids migrate money status telemetry",
            "gateway seat_list stakes",
            "announce store",
            "cashier free locks tell_refund venue write_down",
            "capture confirm giving_back lock reserve services settle",
            "accept decide pay reclaim refund reopen unlock",
        ],
    ),
    ("workflows", &["booking cancellation late_payment refund_elsewhere repayment"]),
    (
        "service",
        &[
            "cases clock error migrations registered roles rounds sagas_of_money telemetry transaction",
            "config",
            "parts ports",
            "news numbers outbox",
            "operators reconcile",
            "node verify",
            "jobs",
        ],
    ),
    ("api", &["http", "console", "site", "cli", "main"]),
    (
        "api::http",
        &[
            "server telemetry trace views wait",
            // A problem shows the version that it contradicts.
            "conditional+problem",
            "context extract inbox_door quota",
            // What handlers share, and what is asked through it.
            "app+auth+seats+store list",
            "admission idempotency openapi",
            "routes",
        ],
    ),
    (
        "api::console",
        &[
            "assets queries words",
            // Who has no session is shown the page to sign in, and a page knows who looks at it.
            "batch_form page+session+sign_in+state",
            "address responses",
            "pages",
            "live",
        ],
    ),
    ("dev", &["locked", "gateway servers", "stack"]),
    (
        "dev::gateway",
        &["config error_reply", "books", "methods script standard", "simulator", "web work", "serve", "args"],
    ),
];

/// Whatever the order of the layers, no path of imports leads from the first to the second; the third says why.
pub const NEVERS: &[(&str, &str, &str)] = &[
    ("orchestrator::record", "orchestrator::journal", "rows and ids are what everything stands on"),
    ("orchestrator::record", "orchestrator::store", "rows and ids are what everything stands on"),
    ("orchestrator::journal", "orchestrator::store", "what can happen to a saga is decided without I/O"),
    ("orchestrator::store", "orchestrator::machine", "a statement decides nothing"),
    ("orchestrator::store", "orchestrator::lane", "a statement decides nothing"),
    ("orchestrator::store", "orchestrator::client", "a statement decides nothing"),
    ("orchestrator::machine", "orchestrator::lane", "operators move a saga without a lane"),
    ("orchestrator", "operator", "the engine works without a desk"),
    ("operator::store", "operator::desk", "a statement decides nothing"),
    ("service", "api", "a node works without a door"),
    ("service::parts", "service::jobs", "what is shared knows nobody who shares it"),
    ("service::parts", "service::operators", "what is shared knows nobody who shares it"),
    ("api::http", "api::console", "the API works without pages"),
    ("api::http", "dev", "production knows no demonstration"),
    ("api::console", "dev", "production knows no demonstration"),
];

/// The one file outside of `dev` that may name it: there `usher dev` and `usher gateway` are commands.
pub const NAMES_DEV: &str = "api/src/cli/mod.rs";
