//! One look a second at what is due, for everything here that waits for it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{IDLE, Line, Outbox};
use crate::store::{self, Pulse};

/// What the last look found; nothing before the first, and where it failed: then anything may be due.
pub(super) type Seen = watch::Sender<Option<Arc<Pulse>>>;

impl Outbox {
    /// Looks at what is due, and tells whoever waits for it. Nothing else is done here, so that nothing makes a look late.
    pub(super) async fn look_forever(&self, stop: CancellationToken) {
        let mut last_event = None;
        loop {
            let pulse = self.look().await.inspect_err(|error| {
                tracing::warn!(error = error as &dyn std::error::Error, "it is not known what is due");
            });
            let pulse = pulse.ok();
            let _ = self.shared.pulse.send_replace(pulse.clone());
            if let Some(pulse) = pulse
                && (last_event.replace(pulse.last_event) != Some(pulse.last_event) || !pulse.is_searched)
            {
                self.m().store.tell();
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    async fn look(&self) -> store::Result<Arc<Pulse>> {
        let lines: Vec<_> = self.lines().into_iter().map(|line| (line.pause_mark(), line)).collect();
        let names: Vec<&str> = lines.iter().map(|(_, line)| line.name()).collect();
        let pulse = self.m().store.read().await?.pulse(&names, self.now()).await?;
        for (seen, line) in &lines {
            line.pause(*seen, pulse.paused.contains(line.name()));
        }
        Ok(Arc::new(pulse))
    }

    /// The next look, which may have failed.
    pub(super) async fn next_look(seen: &mut watch::Receiver<Option<Arc<Pulse>>>) -> Option<Arc<Pulse>> {
        if seen.changed().await.is_err() {
            return std::future::pending().await;
        }
        seen.borrow_and_update().clone()
    }

    /// Waits until a look finds that something is due, or fails.
    pub(super) async fn due(&self, is_due: impl Fn(&Pulse) -> bool) {
        let mut seen = self.shared.pulse.subscribe();
        while Self::next_look(&mut seen).await.is_some_and(|pulse| !is_due(&pulse)) {}
    }

    /// The same, for what is to be sent over a line.
    pub(super) async fn due_over(&self, line: &Line) {
        self.due(|pulse| pulse.sends.contains(line.name())).await;
    }
}
