//! One look a second at what is due, for everything here that waits for it.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Line, Outbox};
use crate::store::{self, Pulse};

/// What the last look found; nothing before the first, and where it failed: then anything may be due.
pub(super) type Seen = watch::Sender<Option<Arc<Pulse>>>;

impl Outbox {
    /// Looks at what is due, and tells whoever waits for it.
    pub(super) async fn take_pulse(&self) -> store::Result<Arc<Pulse>> {
        let taken = self.look().await;
        let pulse = taken.as_ref().ok().cloned();
        let store = self.m().store;
        let before = self.shared.pulse.send_replace(pulse.clone());
        if let (Some(pulse), Some(before)) = (&pulse, before)
            && pulse.last_event != before.last_event
        {
            store.tell();
        }
        taken
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

    /// Waits until a look finds that something is due, or fails.
    pub(super) async fn due(&self, is_due: impl Fn(&Pulse) -> bool) {
        let mut seen = self.shared.pulse.subscribe();
        while seen.changed().await.is_ok() {
            if seen.borrow_and_update().as_ref().is_none_or(|pulse| is_due(pulse)) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// The same, for what is to be sent over a line.
    pub(super) async fn due_over(&self, line: &Line) {
        self.due(|pulse| pulse.sends.contains(line.name())).await;
    }
}
