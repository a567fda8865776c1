//! Changes to what is shown, and what comes of them.

use serde::{Deserialize, Serialize};

use super::{
    Comparison, Hosting, Item, LinkQuestion, LinkState, Me, MemberView, Nearby, Pending, Place,
    Recent, RoomView, Security, View,
};
use crate::door::DoorView;
use crate::event::{Body, Proof, RoomSettings};
use crate::ids::{ClientId, MemberId, RoomId, WallMillis};
use crate::limits::VIEW_ITEMS;
use crate::text::RoomName;

/// One change to a [`View`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// This installation's member has another name.
    Me {
        /// The member now.
        me: Me,
    },
    /// The recent rooms changed.
    Recents {
        /// All of them.
        recents: Vec<Recent>,
    },
    /// What the window wants kept changed.
    Prefs {
        /// All of it.
        prefs: String,
    },
    /// A room was opened.
    RoomOpened {
        /// The room, as it starts.
        room: Box<RoomView>,
    },
    /// A room was left.
    RoomLeft {
        /// Which.
        room: RoomId,
    },
    /// A room changed.
    Room {
        /// Which.
        room: RoomId,
        /// How.
        #[serde(flatten)]
        what: RoomChange,
    },
    /// A link was opened: ask what to do with it. See [`LinkQuestion`].
    LinkAsked {
        /// The question. None: the link was none that leads anywhere.
        question: Option<LinkQuestion>,
    },
    /// The rooms nearby changed.
    Nearby {
        /// All of it.
        nearby: Nearby,
    },
    /// Somebody closes the app while others are in rooms hosted here: ask.
    QuitAsked {
        /// How many others are in those rooms.
        others: u32,
    },
}

/// One change to a [`RoomView`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RoomChange {
    /// The room's name.
    Name {
        /// The name now.
        name: RoomName,
    },
    /// It is joined by another address from now on.
    Address {
        /// The address, as `host:port`.
        address: String,
    },
    /// The connection's state.
    Link {
        /// The state now.
        link: LinkState,
    },
    /// Hosting began, changed or ended.
    Hosting {
        /// Hosting now.
        hosting: Hosting,
    },
    /// The room's rules.
    Settings {
        /// They.
        settings: RoomSettings,
    },
    /// Older history came from the relay and is on this computer's disk.
    Filled {
        /// Whether anything is before the first item that the room was opened with.
        older: bool,
        /// Whether more is coming.
        filling: bool,
    },
    /// How far the room was read, or how much is not.
    Read {
        /// See [`RoomView::read`].
        read: Option<Place>,
        /// See [`RoomView::unread`].
        unread: u32,
    },
    /// What is typed and not sent was written down. The window that typed it need not be told.
    Draft {
        /// The text.
        text: String,
    },
    /// History was deleted here, as the room's rules or the person want it: this is what is left of the end.
    Cut {
        /// See [`RoomView::items`].
        items: Vec<Item>,
        /// See [`RoomView::older`].
        older: bool,
    },
    /// All who are present.
    Members {
        /// They.
        members: Vec<MemberView>,
    },
    /// One who came or changed.
    Member {
        /// The one.
        member: MemberView,
    },
    /// One who is gone.
    MemberGone {
        /// Who.
        member: MemberId,
    },
    /// New at the end of the timeline. An own message leaves the outbox by it, if it is proven to be the author's.
    Items {
        /// In order.
        items: Vec<Item>,
    },
    /// An own message entered the outbox, or its state changed.
    Pending {
        /// The message.
        pending: Pending,
    },
    /// An own message was taken out of the outbox without being sent.
    PendingGone {
        /// Which.
        id: ClientId,
    },
    /// Somebody types, or stopped.
    Typing {
        /// Who.
        member: MemberId,
        /// True while typing.
        active: bool,
    },
    /// How sure it is that this is the right room.
    Security {
        /// It now.
        security: Security,
    },
    /// How the door is. None: it is not ours to keep, or there is no connection.
    Door {
        /// It now.
        door: Option<DoorView>,
    },
    /// How a comparison of short codes is.
    Compare {
        /// It now. None: there is none any more.
        compare: Option<Comparison>,
    },
    /// The room or the relay wants a pause of us.
    Slow {
        /// See [`RoomView::slow_until`].
        #[cfg_attr(feature = "ts", ts(type = "number | null"))]
        until: Option<WallMillis>,
    },
}

impl View {
    /// The view after `change`. A change to a room that is not open is ignored: it was left meanwhile.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Me { me } => self.me = me,
            Change::Recents { recents } => self.recents = recents,
            Change::Prefs { prefs } => self.prefs = prefs,
            Change::Nearby { nearby } => self.nearby = nearby,
            Change::RoomOpened { room } => {
                self.rooms.retain(|open| open.room != room.room);
                self.rooms.push(*room);
            }
            Change::RoomLeft { room } => self.rooms.retain(|open| open.room != room),
            Change::Room { room, what } => {
                if let Some(open) = self.rooms.iter_mut().find(|open| open.room == room) {
                    open.apply(what);
                }
            }
            Change::QuitAsked { .. } | Change::LinkAsked { .. } => {}
        }
    }
}

impl RoomView {
    /// The room after `change`.
    pub fn apply(&mut self, change: RoomChange) {
        match change {
            RoomChange::Name { name } => self.name = name,
            RoomChange::Address { address } => self.address = address,
            RoomChange::Link { link } => {
                if link != LinkState::Online {
                    self.typing.clear();
                    self.door = None;
                }
                self.link = link;
            }
            RoomChange::Hosting { hosting } => self.hosting = Some(hosting),
            RoomChange::Settings { settings } => self.settings = Some(settings),
            RoomChange::Filled { older, filling } => {
                self.older |= older;
                self.filling = filling;
            }
            RoomChange::Read { read, unread } => {
                self.read = read;
                self.unread = unread;
            }
            RoomChange::Draft { text } => self.draft = text,
            RoomChange::Cut { items, older } => {
                self.items = items;
                self.older = older;
            }
            RoomChange::Members { members } => {
                self.typing.clear();
                self.members = members;
            }
            RoomChange::Member { member } => {
                match self.members.iter_mut().find(|m| m.member == member.member) {
                    Some(known) => *known = member,
                    None => self.members.push(member),
                }
            }
            RoomChange::MemberGone { member } => {
                self.members.retain(|m| m.member != member);
                self.typing.retain(|m| *m != member);
            }
            RoomChange::Items { items } => {
                for item in items {
                    if let Item::Event {
                        event,
                        proof: Proof::Author,
                        ..
                    } = &item
                    {
                        self.outbox
                            .retain(|pending| pending.submission.body() != &event.body);
                        if matches!(event.body, Body::Message { .. }) {
                            self.typing.retain(|m| *m != event.author);
                        }
                    }
                    self.items.push(item);
                }
                let over = self.items.len().saturating_sub(VIEW_ITEMS);
                self.older |= over > 0;
                self.items.drain(..over);
            }
            RoomChange::Pending { pending } => {
                match self.outbox.iter_mut().find(|p| p.id == pending.id) {
                    Some(known) => *known = pending,
                    None => self.outbox.push(pending),
                }
            }
            RoomChange::PendingGone { id } => self.outbox.retain(|pending| pending.id != id),
            RoomChange::Typing { member, active } => {
                self.typing.retain(|m| *m != member);
                if active {
                    self.typing.push(member);
                }
            }
            RoomChange::Security { security } => self.security = security,
            RoomChange::Door { door } => self.door = door,
            RoomChange::Compare { compare } => self.compare = compare,
            RoomChange::Slow { until } => self.slow_until = until,
        }
    }
}
