//! Who may come in and what they may do: orders to a room and to its door. Whether one is allowed is the relay's to say.

use std::net::IpAddr;

use chatspot_protocol::address::Address;
use chatspot_protocol::compare::CompareWish;
use chatspot_protocol::door::DoorOrder;
use chatspot_protocol::event::{Body, Moderation, Role, RoomSettings, Submission, Target};
use chatspot_protocol::ids::{ClientId, InviteId, MemberId, RoomId, Token};
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::limits::INVITE_ADDRESSES;
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::view::{Failure, FailureCode, RoomView};
use tokio::sync::oneshot;

use crate::driver::Command;
use crate::failure::{bad_passcode, failure, not_open, storage};
use crate::{Client, limit, random};

impl Client {
    /// Sets the room's rules.
    pub async fn set_settings(&self, room: RoomId, settings: RoomSettings) -> Result<(), Failure> {
        let submission = Submission::settings(ClientId(random()?), settings);
        self.submit(room, submission).await
    }

    /// Does something to a member.
    pub async fn moderate(
        &self,
        room: RoomId,
        member: MemberId,
        action: Moderation,
    ) -> Result<(), Failure> {
        let id = ClientId(random()?);
        self.act(room, Body::Moderated { id, member, action }).await
    }

    /// Gives a member another role.
    pub async fn set_role(
        &self,
        room: RoomId,
        member: MemberId,
        role: Role,
    ) -> Result<(), Failure> {
        let id = ClientId(random()?);
        self.act(room, Body::Role { id, member, role }).await
    }

    /// Deletes a message.
    pub async fn delete_message(&self, room: RoomId, target: Target) -> Result<(), Failure> {
        let id = ClientId(random()?);
        self.act(room, Body::Deleted { id, target }).await
    }

    async fn act(&self, room: RoomId, body: Body) -> Result<(), Failure> {
        let submission = Submission::of(body)
            .map_err(|bad| failure(FailureCode::Internal, format!("{bad:?}")))?;
        self.submit(room, submission).await
    }

    /// Tries a passcode at the door.
    pub async fn passcode(&self, room: RoomId, text: &str) -> Result<(), Failure> {
        let passcode = Passcode::parse(text).map_err(bad_passcode)?;
        self.command(room, Command::Passcode { passcode }).await
    }

    /// Gives the room another passcode.
    pub async fn set_passcode(&self, room: RoomId, text: &str) -> Result<(), Failure> {
        let passcode = Passcode::parse(text).map_err(bad_passcode)?;
        self.door(room, DoorOrder::Passcode { passcode }).await
    }

    /// Makes an invite, and the link that brings it.
    pub async fn make_invite(
        &self,
        room: RoomId,
        role: Role,
        uses: Option<u32>,
        seconds: Option<u32>,
    ) -> Result<String, Failure> {
        let token = Token(random()?);
        let link = self.link(&self.open_view(room).await?, Some(token)).await?;
        let order = DoorOrder::Invite {
            token,
            role,
            uses,
            seconds,
        };
        self.door(room, order).await?;
        Ok(link)
    }

    /// The link of an invite that the door has. With none: a link that only leads there.
    pub async fn invite_link(
        &self,
        room: RoomId,
        invite: Option<InviteId>,
    ) -> Result<String, Failure> {
        let view = self.open_view(room).await?;
        let token = match invite {
            None => None,
            Some(id) => {
                let invites = view.door.as_ref().map(|door| door.invites.as_slice());
                let mut invites = invites.unwrap_or_default().iter();
                let found = invites.find(|invite| invite.id == id);
                let gone = || failure(FailureCode::NotAllowed, "this invite is not at hand");
                Some(found.ok_or_else(gone)?.token)
            }
        };
        self.link(&view, token).await
    }

    /// An invite holds no longer.
    pub async fn revoke_invite(&self, room: RoomId, invite: InviteId) -> Result<(), Failure> {
        self.door(room, DoorOrder::Revoke { invite }).await
    }

