//! A room within a transaction: what becomes of its drafts, and what will be seen of it after the commit.

use std::collections::HashMap;
use std::sync::Arc;

use chatspot_protocol::event::{Body, Draft, Event, Retention, RoomSettings, Target};
use chatspot_protocol::ids::{ClientId, MemberId, Seq, WallMillis};
use chatspot_protocol::log::Appended;
use chatspot_protocol::roster::Roster;
use rusqlite::{OptionalExtension, Transaction};

use super::pages::{self, Found, int, seq};
use super::state::{Shared, keeps};

/// A room as it will be after the commit.
pub(super) struct Staged {
    room: Arc<Shared>,
    /// The head before.
    before: Seq,
    first: Seq,
    head: Seq,
    settings: RoomSettings,
    /// Copied from the room when an event first changes it, which few do.
    roster: Option<Roster>,
    /// What was appended since nothing is kept.
    fresh: Vec<Event>,
    /// Whether from now on something is written down that was not before, or the other way round.
    turned: bool,
    /// Whether something that was written down is shown no more.
    forgets: bool,
}

impl Staged {
    pub(super) fn new(room: Arc<Shared>) -> Self {
        let (first, head, settings) = {
            let state = room.state();
            (state.first, state.head, state.settings)
        };
        Self {
            room,
            before: head,
            first,
            head,
            settings,
            roster: None,
            fresh: Vec::new(),
            turned: false,
            forgets: false,
        }
    }

    pub(super) fn append(
        &mut self,
        tx: &Transaction<'_>,
        authors: &mut HashMap<MemberId, i64>,
        draft: &Draft,
    ) -> Found<Appended> {
        let author = author_row(tx, authors, draft.author)?;
        let id = draft.body.id();
        if let Some(id) = id {
            if let Some(appended) = self.again(tx, author, id, draft)? {
                return Ok(appended);
            }
            if let Some(target) = draft.body.target()
                && !self.has_message(tx, target)?
            {
                return Ok(Appended::NoTarget(id));
            }
        }
        self.head = self.head.next();
        let event = draft.clone().at_seq(self.head);
        let new = match &event.body {
            Body::Settings { settings, .. } => Some(*settings),
            _ => None,
        };
        let kept_before = keeps(self.settings);
        self.settings = new.unwrap_or(self.settings);
        let kept = keeps(self.settings).then(|| (event.name.as_str(), json(&event.body)));
        let signature = event.signature.filter(|_| kept.is_some());
        let (name, body) = kept.unzip();
        let sql = "INSERT INTO events (room, seq, at, author, name, client_id, body, signature)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        tx.prepare_cached(sql)?.execute((
            self.room.row,
            int(event.seq),
            event.at,
            author,
            name,
            id.map(|id| id.0),
            body,
            signature.map(|signature| signature.0),
        ))?;
        if new.is_some() {
            self.rule(tx, kept_before, event.at)?;
        }
        self.presence(tx, author, &event)?;
        self.standing(tx, authors, &event)?;
        if !keeps(self.settings) {
            self.fresh.push(event.clone());
        }
        Ok(Appended::New(event))
    }

    /// Writes down who is in the room by the log.
    fn presence(&self, tx: &Transaction<'_>, author: i64, event: &Event) -> Found<()> {
        let row = self.room.row;
        match &event.body {
            Body::Joined { .. } | Body::Renamed { .. } if keeps(self.settings) => {
                let sql = "INSERT OR REPLACE INTO present (room, author, name) VALUES (?1, ?2, ?3)";
                tx.prepare_cached(sql)?
                    .execute((row, author, event.name.as_str()))?;
            }
            Body::Left { .. } => {
                let sql = "DELETE FROM present WHERE room = ?1 AND author = ?2";
                tx.prepare_cached(sql)?.execute((row, author))?;
            }
            Body::Settings { .. } if !keeps(self.settings) => {
                tx.execute("DELETE FROM present WHERE room = ?1", [row])?;
            }
            Body::Joined { .. }
            | Body::Renamed { .. }
            | Body::Settings { .. }
            | Body::Message { .. }
            | Body::Edited { .. }
            | Body::Deleted { .. }
            | Body::Reacted { .. }
            | Body::Moderated { .. }
            | Body::Role { .. }
            | Body::Unknown => {}
        }
        Ok(())
    }

    /// Writes down what the room now knows of whom the event is about.
    fn standing(
        &mut self,
        tx: &Transaction<'_>,
        authors: &mut HashMap<MemberId, i64>,
        event: &Event,
    ) -> Found<()> {
        match &event.body {
            Body::Joined { .. }
            | Body::Renamed { .. }
            | Body::Moderated { .. }
            | Body::Role { .. } => {}
            Body::Left { .. }
            | Body::Settings { .. }
            | Body::Message { .. }
            | Body::Edited { .. }
            | Body::Deleted { .. }
            | Body::Reacted { .. }
            | Body::Unknown => return Ok(()),
        }
        let room = &self.room;
        let roster = self
            .roster
            .get_or_insert_with(|| room.state().roster.clone());
        for member in roster.apply(event) {
            let author = author_row(tx, authors, member)?;
            let sql = "INSERT OR REPLACE INTO roster (room, author, standing) VALUES (?1, ?2, ?3)";
            if let Some(standing) = roster.get(&member) {
                tx.prepare_cached(sql)?
                    .execute((room.row, author, json(standing)))?;
            }
        }
        Ok(())
    }

    /// The rules changed with the event at the head, `now`.
    fn rule(&mut self, tx: &Transaction<'_>, kept_before: bool, now: WallMillis) -> Found<()> {
        let (row, first, head) = (self.room.row, self.first, self.head);
        if keeps(self.settings) && kept_before {
            self.first = oldest_kept(tx, row, first, head, self.settings.retention, now)?;
        } else if keeps(self.settings) != kept_before {
            // What is in memory is not on the disk, and the other way round: the log begins here.
            self.first = head;
            self.fresh.clear();
            self.turned = true;
        }
        self.forgets |= kept_before && self.first > first;
        let sql = "UPDATE rooms SET settings = ?2 WHERE id = ?1";
        tx.prepare_cached(sql)?
            .execute((row, json(&self.settings)))?;
        Ok(())
    }

    /// What a draft is whose id its author used before.
    fn again(
        &self,
        tx: &Transaction<'_>,
        author: i64,
        id: ClientId,
        draft: &Draft,
    ) -> Found<Option<Appended>> {
        let sql = "SELECT seq, at, name, body, signature FROM events
            WHERE room = ?1 AND author = ?2 AND client_id = ?3";
        let found = tx
            .prepare_cached(sql)?
            .query_row((self.room.row, author, id.0), |row| {
                let name: Option<String> = row.get(2)?;
                let body: Option<String> = row.get(3)?;
                Ok((seq(row.get(0)?), row.get(1)?, name.zip(body), row.get(4)?))
            })
            .optional()?;
        let Some((seq, at, kept, signature)) = found else {
            return Ok(None);
        };
        let event = match kept {
            Some((name, body)) => pages::event(seq, at, draft.author, &name, &body, signature),
            None => self.remembered(seq),
        };
        Ok(Some(match event {
            Some(event) if event.body == draft.body => Appended::Again(event),
            Some(_) => Appended::Conflict(id),
            // It is the same by its id; what it said is not known any more.
            None => {
                let draft = draft.clone();
                Appended::Again(Draft { at, ..draft }.at_seq(seq))
            }
        }))
    }

    /// An event that is in memory only.
    fn remembered(&self, seq: Seq) -> Option<Event> {
        let fresh = self.fresh.iter().find(|event| event.seq == seq);
        fresh
            .cloned()
            .or_else(|| self.room.state().recent.get(seq).cloned())
    }

    /// Whether that message is in the log. One whose text is gone is.
    fn has_message(&self, tx: &Transaction<'_>, target: &Target) -> Found<bool> {
        let sql = "SELECT seq, body ->> 'kind' FROM events
            WHERE room = ?1 AND author = (SELECT id FROM authors WHERE member = ?2) AND client_id = ?3";
        let found: Option<(i64, Option<String>)> = tx
            .prepare_cached(sql)?
            .query_row((self.room.row, target.author.0, target.id.0), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(match found {
            Some((_, Some(kind))) => kind == "message",
            Some((number, None)) => self
                .remembered(seq(number))
                .is_none_or(|event| matches!(event.body, Body::Message { .. })),
            None => false,
        })
    }

    /// Whether something that was written down is shown no more.
    pub(super) fn forgets(&self) -> bool {
        self.forgets
    }

    /// Writes down what became of the room itself.
    pub(super) fn finish(&mut self, tx: &Transaction<'_>) -> Found<()> {
        if self.head == self.before {
            return Ok(());
        }
        if !keeps(self.settings) {
            // Rows that hold nothing, not even an id. The newest says how far the log is.
            let sql = "DELETE FROM events
                WHERE room = ?1 AND seq >= ?2 AND seq < ?3 AND client_id IS NULL AND body IS NULL";
            let range = (self.room.row, int(self.before), int(self.head));
            tx.prepare_cached(sql)?.execute(range)?;
        }
        set_first(tx, self.room.row, self.first)
    }

    /// After the commit: from now on everybody sees it.
    pub(super) fn show(self) {
        let mut state = self.room.state();
        state.head = self.head;
        if self.turned {
            state.recent.clear();
        }
        state.settings = self.settings;
        if let Some(roster) = self.roster {
            state.roster = roster;
        }
        for event in self.fresh {
            state.recent.push(event);
        }
        state.first = if keeps(self.settings) {
            self.first
        } else {
            state.recent.first().unwrap_or(self.head.next())
        };
    }
}

