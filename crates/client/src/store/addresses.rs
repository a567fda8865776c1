//! Where rooms were found: a bounded number of addresses of each, and whether other rooms are looked for at all.

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::limits::NEARBY_ADDRESSES;
use chatspot_protocol::view::Discovery;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::read::room_name;
use super::schema::Room;
use super::write::Durability;
use super::{KnownAddress, Learnt, Remembered, Store, StoreError};

impl Store {
    /// The room may be at these addresses, best first: they are remembered before those that it never was at. Does
    /// nothing where the room is not there.
    pub async fn learn_addresses(
        &self,
        room: RoomId,
        addresses: Vec<Address>,
        learnt: Learnt,
    ) -> Result<(), StoreError> {
        self.write(Durability::Soon, move |tx| match Room::find(tx, room)? {
            Some(room) => learn(tx, room.number, &addresses, learnt),
            None => Ok(()),
        })
        .await
    }

    /// The room proved itself at this address `now`.
    pub async fn address_worked(
        &self,
        room: RoomId,
        address: Address,
        now: WallMillis,
    ) -> Result<(), StoreError> {
        self.write(Durability::Soon, move |tx| match Room::find(tx, room)? {
            Some(room) => worked(tx, room.number, &address, now),
            None => Ok(()),
        })
        .await
    }

    /// Where the room may be, best first: where it was last, and then what was heard of last. At most
    /// [`NEARBY_ADDRESSES`] that somebody named, and as many others.
    pub async fn addresses(&self, room: RoomId) -> Result<Vec<KnownAddress>, StoreError> {
        self.read(move |connection| match Room::find(connection, room)? {
            Some(room) => of(connection, room.number),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// Every room that was joined before, with where it may be. A room that was only ever hosted here is none of them.
    pub async fn remembered(&self) -> Result<Vec<Remembered>, StoreError> {
        self.read(remembered).await
    }

    /// Whether other rooms are looked for.
    pub async fn discovery(&self) -> Result<Discovery, StoreError> {
        self.read(discovery).await
    }

    /// Keeps that.
    pub async fn set_discovery(&self, discovery: Discovery) -> Result<(), StoreError> {
        self.write(Durability::Soon, move |tx| set_discovery(tx, discovery))
            .await
    }
}

const NAMED: u8 = 0;
const SIGHTED: u8 = 1;
const HOSTED: u8 = 2;

fn number(learnt: Learnt) -> u8 {
    match learnt {
        Learnt::Named => NAMED,
        Learnt::Sighted => SIGHTED,
        Learnt::Hosted => HOSTED,
    }
}

fn learnt(number: u8) -> Learnt {
    match number {
        NAMED => Learnt::Named,
        HOSTED => Learnt::Hosted,
        _ => Learnt::Sighted,
    }
}

/// The best first. The column `heard` grows with every time that an address of the room is heard of.
const ORDER: &str = "ORDER BY worked IS NULL, worked DESC, heard DESC";

/// The best address of the room in `rooms`, as a column.
pub(super) const BEST: &str = "coalesce((SELECT address FROM addresses
    WHERE addresses.room = rooms.number ORDER BY worked IS NULL, worked DESC, heard DESC LIMIT 1), '')";

/// See [`Store::learn_addresses`].
pub(super) fn learn(
    tx: &Transaction<'_>,
    room: i64,
    addresses: &[Address],
    how: Learnt,
) -> rusqlite::Result<()> {
    if how == Learnt::Hosted {
        // The port of the last time is nobody's now.
        tx.prepare_cached("DELETE FROM addresses WHERE room = ? AND learnt = ?")?
            .execute((room, HOSTED))?;
    }
    // The best one last, so that it is the one that was heard of last.
    for address in addresses.iter().take(NEARBY_ADDRESSES).rev() {
        tx.prepare_cached(
            "INSERT INTO addresses (room, address, learnt, heard)
             VALUES (?1, ?2, ?3, (SELECT coalesce(max(heard), 0) + 1 FROM addresses WHERE room = ?1))
             ON CONFLICT (room, address) DO UPDATE SET
                 learnt = min(learnt, excluded.learnt), heard = excluded.heard",
        )?
        .execute((room, address.to_string(), number(how)))?;
    }
    trim(tx, room)
}

fn worked(
    tx: &Transaction<'_>,
    room: i64,
    address: &Address,
    now: WallMillis,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO addresses (room, address, learnt, heard, worked)
         VALUES (?1, ?2, ?3, (SELECT coalesce(max(heard), 0) + 1 FROM addresses WHERE room = ?1),
             max(?4, (SELECT coalesce(max(worked), 0) FROM addresses WHERE room = ?1)))
         ON CONFLICT (room, address) DO UPDATE SET heard = excluded.heard, worked = excluded.worked",
    )?
    .execute((room, address.to_string(), SIGHTED, now))?;
    trim(tx, room)
}

