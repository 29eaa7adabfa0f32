//! Chaos from a seed: three nodes, customers and operators, everything going wrong at once; then quiet, and the
//! question whether all comes to rest by itself and nothing was promised that isn't so.
//!
//! The picture: a [`plan`] says from the seed alone what will happen. A [`world`] is private servers, a gateway and three
//! `usher serve` with a proxy on every way. `inflict` lets faults strike, `load` sends customers and an operator, a
//! `witness` takes down what they are told. When the plan is over the world is healed, and `checks` look at rest, invariants,
//! the gateway's books, what was told, and the logs. `run` is one seed from beginning to end, `report` what is printed of it.
//! `rolling` is another question to the same world: nodes that leave one after the other while customers book.
//!
//! Not here, and why: a node's wrong clock (nothing on a machine like ours turns the clock of one process alone), a failover
//! to a standby (a second cluster costs more than it tells beside a crash and a read-only server), and a poison step (the
//! booking has none, so whoever is put into quarantine is innocent).

mod checks;
mod evidence;
mod inflict;
mod load;
mod pace;
mod plan;
mod report;
mod rolling;

mod run;
mod scene;
mod seeds;
mod timeline;
mod witness;
mod world;

pub use report::{Outcome, table};
pub use rolling::{Rolled, Rolling, roll};

pub use run::{Options, run};
pub use seeds::kept_seeds;

use std::io::Write;

/// Tells whoever started this how far it is: on standard error, where results don't go.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
