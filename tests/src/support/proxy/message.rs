//! What a client of PostgreSQL says: messages, the first of which tells who it is.

use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Nobody who talks to a test's server says more at once.
const MESSAGE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// One message. The first of a connection has no kind.
pub(super) struct Message {
    kind: Option<u8>,
    body: Vec<u8>,
}

impl Message {
    /// Reads the first message, or a later one.
    pub async fn read(client: &mut (impl AsyncReadExt + Unpin), is_first: bool) -> io::Result<Self> {
        let kind = if is_first { None } else { Some(client.read_u8().await?) };
        let length = client.read_u32().await?;
        if !(4..=MESSAGE_BYTES_MAX).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        Ok(Self { kind, body })
    }

    pub async fn write(&self, server: &mut (impl AsyncWriteExt + Unpin)) -> io::Result<()> {
        let mut bytes: Vec<u8> = self.kind.into_iter().collect();
        let length = u32::try_from(self.body.len() + 4).expect("it was read with such a length");
        bytes.extend(length.to_be_bytes());
        bytes.extend(&self.body);
        server.write_all(&bytes).await
    }

    pub fn is_commit(&self) -> bool {
        self.kind == Some(b'Q') && self.body.eq_ignore_ascii_case(b"commit\0")
    }

    /// The `application_name` that a first message gives: after the version, names and values in turn.
    pub fn application_name(&self) -> String {
        const VERSION_BYTES: usize = 4;
        let words = self.body.get(VERSION_BYTES..).unwrap_or_default().split(|byte| *byte == 0);
        let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
        let named = words.chunks_exact(2).find(|pair| pair[0] == "application_name");
        named.map_or_else(String::new, |pair| pair[1].clone().into_owned())
    }
}
