//! House rules that a compiler can't see: where arrows point, what rooms know, how long files are, which words are used,
//! how tables are keyed, how amounts are written, and how tests behave.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod amounts;
mod arrows;
mod circles;
mod documents;
mod files;
mod graph;
mod imports;
mod layers;
mod manners;
mod printed;
mod rooms;
mod source;
mod tables;
mod tokens;
mod words;
