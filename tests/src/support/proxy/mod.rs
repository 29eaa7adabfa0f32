//! Proxies between a node and what it needs. They do to connections what networks, and the machines behind them, do.
//!
//! The picture: a proxy listens on a port of its own and carries each connection to its server. A connection is a
//! *line*, and a line has a [`Flow`]: open, held (bytes wait), dead (half-open: bytes go nowhere and nobody says so), or
//! cut. [`Proxy`] knows Postgres: who a line belongs to, by its `application_name`, and when a COMMIT comes by.
//! [`Wire`] knows no protocol and serves Redis. [`HttpProxy`] knows requests, and so it can lose one, answer it
//! late, or carry it out twice.
//!
//! Nothing here has a plan: whoever sets a fault also ends it. Only [`HttpProxy`] draws from a seed.

mod commits;
mod exchange;
mod http;
mod http_fault;
mod line;
mod message;
mod postgres;
#[cfg(test)]
mod tests;
mod wire;

pub use commits::{AtCommit, Cut};
pub use http::HttpProxy;
pub use http_fault::{HttpFault, Misbehaviour};
pub use line::{Flow, Whom};
pub use postgres::Proxy;
pub use wire::Wire;

/// How a URL that goes through a proxy is put together: what stands before the address, and after it.
fn through(url: &str, port: u16) -> (String, String) {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let begin = url[authority..].find('@').map_or(authority, |at| authority + at + 1);
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    (url[begin..end].to_owned(), format!("{}127.0.0.1:{port}{}", &url[..begin], &url[end..]))
}
