//! A connection whose peer must go on reading: what stays unread for too long ends it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What must be read in each span: a peer that reads a byte now and then does not hold an answer for ever.
const PORTION: usize = 64 * 1024;

/// A stream that fails with [`io::ErrorKind::TimedOut`] when less than [`PORTION`] could be written while its peer's side was
/// full for one span in all: an answer that says little for long is not held against who reads it.
///
/// The account is closed with the answer: at what is read next.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    span: Duration,
    /// How long the peer's side has been full, as far as it has room again.
    waited: Duration,
    /// Since when it is full now, and until when that is borne.
    full: Option<(Instant, Pin<Box<Sleep>>)>,
    written: usize,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, span: Duration) -> Self {
        Self { stream, span, waited: Duration::ZERO, full: None, written: 0 }
    }

    /// What became of a write, unless the peer's time is over.
    fn judge(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                if let Some((since, _)) = self.full.take() {
                    self.waited += since.elapsed();
                }
                self.written += bytes;
                if self.written >= PORTION {
                    self.forgive();
                }
                wrote
            }
            Poll::Ready(Err(_)) => wrote,
            Poll::Pending => {
                let left = self.span.saturating_sub(self.waited);
                let begin = || (Instant::now(), Box::pin(sleep_until(Instant::now() + left)));
                let (_, until) = self.full.get_or_insert_with(begin);
                std::task::ready!(until.as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
            }
        }
    }

    fn forgive(&mut self) {
        self.full = None;
        self.waited = Duration::ZERO;
        self.written = 0;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.forgive();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.judge(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SPAN: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_left_after_one_span() {
        let (_peer, stream) = duplex(1_024);
        let begun = Instant::now();
        let error = Patient::new(stream, SPAN).write_all(&vec![0; 1_000_000]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, SPAN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_a_byte_now_and_then_is_left_as_well() {
        let (mut peer, stream) = duplex(1_024);
        tokio::spawn(async move {
            while peer.read_u8().await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let begun = Instant::now();
        assert!(Patient::new(stream, SPAN).write_all(&vec![0; 1_000_000]).await.is_err());
        assert_eq!(begun.elapsed(), SPAN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_but_surely_gets_everything_and_may_rest_between_answers() {
        let (mut peer, stream) = duplex(1_024);
        let reader = tokio::spawn(async move {
            let (mut all, mut some) = (0, vec![0; 8_192]);
            while all < 1_000_000 {
                all += peer.read(&mut some).await.unwrap();
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            tokio::time::sleep(SPAN * 10).await;
            peer.write_u8(1).await.unwrap();
            tokio::time::sleep(SPAN / 2).await;
            while all < 1_010_000 {
                all += peer.read(&mut some).await.unwrap();
            }
        });
        let mut stream = Patient::new(stream, SPAN);
        stream.write_all(&vec![0; 1_000_000]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 1);
        stream.write_all(&vec![0; 10_000]).await.unwrap();
        reader.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_of_an_answer_that_says_little_for_long_may_be_full_now_and_then() {
        let (mut peer, stream) = duplex(1_024);
        let reader = tokio::spawn(async move {
            let mut some = vec![0; 2_000];
            for _ in 0..10 {
                tokio::time::sleep(SPAN).await;
                peer.read_exact(&mut some).await.unwrap();
            }
        });
        let mut stream = Patient::new(stream, SPAN);
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(29)).await;
            stream.write_all(&vec![0; 2_000]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        reader.await.unwrap();
    }
}
