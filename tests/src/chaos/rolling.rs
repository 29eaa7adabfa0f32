//! A rolling restart under load: of two nodes one leaves and comes back, then the other, again and again. No request may
//! fail, and no saga may stay leased.
//!
//! Customers reach the nodes as by a balancer: it asks each whether it is ready, sends to those that are, and tries
//! another when a connection is refused. Everything else that isn't an answer is a failure.

use super::{
    checks, load, pace,
    plan::{EVENTS, Journey, Kind},
    timeline::Timeline,
    witness::Witness,
    world::{Making, World},
};
use anyhow::Context;
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
