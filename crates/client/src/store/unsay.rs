//! What becomes of a message that is deleted: its text, and those of its edits, leave the disk and the search. Its place
//! stays and says that something stood there, as a `deleted` under the message's own id.
//!
//! Only what its author signed deletes anything. Whether that author may is the relay's to decide: it could as well
//! have kept the message to itself.

use chatspot_protocol::event::{Body, Event, Proof, Target};
use chatspot_protocol::timeline::Told;
use rusqlite::Transaction;

use super::schema::{TOLD, ident, json, told};

/// A message or an edit without what it said. None for everything else.
pub(super) fn unsaid(event: &Event) -> Option<Body> {
    match &event.body {
        Body::Message { id, .. } => Some(Body::Deleted {
            id: *id,
            target: Target {
                author: event.author,
                id: *id,
            },
        }),
        Body::Edited { id, target, .. } => Some(Body::Deleted {
            id: *id,
            target: *target,
        }),
        Body::Deleted { .. }
        | Body::Reacted { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Renamed { .. }
        | Body::Settings { .. }
        | Body::Moderated { .. }
        | Body::Role { .. }
        | Body::Unknown => None,
    }
}

/// What an event is about, as it stands in the column `target`: of edits and deletions alone.
pub(super) fn target_number(body: &Body) -> Option<i64> {
    match body {
        Body::Edited { target, .. } | Body::Deleted { target, .. } => Some(ident(target.id)),
        Body::Message { .. }
        | Body::Reacted { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Renamed { .. }
        | Body::Settings { .. }
        | Body::Moderated { .. }
        | Body::Role { .. }
        | Body::Unknown => None,
    }
}

/// Whether what a message or an edit says was deleted already: older history comes after newer.
pub(super) fn is_unsaid(
    tx: &Transaction<'_>,
    number: i64,
    event: &Event,
) -> rusqlite::Result<bool> {
    let about = match &event.body {
        Body::Message { id, .. } => Target {
            author: event.author,
            id: *id,
        },
        Body::Edited { target, .. } => *target,
        _ => return Ok(false),
    };
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {TOLD} FROM events WHERE room = ? AND target = ?"
    ))?;
    let mut rows = statement.query((number, ident(about.id)))?;
    while let Some(row) = rows.next()? {
        if told(row).is_ok_and(|told| deletes(&told) == Some(about)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an event deletes, if its author signed it.
pub(super) fn deletes(Told { event, proof }: &Told) -> Option<Target> {
    match &event.body {
        // A message that says so of itself is one that was deleted.
        Body::Deleted { id, target } if *proof == Proof::Author && *id != target.id => {
            Some(*target)
        }
        _ => None,
    }
}

/// Takes the text of a message, and of its edits, off the disk.
pub(super) fn unsay(tx: &Transaction<'_>, number: i64, target: Target) -> rusqlite::Result<()> {
    let key = ident(target.id);
    let found: Vec<(i64, Told)> = {
        let mut statement = tx.prepare_cached(&format!(
            "SELECT id, {TOLD} FROM events WHERE room = ?1 AND ident = ?2
             UNION ALL SELECT id, {TOLD} FROM events WHERE room = ?1 AND target = ?2"
        ))?;
        let mut rows = statement.query((number, key))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if let Ok(told) = told(row) {
                found.push((row.get("id")?, told));
            }
        }
        found
    };
    for (row, Told { event, .. }) in found {
        let about = match &event.body {
            Body::Message { id, .. } => event.author == target.author && *id == target.id,
            Body::Edited { target: of, .. } => *of == target,
            _ => false,
        };
        let Some(body) = unsaid(&event).filter(|_| about) else {
            continue;
        };
        tx.prepare_cached("DELETE FROM words WHERE rowid = ?")?
            .execute([row])?;
        tx.prepare_cached(
            "UPDATE events SET body = ?, target = ?, said = 0, signature = NULL WHERE id = ?",
        )?
        .execute((json(&body)?, target_number(&body), row))?;
    }
    Ok(())
}
