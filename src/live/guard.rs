//! Ends, within a second, every connection whose session or key has ended, or whose rights are not what they were: one
//! look at the database for all of them. Where that cannot be looked up for too long, everybody is let go.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{End, Holder, Live};
use crate::auth::{self, Scope};
use crate::domain::{Caller, Who};
use crate::fault::is_sabotaged;
use crate::store;

/// How often it is looked up who may listen.
pub(super) const CHECK_EVERY: Duration = Duration::from_millis(500);

impl Live {
    pub(super) async fn guard_forever(self, stop: CancellationToken) {
        let mut checked = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(CHECK_EVERY) => {}
            }
            let begun = Instant::now();
            let until = (checked + self.shared.limits.unchecked).max(begun + CHECK_EVERY);
            match timeout_at(until, self.guard()).await {
                Ok(Ok(())) => checked = begun,
                Ok(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "who may listen is not known for now");
                }
                Err(_) => tracing::warn!("who may listen is not answered for now"),
            }
            if Instant::now() >= checked + self.shared.limits.unchecked {
                self.hall().end_where(End::TryAgain, |holder, _| holder != Holder::Operator);
                checked = Instant::now();
            }
        }
    }

    async fn guard(&self) -> store::Result<()> {
        let (sessions, keys) = self.hall().holders();
        if (sessions.is_empty() && keys.is_empty()) || is_sabotaged("live_guard_off") {
            return Ok(());
        }
        let standing = auth::find_standing(&self.shared.store, &self.shared.clock, (&sessions, &keys)).await?;
        let sessions = sessions.into_iter().map(Holder::Session);
        let asked: HashSet<Holder> = sessions.chain(keys.into_iter().map(Holder::Key)).collect();
        let stands = |holder: Holder| match holder {
            Holder::Operator => None,
            Holder::Session(id) => standing.sessions.get(&id).copied(),
            Holder::Key(id) => {
                let holder = standing.keys.get(&id).filter(|holder| holder.may(Scope::MessagesRead))?;
                Some(Caller { workspace: holder.workspace, who: Who::Key(holder.id) })
            }
        };
        self.hall()
            .end_where(End::SessionEnded, |holder, caller| asked.contains(&holder) && stands(holder) != Some(*caller));
        Ok(())
    }
}