/// Too many: those go first that the room never was at, the oldest first; then where it was longest ago. What somebody
/// named and what was only found do not take each other's places: whoever may say where a room is must not make those
/// forgotten that the person here knows of.
fn trim(tx: &Transaction<'_>, room: i64) -> rusqlite::Result<()> {
    let most = i64::try_from(NEARBY_ADDRESSES).unwrap_or(i64::MAX);
    for found in [false, true] {
        tx.prepare_cached(
            "DELETE FROM addresses WHERE room = ?1 AND address IN (
                 SELECT address FROM addresses WHERE room = ?1 AND (learnt = ?2) = ?3
                 ORDER BY worked IS NULL, worked DESC, heard DESC LIMIT -1 OFFSET ?4)",
        )?
        .execute((room, SIGHTED, found, most))?;
    }
    Ok(())
}

/// See [`Store::addresses`].
pub(super) fn of(connection: &Connection, room: i64) -> rusqlite::Result<Vec<KnownAddress>> {
    let select = format!("SELECT address, worked, learnt FROM addresses WHERE room = ? {ORDER}");
    let rows = connection
        .prepare_cached(&select)?
        .query_map([room], |row| {
            let text: String = row.get(0)?;
            let (worked, how) = (row.get(1)?, learnt(row.get(2)?));
            // What an older version took for an address.
            Ok(text.parse().ok().map(|address| KnownAddress {
                address,
                worked,
                learnt: how,
            }))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

fn remembered(connection: &Connection) -> rusqlite::Result<Vec<Remembered>> {
    let mut rooms = connection
        .prepare_cached(
            "SELECT number, room, name, joined_at FROM rooms
             WHERE room IS NOT NULL AND joined_at IS NOT NULL ORDER BY joined_at DESC, number DESC",
        )?
        .query_map([], |row| {
            let number: i64 = row.get(0)?;
            let room = Remembered {
                room: RoomId(row.get(1)?),
                name: room_name(&row.get::<_, String>(2)?)?,
                addresses: Vec::new(),
                worked: Vec::new(),
                joined_at: row.get(3)?,
            };
            Ok((number, room))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (number, room) in &mut rooms {
        let known = of(connection, *number)?;
        let elsewhere = known
            .into_iter()
            .filter(|known| known.learnt != Learnt::Hosted);
        for known in elsewhere.take(NEARBY_ADDRESSES) {
            if known.worked.is_some() {
                room.worked.push(known.address.clone());
            }
            room.addresses.push(known.address);
        }
    }
    Ok(rooms.into_iter().map(|(_, room)| room).collect())
}

fn discovery(connection: &Connection) -> rusqlite::Result<Discovery> {
    let wanted = connection
        .query_row("SELECT wanted FROM discovery", [], |row| row.get(0))
        .optional()?;
    Ok(match wanted {
        Some(false) => Discovery::Off,
        Some(true) | None => Discovery::On,
    })
}

fn set_discovery(tx: &Transaction<'_>, discovery: Discovery) -> rusqlite::Result<()> {
    let wanted = match discovery {
        Discovery::On => true,
        Discovery::Off => false,
    };
    tx.execute("DELETE FROM discovery", [])?;
    tx.execute("INSERT INTO discovery (wanted) VALUES (?)", [wanted])?;
    Ok(())
}
