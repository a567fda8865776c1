//! Where a room is: its addresses, and what is done when it is found at others.

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::MemberId;
use chatspot_protocol::limits::SIGHTED_REDIAL_EVERY;
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::wire::Introduced;
use tokio::time::Instant;

use super::{Driver, Host, Line};
use crate::dial::{self, Goal, Home};
use crate::store::{KnownAddress, Learnt};
use crate::{limit, nearby, net, wall_now};

impl Driver {
    /// The room proved itself there.
    pub(super) async fn reached(&mut self, address: Address) {
        if self.host == Host::Us {
            return;
        }
        self.addresses.insert(0, address.clone());
        limit(&mut self.addresses);
        self.show_address();
        let kept = self
            .store
            .address_worked(self.room, address, wall_now())
            .await;
        if let Err(error) = kept {
            tracing::warn!(%error, "where the room is is not kept");
        }
    }

    /// Whether the connection leaves this computer at all.
    pub(super) fn is_at_home(&self) -> bool {
        self.addresses.first().is_some_and(Address::is_loopback)
    }

    /// Dials all addresses, the first one first; those that people named among them, however many were found since.
    pub(super) async fn dial(&mut self) {
        let mut addresses = self.addresses.clone();
        let home = match self.host {
            Host::Us => Home::Anywhere,
            Host::Somebody => {
                let known = self.store.addresses(self.room).await;
                let known = known.unwrap_or_else(|error| {
                    tracing::warn!(%error, "where the room was is not known");
                    Vec::new()
                });
                let home = Home::of(&known);
                for KnownAddress {
                    address, learnt, ..
                } in known
                {
                    if learnt == Learnt::Named && !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
                home
            }
        };
        let goal = Goal {
            room: self.room,
            term: self.session.term(),
            home,
        };
        self.neighbours.disconnected();
        let addresses = dial::order(&addresses, &net::networks());
        self.line = Line::Dialling(Box::pin(dial::race(goal, addresses)));
    }

    /// These first, in the place of the window's address.
    pub(super) fn set_addresses(&mut self, addresses: Vec<Address>) {
        self.addresses = addresses;
        limit(&mut self.addresses);
        self.show_address();
    }

    /// Tells the window where the room is, unless it knows.
    fn show_address(&mut self) {
        let first = self.addresses.first();
        if let Some(address) = first.filter(|first| self.shown.as_ref() != Some(*first)) {
            self.session.moved(address.to_string());
            self.shown = Some(address.clone());
        }
    }

    pub(super) async fn found_at(&mut self, mut addresses: Vec<Address>) {
        addresses.extend_from_slice(&self.addresses);
        if self.session.is_in_touch() {
            // Where the connection leads stays first.
            addresses.splice(0..0, self.addresses.first().cloned());
        }
        self.set_addresses(addresses);
        if matches!(self.line, Line::Dialling(_)) {
            self.dial().await;
        } else {
            self.session.redial();
        }
    }

    /// What was found is tried first, and at once where there is no connection; but not in a storm.
    pub(super) async fn sighted(&mut self, addresses: Vec<Address>) {
        if self.host == Host::Us || addresses.is_empty() {
            return;
        }
        let new = addresses.iter().any(|new| !self.addresses.contains(new));
        if new {
            let learnt = self
                .store
                .learn_addresses(self.room, addresses.clone(), Learnt::Sighted);
            if let Err(error) = learnt.await {
                tracing::warn!(%error, "where the room may be is not kept");
            }
        }
        let mut merged = addresses;
        merged.extend_from_slice(&self.addresses);
        if self.session.is_in_touch() {
            merged.splice(0..0, self.addresses.first().cloned());
        }
        // The window is told of the address that wins.
        limit(&mut merged);
        self.addresses = merged;
        let due = self
            .sighted
            .is_none_or(|last| last.elapsed() >= SIGHTED_REDIAL_EVERY);
        if !due {
            return;
        }
        if new && self.session.is_in_touch() {
            self.sighted = Some(Instant::now());
            self.session.doubted(self.now());
        } else if matches!(self.line, Line::Dialling(_)) {
            // The race is on, without the address that is known to be good.
            if new {
                self.sighted = Some(Instant::now());
                self.dial().await;
            }
        } else if self.session.sighted() {
            self.sighted = Some(Instant::now());
        }
    }

    /// Hands hints on to whoever looks at them.
    pub(super) fn introduced(&mut self, member: MemberId, by: DisplayName, rooms: Vec<Introduced>) {
        let (client, room) = (self.client.clone(), self.room);
        self.neighbours
            .pass_on(nearby::introduced(client, room, member, by, rooms));
    }
}
