//! House rules that a compiler can't see: where arrows point, how long files are, which words are used, how tables are
//! keyed, and how tests behave.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod arrows;
mod documents;
mod files;
mod manners;
mod source;
mod tables;
mod words;
