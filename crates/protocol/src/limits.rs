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
/// Timeline items per room that the window's side keeps in memory.
pub const VIEW_ITEMS: usize = 2_000;
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

/// A typing notice is repeated this often while typing goes on.
pub const TYPING_EVERY: Duration = Duration::from_secs(3);
/// A typing notice is forgotten after this long without another.
pub const TYPING_FOR: Duration = Duration::from_secs(7);
/// Most members that are named as typing at once; the rest would not fit the line.
pub const TYPING_MEMBERS: usize = 8;
