//! Providers as their owner sees them: what waits for each, and which are held back.

use serde_json::json;

use super::Messaging;
use crate::domain::Caller;
use crate::store::{self, PauseRow, Queue};

/// How much waits for each provider, lane by lane.
pub async fn list_provider_queues(m: &Messaging) -> store::Result<Vec<Queue>> {
    m.store.read().await?.list_queues(m.clock.now()).await
}

/// The providers that are held back.
pub async fn list_provider_pauses(m: &Messaging) -> store::Result<Vec<PauseRow>> {
    m.store.read().await?.list_pauses().await
}

/// Holds a provider back: nothing more is handed to it, and what waits for it goes to the next of its route.
pub async fn pause_provider(m: &Messaging, caller: &Caller, name: &str) -> store::Result<()> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let actor = caller.who.to_string();
    if tx.pause_provider(name, &actor, now).await? {
        tx.audit(caller.workspace, &actor, "provider.paused", &format!("provider:{name}"), json!({}), now).await?;
    }
    tx.commit().await
}

/// Lets a provider go on.
pub async fn resume_provider(m: &Messaging, caller: &Caller, name: &str) -> store::Result<()> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    if tx.resume_provider(name).await? {
        let actor = caller.who.to_string();
        tx.audit(caller.workspace, &actor, "provider.resumed", &format!("provider:{name}"), json!({}), now).await?;
    }
    tx.commit().await
}
