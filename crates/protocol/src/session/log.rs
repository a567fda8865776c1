//! Events on their way to the disk, each with what vouches for it, and own messages on their way to the relay.

use std::time::Duration;

use super::link::State;
use super::{Keep, Session};
use crate::event::{Body, Event, Proof, RoomSettings, proofs};
use crate::ids::ClientId;
use crate::limits::{SLOW_SECONDS, SLOW_SUBMIT};
use crate::time::Now;
use crate::timeline::{Cursor, Learnt, Told};
use crate::view::{Pending, RoomChange};
use crate::wire::{ClientFrame, Reject};

impl Session {
    pub(super) fn event(&mut self, event: Event, now: Now) {
        let known = self.timeline.has(event.seq);
        // The answer to a message that was sent again although its event was shown long ago.
        let answered = event.body.id().filter(|id| {
            let is_own = known && event.author == self.identity.member();
            is_own && self.outbox.has(*id) && event.proof(&self.room) == Proof::Author
        });
        let learnt = self.timeline.event(event);
        self.learn(learnt, now);
        if let Some(id) = answered
            && self.outbox.sent(id)
        {
            self.keep(Keep::Gone { id });
            self.change(RoomChange::PendingGone { id });
            self.pump(now);
        }
    }

    /// Has new events written down, takes own messages among them out of the outbox, and asks for what is missing.
    pub(super) fn learn(&mut self, learnt: Option<Learnt>, now: Now) {
        let mut older = false;
        if let Some(Learnt {
            cursor,
            events,
            tail,
        }) = learnt
        {
            older = !tail && !events.is_empty();
            let mut told = self.vouch(events);
            match self.ruled(&told).filter(|_| tail) {
                None => self.keep_events(cursor, told, tail),
                Some((at, settings)) => {
                    // What comes behind new rules is kept by them.
                    let behind = told.split_off(at + 1);
                    let next = behind.first().map_or(cursor.next, |told| told.event.seq);
                    self.keep_events(Cursor { next, ..cursor }, told, tail);
                    self.rules(settings);
                    if !behind.is_empty() {
                        self.keep_events(cursor, behind, tail);
                    }
                }
            }
        }
        // In any case: another log under the same name has nothing older to wait for.
        self.fill(older);
        self.fetch(now);
        self.pump(now);
    }

    /// Events with what vouches for each. What nobody vouches for keeps its place in the order, and has no effect.
    fn vouch(&self, events: Vec<Event>) -> Vec<Told> {
        let proofs = proofs(&self.room, &events.iter().collect::<Vec<_>>());
        let told = events.into_iter().zip(proofs);
        told.map(|(event, proof)| Told { event, proof }).collect()
    }

    /// The last of these events that sets rules, by its index. One from before the welcome rules nothing any more.
    fn ruled(&self, events: &[Told]) -> Option<(usize, RoomSettings)> {
        let mut events = events.iter().enumerate().rev();
        events.find_map(|(at, Told { event, proof })| match &event.body {
            Body::Settings { settings, .. }
                if event.seq > self.ruled_at && *proof == Proof::Author =>
            {
                Some((at, *settings))
            }
            _ => None,
        })
    }

    pub(super) fn rules(&mut self, settings: RoomSettings) {
        if self.settings != Some(settings) {
            self.settings = Some(settings);
            self.keep(Keep::Settings { settings });
            self.change(RoomChange::Settings { settings });
            // What was too fast may not be any more.
            self.go_on();
        }
    }

    fn keep_events(&mut self, cursor: Cursor, events: Vec<Told>, tail: bool) {
        let me = self.identity.member();
        let proven = |told: &&Told| tail && told.proof == Proof::Author;
        for Told { event, .. } in events.iter().filter(proven) {
            if matches!(event.body, Body::Message { .. }) {
                self.typing.retain(|(typist, _)| *typist != event.author);
            }
            if let Some(id) = event.body.id().filter(|_| event.author == me) {
                self.outbox.sent(id);
            }
        }
        self.keeping = true;
        self.keep(Keep::Events {
            cursor,
            events,
            tail,
        });
    }

    /// Tells the window how older history goes.
    fn fill(&mut self, older: bool) {
        let filling = self.timeline.is_filling();
        if older || filling != self.filling {
            self.filling = filling;
            self.change(RoomChange::Filled { older, filling });
        }
    }

    pub(super) fn fetch(&mut self, now: Now) {
        if self.state == State::Online
            && let Some((from, to)) = self.timeline.poll_fetch(now.mono)
        {
            self.transmit(ClientFrame::Fetch { from, to });
        }
    }

    pub(super) fn rejected(&mut self, id: ClientId, code: Reject, wait: Option<u32>, now: Now) {
        if code == Reject::SlowDown {
            return self.slow_down(id, wait, now);
        }
        if let Some(pending) = self.outbox.rejected(id, code) {
            self.keep(Keep::Pending {
                pending: pending.clone(),
            });
            self.tell(Some(pending));
        }
        self.pump(now);
    }

    /// The message waits, and what was written after it waits behind it: it goes by itself in a while.
    fn slow_down(&mut self, id: ClientId, wait: Option<u32>, now: Now) {
        let wait = wait.map_or(SLOW_SUBMIT, |wait| Duration::from_millis(u64::from(wait)));
        let until = now.mono + wait.min(Duration::from_secs(u64::from(SLOW_SECONDS)));
        if let Some(pending) = self.outbox.hold(id, until) {
            self.tell(Some(pending));
            self.change(RoomChange::Slow {
                until: Some(now.wall_at(until)),
            });
        }
        self.pump(now);
    }

    /// The pause is over.
    pub(super) fn go_on(&mut self) {
        if self.outbox.release() {
            self.change(RoomChange::Slow { until: None });
        }
    }

    /// Sends the oldest waiting message, unless one is on its way.
    pub(super) fn pump(&mut self, now: Now) {
        if self.state != State::Online {
            return;
        }
        if let Some(pending) = self.outbox.launch(now.mono) {
            let submission = pending.submission.clone();
            self.tell(Some(pending));
            let signed = submission.sign(&self.identity, &self.room, &self.name);
            self.transmit(ClientFrame::Submit(Box::new(signed)));
        }
    }

    pub(super) fn tell(&mut self, pending: Option<Pending>) {
        if let Some(pending) = pending {
            self.change(RoomChange::Pending { pending });
        }
    }
}
