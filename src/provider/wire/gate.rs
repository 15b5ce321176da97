//! Knows for certain whether any of a message left: the body of a request, and the gate it passes.
//!
//! An HTTP client's error does not say whether the other side may have got the request. The body does: it is handed to
//! the connection at most once, and once the gate is shut it is not handed out at all, so that no answer to "did
//! anything leave?" can be made wrong afterwards by a connection that was a moment late.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

const CLOSED: u8 = 0;
const PASSED: u8 = 1;
const SHUT: u8 = 2;

/// The way out for one body.
#[derive(Debug, Clone, Default)]
pub(in crate::provider) struct Gate(Arc<AtomicU8>);

impl Gate {
    /// Puts a body behind this gate.
    pub(in crate::provider) fn body(&self, bytes: Vec<u8>) -> GatedBody {
        GatedBody { bytes: Some(Bytes::from(bytes)), gate: self.clone() }
    }

    /// Shuts the gate for good. True when nothing has passed it, and so nothing ever will.
    pub(in crate::provider) fn shut(&self) -> bool {
        self.0.compare_exchange(CLOSED, SHUT, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn pass(&self) -> bool {
        self.0.compare_exchange(CLOSED, PASSED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// A whole body that leaves in one piece, once, while its gate is not shut.
#[derive(Debug)]
pub(in crate::provider) struct GatedBody {
    bytes: Option<Bytes>,
    gate: Gate,
}

impl Body for GatedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.bytes.take().map(|bytes| {
            if self.gate.pass() {
                Ok(Frame::data(bytes))
            } else {
                Err(std::io::Error::other("the attempt was over before anything was written"))
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(body: &mut GatedBody) -> Option<Result<Bytes, String>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => {
                frame.map(|frame| frame.map(|frame| frame.into_data().unwrap()).map_err(|error| error.to_string()))
            }
            Poll::Pending => panic!("a whole body is never pending"),
        }
    }

    #[test]
    fn a_body_that_left_cannot_be_called_back() {
        let gate = Gate::default();
        let mut body = gate.body(b"{}".to_vec());
        assert_eq!(body.size_hint().exact(), Some(2));
        assert_eq!(poll(&mut body), Some(Ok(Bytes::from_static(b"{}"))));
        assert!(!gate.shut());
        assert!(body.is_end_stream());
        assert_eq!(poll(&mut body), None);
    }

    #[test]
    fn behind_a_shut_gate_nothing_leaves() {
        let gate = Gate::default();
        let mut body = gate.body(b"{}".to_vec());
        assert!(gate.shut());
        assert!(poll(&mut body).unwrap().is_err());
    }
}
