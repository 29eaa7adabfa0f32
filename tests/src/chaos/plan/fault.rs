//! What may go wrong.

use crate::support::{Prey, Whom};
use std::{fmt, time::Duration};

/// One of the nodes, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Node(pub usize);

/// Tables that rivals lock as a whole.
pub(in super::super) const TABLES: [&str; 8] = [
    "usher.sagas",
    "usher.journal",
    "usher.mailbox",
    "usher.outbox",
    "booking.seats",
    "booking.reservations",
    "booking.payments",
    "booking.inbox",
];

/// One fault. How long it lasts stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// `kill -9`; started again when it is over.
    Kill(Node),
    /// The same to every node at once.
    KillAll,
    /// SIGSTOP; SIGCONT when it is over.
    Freeze(Node),
    /// SIGTERM; started again when it has left and the time is over.
    Leave(Node),
    /// `kill -9` of PostgreSQL; started again when it is over.
    CrashPostgres,
    /// Sessions of all nodes are ended by an administrator.
    TerminateBackends,
    /// As after a switchover: every transaction is read only.
    ReadOnly,
    /// No room for data or WAL.
    DiskFull,
    /// Some COMMITs of a node are cut, silenced or delayed. Each has the number of COMMITs that pass before it.
    Commits(Node, Whom, Vec<(usize, WaysOff)>),
    /// Bytes between a node and PostgreSQL wait.
    HoldPostgres(Node, Whom),
    /// The connections that a node has to PostgreSQL are half-open and stay so: the node must find out by itself.
    DeadPostgres(Node, Whom),
    /// A node's connections to PostgreSQL are cut, and new ones refused.
    CutOffPostgres(Node),
    /// Somebody else holds locks.
    Rival(Prey),
    /// Every key is gone.
    FlushRedis,
    /// `kill -9` of Redis; started again, empty, when it is over.
    KillRedis,
    /// Redis answers nobody.
    HoldRedis,
    /// The connections that a node has to Redis are half-open, and stay so.
    DeadRedis(Node),
    /// A part of a node's requests to the gateway is dropped, hangs, is slow, doubled or refused.
    GatewayLine(Node, u8),
    /// The gateway itself misbehaves in this part of all requests, in percent.
    GatewayMood(u8),
    /// The gateway can't be reached by anybody.
    GatewayGone,
    /// A part of all webhooks is lost, doubled or late, in percent.
    Webhooks(u8),
}

/// What becomes of one COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum WaysOff {
    CutBefore,
    CutAfter,
    SilentBefore,
    SilentAfter,
    Delayed(Duration),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |whom: &Whom| match whom {
            Whom::All => String::new(),
            Whom::Named(name) => format!(" (`{name}`)"),
        };
        match self {
            Self::Kill(node) => write!(f, "{node} is killed"),
            Self::KillAll => write!(f, "all nodes are killed"),
            Self::Freeze(node) => write!(f, "{node} is frozen"),
            Self::Leave(node) => write!(f, "{node} is told to leave"),
            Self::CrashPostgres => write!(f, "PostgreSQL is killed"),
            Self::TerminateBackends => write!(f, "all sessions in PostgreSQL are terminated"),
            Self::ReadOnly => write!(f, "PostgreSQL is read-only"),
            Self::DiskFull => write!(f, "PostgreSQL's disk is full"),
            Self::Commits(node, whom, ways) => write!(f, "COMMITs of {node}{} go wrong: {ways:?}", of(whom)),
            Self::HoldPostgres(node, whom) => write!(f, "{node}{} waits for PostgreSQL", of(whom)),
            Self::DeadPostgres(node, whom) => write!(f, "{node}{} is half-open to PostgreSQL", of(whom)),
            Self::CutOffPostgres(node) => write!(f, "{node} is cut off from PostgreSQL"),
            Self::Rival(prey) => write!(f, "a rival locks {prey}"),
            Self::FlushRedis => write!(f, "Redis is flushed"),
            Self::KillRedis => write!(f, "Redis is killed"),
            Self::HoldRedis => write!(f, "Redis hangs"),
            Self::DeadRedis(node) => write!(f, "{node} is half-open to Redis"),
            Self::GatewayLine(node, percent) => {
                write!(f, "{percent} % of what {node} asks the gateway goes wrong")
            }
            Self::GatewayMood(percent) => write!(f, "the gateway does {percent} % wrong"),
            Self::GatewayGone => write!(f, "nobody reaches the gateway"),
            Self::Webhooks(percent) => write!(f, "{percent} % of all webhooks go wrong"),
        }
    }
}
