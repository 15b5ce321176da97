//! Servers that do with a message what a test says, and remember every message that they got whole.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What is done with a message that was got whole.
#[derive(Debug, Clone)]
pub enum Act {
    /// It is answered.
    Say(String),
    /// It is answered once the test says so.
    Hold(Arc<Notify>, String),
    /// The connection is reset.
    Reset,
    /// Nothing is said.
    Hang,
    /// This is said, and then that over and over.
    Repeat(String, String),
}

/// How a mail server goes through a dialogue.
#[derive(Debug, Clone)]
pub struct Dialogue {
    /// What it says first; nothing, when it says nothing at all.
    pub greeting: Option<&'static str>,
    /// What it offers.
    pub hello: &'static str,
    /// What it says to each recipient.
    pub recipient: &'static str,
    /// What it does instead of reading the mail.
    pub instead: Option<Act>,
    /// What it does with a mail.
    pub end: Act,
    /// Whether it closes the connection after each mail.
    pub closes: bool,
}

impl Dialogue {
    pub fn ending(end: Act) -> Self {
        let (greeting, hello) = (Some("220 ready"), "250-me\r\n250 SIZE 10000000");
        Self { greeting, hello, recipient: "250 ok", instead: None, end, closes: false }
    }
}

/// A server, its address, and what it got.
pub struct Server {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Speaks HTTP, and does the same with every request.
    pub async fn http(act: Act) -> Self {
        Self::start(move |stream, got| {
            let act = act.clone();
            async move { serve_http(stream, &got, &act).await }
        })
        .await
    }

    /// Speaks SMTP.
    pub async fn smtp(dialogue: Dialogue) -> Self {
        Self::start(move |stream, got| {
            let dialogue = dialogue.clone();
            async move { serve_smtp(stream, &got, &dialogue).await }
        })
        .await
    }

    async fn start<F, W>(serve: F) -> Self
    where
        F: Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> W + Send + 'static,
        W: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { address, got }
    }

    /// Every message so far, as it came.
    pub fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    /// The first message, once it is there.
    pub async fn first(&self) -> String {
        loop {
            if let Some(first) = self.got().into_iter().next() {
                return first;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

/// Does what is said; nothing, when the connection is over.
async fn perform(stream: &mut BufReader<TcpStream>, act: &Act) -> Option<()> {
    match act {
        Act::Say(text) => stream.write_all(text.as_bytes()).await.ok(),
        Act::Hold(gate, text) => {
            gate.notified().await;
            stream.write_all(text.as_bytes()).await.ok()
        }
        Act::Reset => {
            stream.get_ref().set_zero_linger().ok()?;
            None
        }
        Act::Hang => std::future::pending().await,
        Act::Repeat(head, chunk) => {
            stream.write_all(head.as_bytes()).await.ok()?;
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            None
        }
    }
}

async fn serve_http(stream: TcpStream, got: &Mutex<Vec<String>>, act: &Act) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        got.lock().unwrap().push(head + &String::from_utf8_lossy(&body));
        perform(&mut stream, act).await?;
    }
}

async fn serve_smtp(stream: TcpStream, got: &Mutex<Vec<String>>, dialogue: &Dialogue) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let Some(greeting) = dialogue.greeting else { return perform(&mut stream, &Act::Hang).await };
    stream.write_all(format!("{greeting}\r\n").as_bytes()).await.ok()?;
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        said.push_str(&line);
        let reply = match line.split([' ', '\r']).next()? {
            "EHLO" => dialogue.hello,
            "MAIL" => "250 ok",
            "RCPT" => dialogue.recipient,
            "DATA" => "354 go on",
            _ => "500 what?",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
        if reply.starts_with("354") {
            if let Some(act) = &dialogue.instead {
                return perform(&mut stream, act).await;
            }
            said.push_str(&read_mail(&mut stream).await?);
            got.lock().unwrap().push(std::mem::take(&mut said));
            perform(&mut stream, &dialogue.end).await?;
            if dialogue.closes {
                return None;
            }
        }
    }
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
