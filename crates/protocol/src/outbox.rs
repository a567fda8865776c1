//! Own messages on their way: kept in the order of writing, sent one at a time, so that they arrive in it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::Submission;
use crate::ids::{ClientId, WallMillis};
use crate::limits::{OUTBOX_MESSAGES, RESUBMIT_AFTER};
use crate::view::{Pending, PendingState, rich_of};
use crate::wire::Reject;

/// Why the outbox does not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{OUTBOX_MESSAGES} messages are waiting already")]
pub struct OutboxFull;

/// The one message that was submitted and not answered yet.
#[derive(Debug)]
struct Flight {
    id: ClientId,
    again_at: Duration,
}

/// One room's outbox. What a method returns has changed: it is to be written down, and the window is to be told.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Pending>,
    flight: Option<Flight>,
    /// The relay or the room wants a pause until then.
    held: Option<Duration>,
    /// Committed by the relay, but that is not written down here yet.
    leaving: Vec<Pending>,
}

impl Outbox {
    /// Goes on with what the disk has, in its order.
    pub(crate) fn resume(queue: Vec<Pending>) -> Self {
        let mut queue = VecDeque::from(queue);
        for pending in &mut queue {
            if pending.state == PendingState::Sending {
                pending.state = PendingState::Queued;
            }
        }
        Self {
            queue,
            flight: None,
            held: None,
            leaving: Vec::new(),
        }
    }

    /// What `push` will take, unless it is full.
    pub(crate) fn draft(
        &self,
        submission: Submission,
        at: WallMillis,
    ) -> Result<Pending, OutboxFull> {
        if self.queue.len() >= OUTBOX_MESSAGES {
            return Err(OutboxFull);
        }
        Ok(Pending {
            id: submission.id(),
            rich: rich_of(submission.body()),
            submission,
            at,
            state: PendingState::Queued,
        })
    }

    /// Takes a message.
    pub(crate) fn push(&mut self, pending: Pending) {
        self.queue.push_back(pending);
    }

    /// Puts a failed message behind those that wait.
    pub(crate) fn retry(&mut self, id: ClientId) -> Option<Pending> {
        let failed = |pending: &Pending| {
            pending.id == id && matches!(pending.state, PendingState::Failed { .. })
        };
        let at = self.queue.iter().position(failed)?;
        let mut pending = self.queue.remove(at)?;
        pending.state = PendingState::Queued;
        self.queue.push_back(pending.clone());
        Some(pending)
    }

    /// Whether a message is here and not on its way.
    pub(crate) fn can_discard(&self, id: ClientId) -> bool {
        !self.is_flying(id) && self.has(id)
    }

    /// Takes a message out. False when it is on its way, or not here any more.
    pub(crate) fn discard(&mut self, id: ClientId) -> bool {
        !self.is_flying(id) && self.remove(id)
    }

    /// The oldest waiting message, which is on its way from now on. None while one is, when none waits, or in a pause.
    pub(crate) fn launch(&mut self, now: Duration) -> Option<Pending> {
        if self.flight.is_some() || self.held.is_some_and(|until| now < until) {
            return None;
        }
        let waiting = self
            .queue
            .iter_mut()
            .find(|pending| !matches!(pending.state, PendingState::Failed { .. }))?;
        waiting.state = PendingState::Sending;
        self.flight = Some(Flight {
            id: waiting.id,
            again_at: now + RESUBMIT_AFTER,
        });
        Some(waiting.clone())
    }

    /// When the message on its way has waited long enough for an answer.
    pub(crate) fn again_at(&self) -> Option<Duration> {
        self.flight.as_ref().map(|flight| flight.again_at)
    }

    /// Gives up waiting for an answer that is overdue: the next launch submits the same message again.
    pub(crate) fn give_up(&mut self, now: Duration) {
        self.flight.take_if(|flight| flight.again_at <= now);
    }

    /// The connection is gone: what was on its way waits again.
    pub(crate) fn ground(&mut self) -> Option<Pending> {
        let Flight { id, .. } = self.flight.take()?;
        self.set_state(id, PendingState::Queued)
    }

    /// Takes a committed message out. False if it was not here any more.
    pub(crate) fn sent(&mut self, id: ClientId) -> bool {
        self.flight.take_if(|flight| flight.id == id);
        let Some(at) = self.queue.iter().position(|pending| pending.id == id) else {
            return false;
        };
        self.leaving.extend(self.queue.remove(at));
        true
    }

    /// What was committed is written down.
    pub(crate) fn kept(&mut self) {
        self.leaving.clear();
    }

    /// What was committed is not written down: whether it stays in the relay's log is to be seen again.
    pub(crate) fn not_kept(&mut self) {
        while let Some(mut pending) = self.leaving.pop() {
            pending.state = PendingState::Queued;
            self.queue.push_front(pending);
        }
    }

    /// The relay refused a message.
    pub(crate) fn rejected(&mut self, id: ClientId, code: Reject) -> Option<Pending> {
        self.flight.take_if(|flight| flight.id == id);
        let retry = code.retry_helps();
        self.set_state(id, PendingState::Failed { code, retry })
    }

    /// The relay wants a message again, but not before `until`; what was written after it waits behind it.
    pub(crate) fn hold(&mut self, id: ClientId, until: Duration) -> Option<Pending> {
        let flying = self.flight.take_if(|flight| flight.id == id);
        flying.and_then(|_| {
            self.held = Some(until);
            self.set_state(id, PendingState::Queued)
        })
    }

    /// Until when nothing goes.
    pub(crate) fn held_until(&self) -> Option<Duration> {
        self.held
    }

    /// The pause is over. False if there was none.
    pub(crate) fn release(&mut self) -> bool {
        self.held.take().is_some()
    }

    /// Whether a message is here.
    pub(crate) fn has(&self, id: ClientId) -> bool {
        self.queue.iter().any(|pending| pending.id == id)
    }

    fn is_flying(&self, id: ClientId) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.id == id)
    }

    fn remove(&mut self, id: ClientId) -> bool {
        let before = self.queue.len();
        self.queue.retain(|pending| pending.id != id);
        self.queue.len() < before
    }

    fn set_state(&mut self, id: ClientId, state: PendingState) -> Option<Pending> {
        let pending = self.queue.iter_mut().find(|pending| pending.id == id)?;
        pending.state = state;
        Some(pending.clone())
    }
}
