//! What discovery has to know of the rooms that are open in the window.

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::view::{AddressKind, Change, LinkState, RoomChange, RoomView, View};
use chatspot_protocol::wire::RoomSummary;

use super::room::{Open, Presence, Secrecy};

/// It, as the feed keeps it up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    /// Rooms that are open.
    pub(crate) open: Vec<Open>,
    /// Rooms that are remembered, and since when: other ones may be found in the store when these change.
    pub(crate) recents: Vec<(RoomId, WallMillis)>,
}

impl Digest {
    pub(crate) fn of(view: &View) -> Self {
        let recents = view.recents.iter();
        Self {
            open: view.rooms.iter().map(open).collect(),
            recents: recents
                .map(|recent| (recent.room, recent.joined_at))
                .collect(),
        }
    }
}

/// Whether a change can change the digest.
pub(crate) fn concerns(change: &Change) -> bool {
    match change {
        Change::RoomOpened { .. } | Change::RoomLeft { .. } | Change::Recents { .. } => true,
        Change::Room { what, .. } => match what {
            RoomChange::Name { .. }
            | RoomChange::Address { .. }
            | RoomChange::Link { .. }
            | RoomChange::Hosting { .. }
            | RoomChange::Settings { .. }
            | RoomChange::Members { .. }
            | RoomChange::Member { .. }
            | RoomChange::MemberGone { .. } => true,
            RoomChange::Filled { .. }
            | RoomChange::Read { .. }
            | RoomChange::Draft { .. }
            | RoomChange::Cut { .. }
            | RoomChange::Items { .. }
            | RoomChange::Pending { .. }
            | RoomChange::PendingGone { .. }
            | RoomChange::Typing { .. }
            | RoomChange::Security { .. }
            | RoomChange::Door { .. }
            | RoomChange::Compare { .. }
            | RoomChange::Slow { .. } => false,
        },
        Change::Me { .. }
        | Change::Prefs { .. }
        | Change::Nearby { .. }
        | Change::QuitAsked { .. }
        | Change::LinkAsked { .. } => false,
    }
}

fn open(room: &RoomView) -> Open {
    let settings = room.settings.unwrap_or_default();
    let presence = match (&room.hosting, &room.link) {
        (Some(hosting), _) if hosting.running => Presence::Hosted,
        (Some(_), _) => Presence::HostedIdle,
        (None, LinkState::Online) => Presence::Online,
        (None, LinkState::Connecting | LinkState::Waiting { .. }) => Presence::Lost,
        (None, LinkState::Passcode { .. } | LinkState::Knocking | LinkState::Closed { .. }) => {
            Presence::Closed
        }
    };
    let host = room.members.iter().find(|member| member.host);
    let addresses: Vec<Address> = match &room.hosting {
        Some(hosting) => hosting
            .addresses
            .iter()
            .filter(|address| address.kind != AddressKind::Loopback)
            .filter_map(|address| address.address.parse().ok())
            .collect(),
        None => room.address.parse().into_iter().collect(),
    };
    Open {
        summary: RoomSummary {
            room: room.room,
            name: room.name.clone(),
            host: host.map(|member| member.name.clone()),
            online: u32::try_from(room.members.len()).unwrap_or(u32::MAX),
            full: false,
            admission: settings.admission,
            locked: settings.locked,
            hidden: settings.hidden,
        },
        addresses,
        presence,
        secrecy: match room.settings {
            Some(settings) if !settings.hidden => Secrecy::Public,
            Some(_) | None => Secrecy::Hidden,
        },
    }
}
