//! Storing sends of several requests in one commit.

use tokio::sync::Semaphore;

use super::desk::{Order, Outcome, Waiting};
use super::send::{accept_in, finish};
use super::{SINGLE, SendError, Sent};
use crate::domain::{Caller, Timestamp};
use crate::fault::is_sabotaged;
use crate::store::{self, KeyTry, Tx};

/// Stores sends of one caller in one commit, and answers them. Where that fails for another reason than a database that is
/// away, each is stored by itself, and nobody waits for that who comes after them: nobody fails for another's sake, nor
/// waits for whom another waits for.
pub(super) async fn store_set(set: Vec<Waiting>) {
    let (orders, answers): (Vec<Order>, Vec<_>) = set.into_iter().map(|one| (one.order, one.answer)).unzip();
    let outcomes = match store_together(&orders).await {
        Ok(outcomes) => outcomes,
        Err(error) if orders.len() == 1 => vec![Err(error)],
        Err(SendError::Store(error)) if error.is_for_all() => {
            orders.iter().map(|_| Err(error.again().into())).collect()
        }
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, sends = orders.len(), "each is stored by itself");
            for (order, answer) in orders.into_iter().zip(answers) {
                tokio::spawn(async move { drop(answer.send(store_alone(order).await)) });
            }
            return;
        }
    };
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever left hears nothing.
        drop(answer.send(outcome));
    }
}

/// Sends that are stored by themselves at once, so that those who wait for a lock leave connections to others.
static ALONE: Semaphore = Semaphore::const_new(4);

async fn store_alone(order: Order) -> Outcome {
    let _place = ALONE.acquire().await;
    let outcomes = store_together(&[order]).await?;
    outcomes.into_iter().next().unwrap_or(Err(SendError::Broken))
}

async fn store_together(orders: &[Order]) -> Result<Vec<Outcome>, SendError> {
    let Some(Order { m, caller, .. }) = orders.first() else { return Ok(Vec::new()) };
    let now = m.clock.now();
    let mut outcomes: Vec<Option<Outcome>> = orders.iter().map(|_| None).collect();
    let mut tx = if orders.len() > 1 { m.store.begin_hurried().await? } else { m.store.begin().await? };
    take_keys(&mut tx, caller, orders, &mut outcomes, now).await?;
    let open: Vec<usize> = (0..orders.len()).filter(|at| outcomes[*at].is_none()).collect();
    let drafts = open.iter().map(|at| orders[*at].draft.clone()).collect();
    let sent = accept_in(&mut tx, m, caller, (drafts, SINGLE, None), now).await?;
    settle_keys(&mut tx, caller, orders, (&open, &sent)).await?;
    if sent.iter().any(|sent| matches!(sent, Sent::Accepted(_))) {
        finish(tx, &sent).await?;
    }
    for (at, sent) in open.into_iter().zip(sent) {
        outcomes[at] = Some(Ok(sent));
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(SendError::Broken))).collect())
}

/// Takes the keys of the sends for this unit of work, and answers those whose key was used before.
async fn take_keys(
    tx: &mut Tx,
    caller: &Caller,
    orders: &[Order],
    outcomes: &mut [Option<Outcome>],
    now: Timestamp,
) -> Result<(), SendError> {
    let keyed: Vec<_> = orders.iter().enumerate().filter_map(|(at, order)| Some((at, key_of(order)?))).collect();
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
    let mut answers = Vec::new();
    let mut freed = Vec::new();
    for (at, sent) in open.iter().zip(sent) {
        let Some(KeyTry { key, .. }) = key_of(&orders[*at]) else { continue };
        if matches!(sent, Sent::Accepted(_)) {
            let answer = serde_json::to_vec(&[sent]);
            answers.push((key, answer.map_err(|_| store::Error::Corrupt("an answer that cannot be kept"))?));
        } else {
            freed.push(key);
        }
    }
    let name = caller.who.to_string();
    tx.keep_answers(caller.workspace, &name, &answers).await?;
    tx.free_keys(caller.workspace, &name, &freed).await
}

fn key_of(order: &Order) -> Option<KeyTry<'_>> {
    let once = order.once.as_ref().filter(|_| !is_sabotaged("key_off"))?;
    Some(KeyTry { key: &once.key, fingerprint: &once.fingerprint })
}
