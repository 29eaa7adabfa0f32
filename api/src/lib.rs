//! The doors of the booking service: HTTP for customers and machines, pages for operators, a command line.
//!
//! - [`http`] is the JSON API: it turns requests into calls of the service, and what comes of them into answers or
//!   RFC 9457 problems.
//! - [`console`] is the operators' pages at `/console`.
//! - [`site`] is both together, as one address serves them.
//! - [`cli`] is `usher`, one file a command.
//!
//! A door decides nothing: what is shown and done is the same at each, and is made in `service`.

pub mod cli;
pub mod console;
pub mod http;
pub mod site;
