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

/// Longest slow mode in seconds: an hour between two messages is a notice board.
pub const SLOW_SECONDS: u16 = 3_600;
/// Shortest passcode in characters: what a host types is refused below.
pub const PASSCODE_CHARS: usize = 6;
/// Longest passcode in bytes: a sentence.
pub const PASSCODE_BYTES: usize = 128;
/// Words of a generated passcode, of 2,048 each: 44 bits, at one guess every two seconds some 500,000 years.
pub const PASSCODE_WORDS: usize = 4;
/// Longest invite link in bytes: fits a QR code that a phone reads from a projector.
pub const INVITE_LINK_BYTES: usize = 2 * 1024;
/// Most addresses in an invite link.
pub const INVITE_ADDRESSES: usize = 8;
/// Invites of one room at the same time: one a pupil, and some more.
pub const ROOM_INVITES: usize = 64;
/// Longest life of an invite: a year. Nobody remembers older ones.
pub const INVITE_SECONDS: u32 = 365 * 24 * 3_600;
/// Most uses of a counted invite.
pub const INVITE_USES: u32 = 10_000;
/// People who knock at one room at the same time: as many as somebody looks through.
pub const ROOM_KNOCKS: usize = 32;
/// Banned members that the door's keepers are shown.
pub const BANNED_SHOWN: usize = 200;
/// Passcode attempts of one address at once: typing errors of a few people behind it.
pub const ADDRESS_ATTEMPTS: u32 = 5;
/// One more attempt of the same address each time.
pub const ADDRESS_ATTEMPT_EVERY: Duration = Duration::from_secs(30);
/// Passcode attempts of all addresses at once: a class that comes in together, twice.
pub const ROOM_ATTEMPTS: u32 = 60;
/// One more attempt of all addresses each time. Members need none, so a flood keeps only newcomers without an invite out.
pub const ROOM_ATTEMPT_EVERY: Duration = Duration::from_secs(2);
/// From the challenge to the end of a passcode exchange: two round trips.
pub const PASSCODE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long somebody may stand and knock: a lesson.
pub const KNOCK_FOR: Duration = Duration::from_secs(3_600);
/// Largest message of a passcode exchange in bytes.
pub const PASSCODE_MESSAGE_BYTES: usize = 1024;
/// Submissions a second of one member, for long, that a room takes: faster than anybody types and reacts.
pub const MEMBER_SUBMITS_PER_SECOND: u32 = 10;
/// Submissions of one member at once: an outbox after a night offline.
pub const MEMBER_SUBMITS_BURST: u32 = 60;
/// How long a comparison of short codes may take: two people walk up to each other.
pub const COMPARE_FOR: Duration = Duration::from_secs(600);
/// How deep blocks and inlines of one message may stand in each other: no person nests deeper.
pub const RICH_DEPTH: usize = 12;
/// Most parts of one message's tree: a page-long list.
pub const RICH_NODES: usize = 2_000;
/// Signatures of a page that are checked together. Larger batches save little more each, and one bad signature makes
/// all of its batch be checked again, one by one.
pub const SIGNATURES_AT_ONCE: usize = 64;
/// Warrants of one room that a client looks at for the name that it dialled: a relay has one a name.
pub const WARRANTS: usize = 8;
/// First wait before dialling a relay again that wants a pause: as long as it takes to be given another attempt (see
/// [`ADDRESS_ATTEMPT_EVERY`]). Doubled each time, with jitter on top.
pub const SLOW_REDIAL_FIRST: Duration = Duration::from_secs(30);
/// Longest of these waits: somebody may be looking at the window.
pub const SLOW_REDIAL_MOST: Duration = Duration::from_secs(300);
/// A submission that came too fast, without a word of how long to wait, is submitted again after this long.
pub const SLOW_SUBMIT: Duration = Duration::from_secs(5);

/// Most combining marks on one letter; more are dropped. Hebrew with vowels and accents takes five, Burmese seven, a tall
/// Tibetan stack nine; towers of them cover the lines above and make scrolling slow.
pub const MARKS_PER_GRAPHEME: usize = 12;
/// Longest link in a message in bytes, as a browser writes it: what every browser and mail program takes.
pub const LINK_BYTES: usize = 2_048;
/// Frames of one room that wait until a change of roles, rights or rules is in the log: some milliseconds' worth. Who
/// sends one more is cut, and says it again when it is back.
pub const ROOM_HELD: usize = 256;
/// Members whose speed a room remembers, present or not: some of the many that come and go within a slow mode's hour.
pub const ROOM_PACES: usize = 4_096;
/// Members that a room remembers: a school over some years, and 3 MB. Who comes in beyond that is a guest.
pub const ROOM_KNOWN: usize = 10_000;
/// A room that knows more than this forgets guests and those sent out when they leave: half of what it may know is for
/// members.
pub const ROOM_KNOWN_GUESTS: usize = ROOM_KNOWN / 2;
/// Steps of comparisons of one member at once: three comparisons, called off and begun again.
pub const MEMBER_COMPARES: u32 = 12;
/// One more step of the same member each time: people compare slower.
pub const MEMBER_COMPARE_EVERY: Duration = Duration::from_secs(2);

/// People of one address who knock at the relay's rooms at the same time: a few behind one router, and never all of
/// [`ROOM_KNOCKS`].
pub const ADDRESS_KNOCKS: usize = 8;
/// Submissions with a signature that does not fit, after which the connection ends: an honest client sends none.
pub const BAD_SIGNATURES: u32 = 3;
/// Bytes a second that one member may send for long, in all rooms together: fifteen longest messages.
pub const MEMBER_BYTES_PER_SECOND: u32 = 256 * 1024;
/// Bytes that one member may send at once: an outbox full of long messages, after a night offline.
pub const MEMBER_BYTES_BURST: u32 = 4 * 1024 * 1024;
/// Bytes a second that one address may send for long: a class behind one router, of whom some paste long texts.
pub const ADDRESS_BYTES_PER_SECOND: u32 = 2 * 1024 * 1024;
/// Bytes that one address may send at once: the outboxes of several.
pub const ADDRESS_BYTES_BURST: u32 = 32 * 1024 * 1024;
/// Shortest passphrase of an exported identity in characters: the file may be stolen, and guessed at without end.
pub const PASSPHRASE_CHARS: usize = 12;
/// Names that one member may take at once: typing errors are mended, and nobody speaks by them.
pub const MEMBER_RENAMES: u32 = 5;
/// One more name of the same member each time.
pub const MEMBER_RENAME_EVERY: Duration = Duration::from_secs(30);
/// The latest time that a clock may label something with, in milliseconds since 1970: the end of the year 9999. Beyond,
/// calendars of windows break.
pub const LATEST_LABEL: i64 = 253_402_300_799_999;
