//! What must hold once nothing goes wrong any more.

mod books;
mod database;
mod logs;
mod probe;
mod rest;
mod saga;
mod settle;
mod testimony;

pub(super) use books::check_books;
pub(super) use database::check_database;
pub(super) use logs::read_logs;
pub(super) use rest::come_to_rest;
pub(super) use settle::{Findings, settle};
