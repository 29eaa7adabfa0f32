//! The adapter of `steps` against the simulator, over HTTP, for each thing that can be scripted.

mod payments;
mod world;
