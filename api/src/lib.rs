//! (being laid)
pub mod gateway;
