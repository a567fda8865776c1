//! What is said in a room, read, kept and searched.

use std::path::PathBuf;

use chatspot_protocol::event::Submission;
use chatspot_protocol::ids::{ClientId, RoomId};
use chatspot_protocol::limits::PREFS_BYTES;
use chatspot_protocol::text::MessageText;
use chatspot_protocol::view::{
    Change, ExportFormat, Failure, FailureCode, Hits, Page, PageAt, Place, RoomChange,
};
use tokio::sync::oneshot;

use crate::driver::{Command, Mark};
use crate::failure::{bad_text, failure, not_open, storage};
use crate::{Client, random};

impl Client {
    /// Writes a message: it is in the outbox when this returns.
    pub async fn send(&self, room: RoomId, text: &str) -> Result<(), Failure> {
        let text = MessageText::parse(text).map_err(|bad| bad_text(&bad))?;
        let submission = Submission::message(ClientId(random()?), text);
        self.submit(room, submission).await
    }

    pub(crate) async fn submit(&self, room: RoomId, submission: Submission) -> Result<(), Failure> {
        let (taken, answer) = oneshot::channel();
        self.command(room, Command::Submit { submission, taken })
            .await?;
        answer.await.map_err(|_| not_open(room))?
    }

    /// Sends a failed message again.
    pub async fn retry(&self, room: RoomId, id: ClientId) -> Result<(), Failure> {
        self.command(room, Command::Retry { id }).await
    }

    /// Takes an unsent message out of the outbox.
    ///
    /// False when it is on its way or was sent already.
    pub async fn discard(&self, room: RoomId, id: ClientId) -> Result<bool, Failure> {
        let (sender, taken) = oneshot::channel();
        self.command(room, Command::Discard { id, taken: sender })
            .await?;
        taken.await.map_err(|_| not_open(room))?
    }

    /// Tells the others that one is typing, or stopped.
    pub async fn typing(&self, room: RoomId, active: bool) -> Result<(), Failure> {
        self.command(room, Command::Typing { active }).await
    }

    /// A part of an open room's timeline, from this computer's disk.
    pub async fn page(&self, room: RoomId, at: PageAt) -> Result<Page, Failure> {
        let page = self.0.store.page(room, at).await;
        page.map_err(|error| storage(&error))
    }

    /// Everything up to that place was seen.
    pub async fn read(&self, room: RoomId, place: Place) -> Result<(), Failure> {
        let mark = Mark::UpTo(place);
        self.command(room, Command::Read { mark }).await
    }

    /// From that place on everything counts as unread.
    pub async fn unread_from(&self, room: RoomId, place: Place) -> Result<(), Failure> {
        let mark = Mark::UnreadFrom(place);
        self.command(room, Command::Read { mark }).await
    }

    /// Keeps what is typed and not sent.
    pub async fn save_draft(&self, room: RoomId, text: String) -> Result<(), Failure> {
        let kept = self.0.store.save_draft(room, text.clone()).await;
        kept.map_err(|error| storage(&error))?;
        let what = RoomChange::Draft { text };
        self.publish(Change::Room { room, what }).await;
        Ok(())
    }

    /// Keeps what the window wants kept; at most [`chatspot_protocol::limits::PREFS_BYTES`].
    pub async fn set_prefs(&self, prefs: String) -> Result<(), Failure> {
        if prefs.len() > PREFS_BYTES {
            return Err(failure(FailureCode::TooLong, "too many preferences"));
        }
        let kept = self.0.store.set_prefs(prefs.clone()).await;
        kept.map_err(|error| storage(&error))?;
        self.publish(Change::Prefs { prefs }).await;
        Ok(())
    }

    /// Messages that hold the words of `query`, newest first, in one room or in all; the next ones before `before`.
    pub async fn search(
        &self,
        room: Option<RoomId>,
        query: String,
        before: Option<i64>,
    ) -> Result<Hits, Failure> {
        let hits = self.0.store.search(room, query, before).await;
        hits.map_err(|error| storage(&error))
    }

    /// Writes a room's history to a new file in `folder`. Returns where.
    pub async fn export(
        &self,
        room: RoomId,
        format: ExportFormat,
        folder: PathBuf,
    ) -> Result<PathBuf, Failure> {
        let view = self.0.feed.view().await;
        let open = view.rooms.into_iter().find(|open| open.room == room);
        let stem = format!("ChatSpot {}", open.ok_or_else(|| not_open(room))?.name);
        let path = self.0.store.export(room, format, folder, stem).await;
        path.map_err(|error| storage(&error))
    }
}
