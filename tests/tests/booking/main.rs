//! The booking as a saga, on real Postgres and Redis, with a gateway that does as it is told.

mod explore;
mod house;
