//! Storing sends of several requests in one commit.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::desk::{Order, Outcome};
use super::send::{accept_in, finish};
use super::{SINGLE, SendError, Sent};
use crate::domain::{Caller, Timestamp};
use crate::fault::is_sabotaged;
use crate::store::{self, KeyTry, Tx};

/// Sends that are tried by themselves at the same time.
const ALONE_AT_ONCE: usize = 4;

/// Stores sends in one commit. Where that fails for another reason than a database that is away, each is stored by itself,
/// so that nobody fails for another's sake. Gives what became of each, in their order.
pub(super) async fn send_together(orders: &[Order]) -> Vec<Outcome> {
    let error = match try_together(orders).await {
        Ok(outcomes) => return outcomes,
        Err(error) if orders.len() == 1 => return vec![Err(error)],
        Err(error) => error,
    };
    if let SendError::Store(error) = &error
        && let Some(others) = error.for_others()
    {
        return orders.iter().map(|_| Err(others().into())).collect();
    }
    tracing::debug!(error = &error as &dyn std::error::Error, sends = orders.len(), "each is stored by itself");
    let mut outcomes = Vec::with_capacity(orders.len());
    for few in orders.chunks(ALONE_AT_ONCE) {
        outcomes.extend(join_all(few.iter().map(alone)).await);
    }
    outcomes
}

async fn alone(order: &Order) -> Outcome {
    let outcomes = try_together(std::slice::from_ref(order)).await?;
    outcomes.into_iter().next().unwrap_or(Err(SendError::Broken))
}

async fn try_together(orders: &[Order]) -> Result<Vec<Outcome>, SendError> {
    let Some(Order { m, .. }) = orders.first() else { return Ok(Vec::new()) };
    let now = m.clock.now();
    let mut by_caller: HashMap<Caller, Vec<usize>> = HashMap::new();
    for (at, order) in orders.iter().enumerate() {
        by_caller.entry(order.caller).or_default().push(at);
    }
    let mut outcomes: Vec<Option<Outcome>> = orders.iter().map(|_| None).collect();
    let mut new = Vec::new();
    let mut tx = m.store.begin().await?;
    for (caller, group) in by_caller {
        take_keys(&mut tx, &caller, orders, (&group, &mut outcomes), now).await?;
        let open: Vec<usize> = group.into_iter().filter(|at| outcomes[*at].is_none()).collect();
        let drafts = open.iter().map(|at| orders[*at].draft.clone()).collect();
        let sent = accept_in(&mut tx, m, &caller, (drafts, SINGLE, None), now).await?;
        settle_keys(&mut tx, &caller, orders, (&open, &sent)).await?;
        for (at, sent) in open.into_iter().zip(sent) {
            if matches!(sent, Sent::Accepted(_)) {
                new.push(at);
            }
            outcomes[at] = Some(Ok(sent));
        }
    }
    if !new.is_empty() {
        let accepted = new.into_iter().filter_map(|at| outcomes[at].as_ref()?.as_ref().ok());
        finish(tx, accepted).await?;
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(SendError::Broken))).collect())
}

/// Takes the keys of one caller's sends for this unit of work, and answers those whose key was used before.
async fn take_keys(
    tx: &mut Tx,
    caller: &Caller,
    orders: &[Order],
    (group, outcomes): (&[usize], &mut [Option<Outcome>]),
    now: Timestamp,
) -> Result<(), SendError> {
    let keyed = keyed(orders, group);
    let tries: Vec<KeyTry<'_>> = keyed.iter().map(|(_, key)| *key).collect();
    let kept =
        tx.take_keys(caller.workspace, &caller.who.to_string(), &tries, now).await.map_err(|error| match error {
            store::Error::Busy(_) => SendError::KeyBusy,
            error => error.into(),
        })?;
    for ((at, _), kept) in keyed.into_iter().zip(kept) {
        let Some(kept) = kept else { continue };
        outcomes[at] = Some(if kept.is_same_request {
            let unreadable = |_| store::Error::Corrupt("a kept answer that cannot be read");
            let [sent]: [Sent; 1] = serde_json::from_slice(&kept.answer).map_err(unreadable)?;
            Ok(sent)
        } else {
            Err(SendError::KeyReused)
        });
    }
    Ok(())
}

/// Keeps the answers of what was accepted, and frees the keys of what was not.
async fn settle_keys(
    tx: &mut Tx,
    caller: &Caller,
    orders: &[Order],
    (open, sent): (&[usize], &[Sent]),
) -> store::Result<()> {
    let by_place: HashMap<usize, &Sent> = open.iter().copied().zip(sent).collect();
    let mut answers = Vec::new();
    let mut freed = Vec::new();
    for (at, KeyTry { key, .. }) in keyed(orders, open) {
        match by_place[&at] {
            sent @ Sent::Accepted(_) => {
                let answer = serde_json::to_vec(&[sent]);
                answers.push((key, answer.map_err(|_| store::Error::Corrupt("an answer that cannot be kept"))?));
            }
            Sent::Refused(_) | Sent::Limited { .. } => freed.push(key),
        }
    }
    let name = caller.who.to_string();
    tx.keep_answers(caller.workspace, &name, &answers).await?;
    tx.free_keys(caller.workspace, &name, &freed).await
}

fn keyed<'a>(orders: &'a [Order], group: &[usize]) -> Vec<(usize, KeyTry<'a>)> {
    let key = |at: &usize| {
        let once = orders[*at].once.as_ref().filter(|_| !is_sabotaged("key_off"))?;
        Some((*at, KeyTry { key: &once.key, fingerprint: &once.fingerprint }))
    };
    group.iter().filter_map(key).collect()
}
