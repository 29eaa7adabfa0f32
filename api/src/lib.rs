//! (being laid)

pub mod dev;
