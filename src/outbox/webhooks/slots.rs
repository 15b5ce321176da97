//! How many attempts may run at once: so many at an endpoint that answers, one at a time at one that does not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{WebhookEndpointId, WorkspaceId};

/// Attempts at once at an endpoint that answers, at those of one workspace, and at all together.
const EACH: usize = 16;
const OF_WORKSPACE: usize = 64;
const ALL: usize = 512;

/// Which endpoint of which workspace.
type Place = (WorkspaceId, WebhookEndpointId);

/// The attempts under way, by endpoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots(Arc<Mutex<HashMap<Place, usize>>>);

/// Leave for one attempt, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    place: Place,
}

impl Slots {
    /// Takes as many as there are for an endpoint.
    pub(super) fn take(&self, place: Place, is_failing: bool) -> Vec<Slot> {
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        let of_workspace: usize =
            taken.iter().filter(|((workspace, _), _)| *workspace == place.0).map(|(_, count)| *count).sum();
        let own = taken.get(&place).copied().unwrap_or_default();
        let most = if is_failing { 1 } else { EACH };
        let free = most.saturating_sub(own).min(OF_WORKSPACE.saturating_sub(of_workspace)).min(ALL.saturating_sub(all));
        if free > 0 {
            taken.insert(place, own + free);
        }
        drop(taken);
        (0..free).map(|_| Slot { slots: self.clone(), place }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        if let Some(own) = taken.get_mut(&self.place) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(workspace: i64, endpoint: i64) -> Place {
        (WorkspaceId(workspace), WebhookEndpointId(endpoint))
    }

    #[test]
    fn no_endpoint_and_no_workspace_takes_what_is_the_others() {
        let slots = Slots::default();
        let hanging = slots.take(place(1, 1), false);
        assert_eq!((hanging.len(), slots.take(place(1, 1), false).len()), (EACH, 0));
        let failing = slots.take(place(1, 2), true);
        assert_eq!((failing.len(), slots.take(place(1, 2), true).len()), (1, 0));
        let others: Vec<_> = (3..50).map(|endpoint| slots.take(place(1, endpoint), false)).collect();
        assert_eq!(others.iter().map(Vec::len).sum::<usize>(), OF_WORKSPACE - EACH - 1);
        assert_eq!(slots.take(place(2, 100), false).len(), EACH);
        drop((hanging, failing, others));
        assert!(slots.lock().is_empty());
    }
}