    /// Answers somebody who knocks.
    pub async fn answer_knock(
        &self,
        room: RoomId,
        member: MemberId,
        admit: bool,
    ) -> Result<(), Failure> {
        self.door(room, DoorOrder::Answer { member, admit }).await
    }

    /// Goes on with a comparison of short codes.
    pub async fn compare(&self, room: RoomId, wish: CompareWish) -> Result<(), Failure> {
        let (sent, answer) = oneshot::channel();
        self.command(room, Command::Compare { wish, sent }).await?;
        answer.await.map_err(|_| not_open(room))?
    }

    async fn door(&self, room: RoomId, order: DoorOrder) -> Result<(), Failure> {
        let (sent, answer) = oneshot::channel();
        self.command(room, Command::Door { order, sent }).await?;
        answer.await.map_err(|_| not_open(room))?
    }

    async fn open_view(&self, room: RoomId) -> Result<RoomView, Failure> {
        let view = self.0.feed.view().await;
        let open = view.rooms.into_iter().find(|open| open.room == room);
        open.ok_or_else(|| not_open(room))
    }

    /// A link to a room: where it is hosted, or where we joined it.
    async fn link(&self, view: &RoomView, token: Option<Token>) -> Result<String, Failure> {
        let (answer, key) = oneshot::channel();
        self.command(view.room, Command::Key { answer }).await?;
        let key = key.await.map_err(|_| not_open(view.room))?;
        let key = key.ok_or_else(|| {
            failure(
                FailureCode::NotConnected,
                "the room has not told its key yet",
            )
        })?;
        let addresses = match view.hosting.as_ref().filter(|hosting| hosting.running) {
            Some(hosting) => {
                let ranked = hosting.addresses.iter();
                ranked
                    .filter_map(|address| address.address.parse().ok())
                    .collect()
            }
            None => self.known_addresses(view).await?,
        };
        let addresses = for_others(addresses);
        let link = InviteLink {
            key,
            token,
            name: Some(view.name.clone()),
            addresses: addresses.into_iter().take(INVITE_ADDRESSES).collect(),
        };
        Ok(link.encode())
    }

    /// Where the room is, and where else it was: what others can try.
    async fn known_addresses(&self, view: &RoomView) -> Result<Vec<Address>, Failure> {
        let known = self.0.store.addresses(view.room).await;
        let known = known.map_err(|error| storage(&error))?;
        let mut addresses: Vec<Address> = view.address.parse().into_iter().collect();
        let worked = known.into_iter().filter(|known| known.worked.is_some());
        addresses.extend(worked.map(|known| known.address));
        limit(&mut addresses);
        Ok(addresses)
    }
}

/// Addresses as others can use them: those of this computer alone only where there are no others, those of one link last,
/// since only who is on it can use them.
fn for_others(mut addresses: Vec<Address>) -> Vec<Address> {
    if addresses.iter().any(|address| !address.is_loopback()) {
        addresses.retain(|address| !address.is_loopback());
    }
    addresses.sort_by_key(is_of_link);
    addresses
}

fn is_of_link(address: &Address) -> bool {
    let number = address.host.split('%').next().unwrap_or_default();
    match number.parse() {
        Ok(IpAddr::V4(v4)) => v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_unicast_link_local(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_given_addresses_that_they_can_use() {
        let given = |texts: &[&str]| {
            let addresses = texts.iter().map(|text| text.parse().unwrap()).collect();
            let given = for_others(addresses).into_iter();
            given.map(|address| address.short()).collect::<Vec<_>>()
        };
        let all = [
            "127.0.0.1",
            "[fe80::1%eth0]:4470",
            "169.254.1.1",
            "localhost",
            "10.0.0.1",
            "[fd00::1]:4470",
        ];
        let useful = [
            "10.0.0.1",
            "[fd00::1]:4470",
            "[fe80::1%eth0]:4470",
            "169.254.1.1",
        ];
        assert_eq!(given(&all), useful);
        assert_eq!(given(&["127.0.0.1"]), ["127.0.0.1"]);
    }
}
