//! Comparing short codes with somebody in the room: [`crate::compare`] over the connection, and what a match is worth.

use super::link::State;
use super::{Keep, NotConnected, Session, Trust};
use crate::compare::{Act, CompareStep, CompareWish};
use crate::event::Role;
use crate::ids::{MemberId, Share};
use crate::time::Now;
use crate::view::{CompareStage, Comparison, RoomChange, Verified};
use crate::wire::ClientFrame;

impl Session {
    pub(super) fn wish(
        &mut self,
        wish: CompareWish,
        share: Share,
        now: Now,
    ) -> Result<(), NotConnected> {
        let online = self.state == State::Online;
        let can = match wish {
            CompareWish::Ask { member } => online && self.people.get(&member).is_some(),
            CompareWish::Accept => online,
            // Of what is on both screens the other end needs to hear nothing more.
            CompareWish::Match | CompareWish::Differ | CompareWish::Stop => true,
        };
        let key = self.way.key().filter(|_| can).ok_or(NotConnected)?;
        self.compare.wish(key, wish, share, now.mono);
        self.go_on_comparing();
        Ok(())
    }

    pub(super) fn compared(&mut self, from: MemberId, step: CompareStep, now: Now) {
        if self.people.get(&from).is_some()
            && let Some(key) = self.way.key()
        {
            self.compare.step(key, from, step, now.mono);
            self.go_on_comparing();
        }
    }

    /// Does what the comparison wants done.
    pub(super) fn go_on_comparing(&mut self) {
        for act in self.compare.take() {
            match act {
                Act::Send(member, step) if self.state == State::Online => {
                    self.transmit(ClientFrame::Compare { member, step });
                }
                // It ends there by itself.
                Act::Send(..) => {}
                Act::Show(shown) => self.show_comparison(shown),
                Act::Verified(member) => self.matched(member),
            }
        }
    }

    fn show_comparison(&mut self, shown: Option<(MemberId, CompareStage)>) {
        let before = self.comparison.take();
        self.comparison = shown.and_then(|(member, stage)| {
            let present = self.people.get(&member).map(|known| known.name.clone());
            // Who is gone by now was shown with a name before.
            let known = before.filter(|before| before.member == member);
            let name = present.or(known.map(|known| known.name))?;
            Some(Comparison {
                member,
                name,
                stage,
            })
        });
        let compare = self.comparison.clone();
        self.change(RoomChange::Compare { compare });
    }

    /// Codes were compared with this member, in another room: it says who they are, not that this room is theirs.
    pub fn verified(&mut self, member: MemberId) {
        let changed = self.people.verify(member);
        self.show_members(changed);
    }

    /// The codes match: it is them, and they mean this room, whose key is part of the code.
    fn matched(&mut self, member: MemberId) {
        self.keep(Keep::Verified { member });
        self.verified(member);
        let keeper = self.people.get(&member);
        if keeper.is_some_and(|keeper| keeper.host || keeper.role == Role::Owner) {
            self.trust(Trust {
                verified: self.trust.verified.max(Verified::Compared),
                ..self.trust
            });
        }
    }
}
