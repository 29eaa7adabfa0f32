//! The adapter of `steps` against the simulator, over HTTP, for each thing that can be scripted.

mod chaos;
mod controls;
mod faults;
mod keys;
mod payments;
mod restarts;
mod standard;
mod webhooks;
mod world;
