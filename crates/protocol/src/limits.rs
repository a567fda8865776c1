//! Every size, rate and time that ChatSpot bounds, with the reason for its number.
//!
//! Both ends read these; a relay may lower or raise those that its configuration names.

use std::time::Duration;

/// The wire version that this build speaks, lowest and highest. One number until a change breaks an old peer.
pub const PROTOCOL_MIN: u32 = 1;
/// See [`PROTOCOL_MIN`].
pub const PROTOCOL_MAX: u32 = 1;
/// The WebSocket subprotocol: JSON text frames that begin with a `greeting`.
pub const SUBPROTOCOL: &str = "chatspot.v1";
/// The path of the WebSocket endpoint on a relay.
pub const SOCKET_PATH: &str = "/ws";

/// Where a relay listens unless told otherwise. No registered service uses it.
pub const DEFAULT_PORT: u16 = 4470;
/// How many ports after the default are tried when it is busy: short enough to type them all when searching by hand.
pub const PORT_TRIES: u16 = 20;

/// Longest message text in bytes of UTF-8. Some six printed pages; longer things are files.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Longest display or room name in grapheme clusters: fits a sidebar row.
pub const MAX_NAME_GRAPHEMES: usize = 40;
/// Longest display or room name in bytes: forty graphemes of four-byte letters with an accent each.
pub const MAX_NAME_BYTES: usize = 240;
/// Longest reaction in bytes: a family of four with skin tones.
pub const MAX_REACTION_BYTES: usize = 64;
/// Longest time in days that a room may keep its history for, short of for ever: ten years.
pub const RETENTION_DAYS: u16 = 3_650;
/// Longest `software` label in bytes.
pub const MAX_SOFTWARE_BYTES: usize = 64;
/// Largest WebSocket message in bytes: a longest text with every character JSON-escaped, and its envelope.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;
/// Largest raw bytes that may arrive for one message, fragment headers included: ends floods of tiny fragments.
pub const MAX_RAW_MESSAGE_BYTES: usize = 2 * MAX_FRAME_BYTES;
/// Largest frame in bytes that a client takes from a relay: a full page of longest texts would not fit, so pages are
/// also cut by bytes (see [`PAGE_BYTES`]).
pub const MAX_SERVER_FRAME_BYTES: usize = 1024 * 1024;

/// Most events in one answer to `fetch`: a few screens.
pub const PAGE_EVENTS: u64 = 200;
/// A page ends early once its texts hold this many bytes: the answer stays far below [`MAX_SERVER_FRAME_BYTES`].
pub const PAGE_BYTES: usize = 256 * 1024;
/// Events that a newcomer gets at once.
pub const FIRST_PAGE_EVENTS: u64 = 100;
/// Events that the in-memory log keeps per room: a lively day.
pub const MEMORY_LOG_EVENTS: usize = 20_000;
/// Bytes of text that the in-memory log keeps per room: longest texts alone would otherwise fill 320 MB.
pub const MEMORY_LOG_BYTES: usize = 32 * 1024 * 1024;
/// Events after a hole that a client keeps while it fetches the hole; more are dropped and fetched later.
pub const HELD_EVENTS: usize = 1_000;
/// Timeline items per room that the client keeps in memory: the end; everything else is read from the disk.
pub const VIEW_ITEMS: usize = 500;
/// Timeline items of the room in front that the window keeps in memory: a few pages around what is being read.
pub const WINDOW_ITEMS: usize = 1_500;
/// Events that the window reads from the disk at once: a few screens.
pub const WINDOW_PAGE: usize = 200;
/// Unread messages that are counted; more are shown as "more than".
pub const UNREAD_COUNTED: u32 = 999;
/// Hits of one search.
pub const SEARCH_HITS: usize = 50;
/// Longest search in bytes: longer ones are no words any more.
pub const SEARCH_BYTES: usize = 256;
/// Longest draft in bytes: several longest messages, waiting to be cut into pieces.
pub const DRAFT_BYTES: usize = 4 * MAX_TEXT_BYTES;
/// Most bytes of preferences that a window has kept: hundreds of settings.
pub const PREFS_BYTES: usize = 16 * 1024;
/// Unsent messages per room before the composer says "wait": a day's worth without a connection.
pub const OUTBOX_MESSAGES: usize = 500;

/// Members of one room that may be present at the same time.
pub const ROOM_MEMBERS: usize = 1_000;
/// Rooms on one relay.
pub const RELAY_ROOMS: usize = 64;
/// Connections on one relay: four full rooms.
pub const RELAY_CONNECTIONS: usize = 4_096;
/// Connections from one address: a class behind one router, yet no single machine fills the relay.
pub const ADDRESS_CONNECTIONS: usize = 256;
/// Connections from one address that have not yet said `hello`: a handshake takes milliseconds.
pub const ADDRESS_UNAUTHENTICATED: usize = 32;
/// Inputs waiting for one room. When it is full the connections' readers wait, so the sockets do.
pub const ROOM_INBOX: usize = 1_024;
/// Bytes waiting for one member that reads too slowly; beyond, it is cut and may resume by `seq`.
pub const LINK_QUEUE_BYTES: usize = 1024 * 1024;
/// Bytes that the system may hold for one member and has not sent yet: what is in there cannot be overtaken, and on a
/// link of 64 kbit/s this is four seconds.
pub const LINK_UNSENT_BYTES: u32 = 32 * 1024;
/// How long a cut member gets to take its close frame.
pub const LINK_CLOSE_GRACE: Duration = Duration::from_secs(5);

