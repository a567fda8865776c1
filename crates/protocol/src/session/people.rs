//! Who is present, as this member sees them: whom the person here knows, and who looks like somebody else.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::event::Role;
use crate::ids::MemberId;
use crate::text::skeleton;
use crate::view::MemberView;
use crate::wire::Member;

/// One of them.
#[derive(Debug)]
struct Seat {
    member: Member,
    /// The same for names that look the same.
    skeleton: String,
    /// Counts those who came: smaller ones have been here longer, as far as this member knows.
    came: u64,
    /// See [`MemberView::looks_like`].
    looks_like: Option<MemberId>,
}

/// Who bears a name by right, best first: oneself, whom the person here compared codes with, the host and the owner, who
/// else keeps order, and then whoever came first.
type Rank = (u8, u64, MemberId);

/// Everybody who is present.
#[derive(Debug)]
pub(super) struct People {
    me: MemberId,
    seats: BTreeMap<MemberId, Seat>,
    /// With whom codes were compared, present or not.
    verified: BTreeSet<MemberId>,
    came: u64,
}

impl People {
    pub(super) fn new(me: MemberId, verified: Vec<MemberId>) -> Self {
        Self {
            me,
            seats: BTreeMap::new(),
            verified: verified.into_iter().collect(),
            came: 0,
        }
    }

    pub(super) fn get(&self, member: &MemberId) -> Option<&Member> {
        self.seats.get(member).map(|seat| &seat.member)
    }

    /// All of them, by a welcome. Who was here before the connection broke goes before newcomers.
    pub(super) fn welcome(&mut self, members: Vec<Member>) -> Vec<MemberView> {
        let order: Vec<MemberId> = members.iter().map(|member| member.member).collect();
        self.seats.retain(|id, _| order.contains(id));
        for member in members {
            self.sit(member);
        }
        self.mark();
        order.iter().filter_map(|id| self.view(id)).collect()
    }

    /// Somebody came or changed: they, and whoever looks like somebody else by it, or no more.
    pub(super) fn changed(&mut self, member: Member) -> Vec<MemberView> {
        let id = member.member;
        self.sit(member);
        let marked = self.mark().into_iter().filter(|other| *other != id);
        let told: Vec<MemberId> = std::iter::once(id).chain(marked).collect();
        told.iter().filter_map(|id| self.view(id)).collect()
    }

    /// Somebody is gone: whoever looks like somebody else by it, or no more.
    pub(super) fn gone(&mut self, member: &MemberId) -> Vec<MemberView> {
        self.seats.remove(member);
        let told = self.mark();
        told.iter().filter_map(|id| self.view(id)).collect()
    }

    /// The person here compared codes with somebody.
    pub(super) fn verify(&mut self, member: MemberId) -> Vec<MemberView> {
        if !self.verified.insert(member) {
            return Vec::new();
        }
        match self.get(&member).cloned() {
            Some(known) => self.changed(known),
            None => Vec::new(),
        }
    }

    fn sit(&mut self, member: Member) {
        let before = self.seats.get(&member.member);
        let seat = Seat {
            skeleton: skeleton(&member.name),
            came: before.map_or(self.came + 1, |seat| seat.came),
            looks_like: before.and_then(|seat| seat.looks_like),
            member,
        };
        self.came = self.came.max(seat.came);
        self.seats.insert(seat.member.member, seat);
    }

    /// Marks who looks like somebody with a better right to the name. Returns those whose mark is another one now.
    fn mark(&mut self) -> Vec<MemberId> {
        let mut first: HashMap<String, Rank> = HashMap::new();
        for seat in self.seats.values() {
            let rank = self.rank(seat);
            match first.entry(seat.skeleton.clone()) {
                Entry::Vacant(entry) => drop(entry.insert(rank)),
                Entry::Occupied(mut entry) => {
                    let best = rank.min(*entry.get());
                    entry.insert(best);
                }
            }
        }
        let mut anew = Vec::new();
        for (id, seat) in &mut self.seats {
            let bearer = first.get(&seat.skeleton).map(|(_, _, bearer)| *bearer);
            let looks_like = bearer.filter(|bearer| bearer != id);
            if looks_like != seat.looks_like {
                seat.looks_like = looks_like;
                anew.push(*id);
            }
        }
        anew
    }

    fn rank(&self, seat: &Seat) -> Rank {
        let member = &seat.member;
        let class = if member.member == self.me {
            0
        } else if self.verified.contains(&member.member) {
            1
        } else if member.host || member.role == Role::Owner {
            2
        } else if member.role.is_staff() {
            3
        } else {
            4
        };
        (class, seat.came, member.member)
    }

    fn view(&self, id: &MemberId) -> Option<MemberView> {
        let seat = self.seats.get(id)?;
        let Member {
            member,
            name,
            host,
            role,
            muted,
            presence,
        } = seat.member.clone();
        Some(MemberView {
            tag: member.tag(),
            verified: self.verified.contains(&member),
            looks_like: seat.looks_like,
            member,
            name,
            host,
            role,
            muted,
            presence,
        })
    }
}
