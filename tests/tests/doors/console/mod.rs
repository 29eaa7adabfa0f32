//! The operators' console as operators meet it: over HTTP with and without a script, and in a real browser.

mod acting;
mod browser;
mod bulk;
mod eyes;
mod keys;
mod live;
mod overdue;
mod probes;
mod reading;
mod session;
mod stage;
mod visitor;
mod words;