/// Frames (pings included) a second that one connection may send for long; faster ones are read later, not lost.
pub const FRAMES_PER_SECOND: u32 = 30;
/// Frames that one connection may send at once before [`FRAMES_PER_SECOND`] holds: an outbox after a night offline.
pub const FRAMES_BURST: u32 = 120;

/// From TCP connect to complete request headers.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest request head in bytes. Our own clients send about 300.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Most request headers; browsers send about 20.
pub const MAX_HEADERS: usize = 64;
/// From upgrade to a valid `hello`.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// After this long without hearing anything, a side sends a ping.
pub const PING_AFTER: Duration = Duration::from_secs(20);
/// After this long without hearing anything, the connection is dead: a ping went unanswered.
pub const DEAD_AFTER: Duration = Duration::from_secs(45);
/// The relay tells the newest `seq` this often, so that a lost tail is noticed.
pub const HEAD_EVERY: Duration = Duration::from_secs(20);
/// A member whose connection broke is shown as away for this long before it counts as gone: quick reconnects stay
/// silent, and with [`DEAD_AFTER`] for a silent one nobody lingers longer than the heartbeat allows.
pub const AWAY_GRACE: Duration = Duration::from_secs(15);
/// After a restart of the relay its members are waited for this long before they count as gone: twice the longest wait
/// of a client between two tries, and a handshake.
pub const RETURN_GRACE: Duration = Duration::from_secs(40);

/// From dialling to a socket.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(6);
/// For one of several addresses of a name, within [`DIAL_TIMEOUT`]: three times a lost packet's first repetition.
pub const ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);
/// From socket to `greeting`, and from `hello` to `welcome`.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(6);
/// First wait before a redial; doubled each time, with full jitter.
pub const REDIAL_FIRST: Duration = Duration::from_millis(500);
/// Longest wait before a redial: on a local network a host that is back should be found within seconds.
pub const REDIAL_MOST: Duration = Duration::from_secs(15);
/// A client whose place was taken twice within this long stays away: two programs with one identity would otherwise
/// throw each other out for ever.
pub const REPLACED_AGAIN: Duration = Duration::from_secs(60);
/// A submitted message without an answer is submitted again after this long on the same connection.
pub const RESUBMIT_AFTER: Duration = Duration::from_secs(5);
/// A fetch without an answer is asked again after this long.
pub const REFETCH_AFTER: Duration = Duration::from_secs(4);

/// A page of older history is asked for at most this often: a small part of [`FRAMES_PER_SECOND`], so that it never
/// holds up what somebody writes.
pub const FILL_EVERY: Duration = Duration::from_millis(100);

/// A typing notice is repeated this often while typing goes on.
pub const TYPING_EVERY: Duration = Duration::from_secs(3);
/// A typing notice is forgotten after this long without another.
pub const TYPING_FOR: Duration = Duration::from_secs(7);
/// Most members that are named as typing at once; the rest would not fit the line.
pub const TYPING_MEMBERS: usize = 8;

/// Drafts of one room that wait for the disk before its inbox is left alone, and with it the sockets: two full batches.
pub const ROOM_WAITING: usize = 1_024;
/// Drafts that one commit takes: some megabytes, so that the first of them does not wait for long.
pub const COMMIT_DRAFTS: usize = 8_192;
/// Pages that one connection may ask for while another one of its own is read: a client asks for one at a time.
pub const FETCHES_WAITING: usize = 4;
/// Events that an open room remembers when it keeps nothing: enough for a short reconnect in a lively one.
pub const RECENT_EVENTS: usize = 2_000;
/// Bytes of text of these events: [`ROOM_MEMBERS`] of long texts.
pub const RECENT_BYTES: usize = 4 * 1024 * 1024;
/// Positions that are swept in one transaction when history is deleted: some ten milliseconds, so that nobody who says
/// something meanwhile notices.
pub const SWEPT_AT_ONCE: u64 = 2_000;
/// How often history that grew too old is looked for: kept an hour too long at most.
pub const TIDY_EVERY: Duration = Duration::from_hours(1);
/// How often a database is copied.
pub const BACKUP_EVERY: Duration = Duration::from_hours(24);

/// Frames that a client takes together into one transaction, where they are there already: a burst is one commit.
pub const FRAMES_AT_ONCE: usize = 64;
/// Changes waiting to be told to a window; when it is full, the rooms' tasks wait, and with them their sockets.
pub const FEED_CHANGES: usize = 1024;
/// Commands of a window waiting for one room; when it is full, the window's command waits.
pub const ROOM_COMMANDS: usize = 64;
/// Rooms open at once in one client: a sidebar's worth, each with a connection.
pub const CLIENT_ROOMS: usize = 64;
/// Recent rooms that are listed: more than anybody looks through. The history of others stays searchable.
pub const RECENT_ROOMS: usize = 200;
/// Jobs waiting for one thread of a client's store; when it is full, whoever brings the next one waits.
pub const STORE_JOBS: usize = 256;
/// Inputs that a room takes into one batch at the most: bounds the latency of the first one.
pub const ROOM_BATCH: usize = 512;
/// Bytes that a room writes at once at the most: a link that is cut keeps the chunk that is half written.
pub const ROOM_BATCH_BYTES: usize = 64 * 1024;
/// Orders that wait for the keeper of a relay's store. More are dropped: one of the same kind is waiting.
pub const KEEPER_ORDERS: usize = 4;
