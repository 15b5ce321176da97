//! One HTTP/1.1 connection that is kept, with no more in it than a load needs.

use std::net::SocketAddr;
use std::str::from_utf8;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to one server; opened again where the server closes it.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(self.body).context("an answer that is no JSON")
    }

    /// Fails unless it is a 2xx.
    pub fn check(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        bail!("{} {}", self.status, String::from_utf8_lossy(self.body))
    }
}

struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
    closes: bool,
}

impl Connection {
    /// A connection to be opened with its first request.
    pub fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Sends one request and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address).await?,
        };
        self.buffer.clear();
        stream.write_all(request).await?;
        let head = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection without an answer");
            }
            if let Some(head) = read_head(&self.buffer)? {
                break head;
            }
        };
        let end = head.bytes + head.body_bytes;
        while self.buffer.len() < end {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection within an answer");
            }
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, body: &self.buffer[head.bytes..end] })
    }
}

async fn open(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("nobody listens on {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads the head of an answer, once it is all there.
fn read_head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut head = Head { status: 0, bytes: 0, body_bytes: 0, closes: false };
    while let Some(length) = bytes[head.bytes..].iter().position(|byte| *byte == b'\n') {
        let line = bytes[head.bytes..head.bytes + length].trim_ascii_end();
        if head.bytes == 0 {
            head.status = from_utf8(line)?.split(' ').nth(1).unwrap_or_default().parse().context("no HTTP")?;
        }
        head.bytes += length + 1;
        if line.is_empty() {
            return Ok(Some(head));
        }
        if !line[0].eq_ignore_ascii_case(&b'c') && !line[0].eq_ignore_ascii_case(&b't') {
            continue;
        }
        if let Some(value) = value_of(line, "content-length") {
            head.body_bytes = from_utf8(value)?.parse()?;
        } else if let Some(value) = value_of(line, "connection") {
            head.closes = value.eq_ignore_ascii_case(b"close");
        } else if value_of(line, "transfer-encoding").is_some() {
            bail!("an answer in chunks is not read here");
        }
    }
    Ok(None)
}

fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    found
        .eq_ignore_ascii_case(name.as_bytes())
        .then(|| value.trim_ascii_start().strip_prefix(b":"))?
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = "HTTP/1.1 201 Created\r\nContent-Length: 17\r\nConnection: Close\r\nX: content-length: 5\r\n\r\n{";
        let head = read_head(text.as_bytes()).unwrap().unwrap();
        assert_eq!((head.status, head.bytes, head.body_bytes, head.closes), (201, text.len() - 1, 17, true));
        assert!(read_head(&text.as_bytes()[..text.len() - 3]).unwrap().is_none());
        assert!(read_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
