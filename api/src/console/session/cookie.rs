//! The one cookie: set, read and taken away.

use axum::http::{HeaderMap, HeaderValue, header};

/// The name and the attributes of this node's cookie.
#[derive(Clone, Copy, Debug)]
pub struct Jar {
    /// Whether people come by https. Then the cookie is sent by https only.
    pub secure: bool,
}

impl Jar {
    /// With `__Host-` the browser holds us to `Secure`, to the path `/` and to this host alone (RFC 6265bis, 4.1.3.2).
    fn name(self) -> &'static str {
        if self.secure { "__Host-usher-console" } else { "usher-console" }
    }

    /// The value that the browser sent.
    pub fn read(self, headers: &HeaderMap) -> Option<&str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name()).map(|(_, value)| value)
    }

    /// The header that stores the sealed session for this many seconds.
    pub fn set(self, sealed: &str, seconds: i64) -> HeaderValue {
        // For the whole host and not for `/console` alone: `__Host-` wants it so, and other routes read no cookies.
        let secure = if self.secure { "; Secure" } else { "" };
        let text =
            format!("{}={sealed}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}", self.name());
        HeaderValue::from_str(&text).expect("base64, a dot and constants")
    }

    /// The header that removes the cookie.
    pub fn clear(self) -> HeaderValue {
        self.set("", 0)
    }
}