fn author_row(
    tx: &Transaction<'_>,
    authors: &mut HashMap<MemberId, i64>,
    member: MemberId,
) -> Found<i64> {
    if let Some(row) = authors.get(&member) {
        return Ok(*row);
    }
    let sql = "INSERT INTO authors (member) VALUES (?1) ON CONFLICT DO NOTHING";
    tx.prepare_cached(sql)?.execute([member.0])?;
    let sql = "SELECT id FROM authors WHERE member = ?1";
    let row = tx
        .prepare_cached(sql)?
        .query_row([member.0], |row| row.get(0))?;
    authors.insert(member, row);
    Ok(row)
}

/// The first position from `first` on that is young enough; everything before it goes, whatever its clock said.
pub(super) fn oldest_kept(
    tx: &Transaction<'_>,
    row: i64,
    first: Seq,
    head: Seq,
    retention: Retention,
    now: WallMillis,
) -> Found<Seq> {
    let Some(cutoff) = retention.cutoff(now) else {
        return Ok(first);
    };
    let sql =
        "SELECT seq FROM events WHERE room = ?1 AND seq >= ?2 AND at >= ?3 ORDER BY seq LIMIT 1";
    let young: Option<i64> = tx
        .prepare_cached(sql)?
        .query_row((row, int(first), cutoff), |row| row.get(0))
        .optional()?;
    Ok(young.map_or(head.next(), seq))
}

pub(super) fn set_first(tx: &Transaction<'_>, row: i64, first: Seq) -> Found<()> {
    let sql = "UPDATE rooms SET first = ?2 WHERE id = ?1 AND first <> ?2";
    tx.prepare_cached(sql)?.execute((row, int(first)))?;
    Ok(())
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("events have string keys only, so they are always JSON")
}
