//! The simulator, as every handler takes it.

use super::super::simulator::Simulator;
use axum::extract::State;
use std::sync::Arc;

pub(super) type Shared = State<Arc<Simulator>>;
