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

/// The version of the datagrams and of the text record of a service.
pub const BEACON_VERSION: u32 = 1;
/// Where beacons are sent and heard (UDP). The same number as the relay's port, so that one line in a firewall says both.
pub const BEACON_PORT: u16 = DEFAULT_PORT;
/// The group of beacons for IPv4: of the scope that an organisation gives out itself (RFC 2365, section 6.1).
pub const BEACON_GROUP_V4: std::net::Ipv4Addr = std::net::Ipv4Addr::new(239, 255, 68, 70);
/// The group of beacons for IPv6: a transient one of the link-local scope (RFC 4291, section 2.7).
pub const BEACON_GROUP_V6: std::net::Ipv6Addr =
    std::net::Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0x4368, 0x6174);
/// Largest beacon in bytes: longest names, JSON-escaped, in one packet of every network.
pub const BEACON_BYTES: usize = 1_200;
/// Rooms nearby that are listed: more than anybody looks through, and a bound for whoever calls out nonsense.
pub const NEARBY_ROOMS: usize = 256;
/// Rooms that one address may call out: those of a full relay.
pub const NEARBY_ROOMS_OF_ADDRESS: usize = RELAY_ROOMS;
/// Addresses of one room that are remembered and dialled.
pub const NEARBY_ADDRESSES: usize = INVITE_ADDRESSES;
/// Rooms that one member introduces.
pub const INTRODUCED_ROOMS: usize = 16;
/// Between the starts of two attempts of one race (RFC 8305, section 5: "Connection Attempt Delay").
pub const RACE_EVERY: Duration = Duration::from_millis(250);

/// Candidates of one race: a room's addresses, those without a zone once for each of a few interfaces.
pub const RANKED_ADDRESSES: usize = 2 * NEARBY_ADDRESSES;
/// Networks in which rooms are called out: more than any computer for people has, and a bound for the datagrams of one
/// call.
pub const CALLED_NETWORKS: usize = 8;
/// Networks in which is listened: Linux lets one socket be in 20 groups (`igmp_max_memberships`).
pub const HEARD_NETWORKS: usize = 16;

/// How long a room counts as there after its last beacon: three of them may be lost.
pub const SIGHTING_LASTS: Duration = Duration::from_secs(50);
/// How long a room that is gone is shown as gone: long enough to see why.
pub const NEARBY_FADE: Duration = Duration::from_secs(60);
/// Addresses of rooms nearby that are asked at the same time.
pub const PROBES_AT_ONCE: usize = 4;
/// Between two of these questions, in the long run: a list of twenty rooms is proven in ten seconds, and nobody's flood
/// of names makes this computer one.
pub const PROBE_PACE: Duration = Duration::from_millis(500);
/// Between two questions at addresses that are only remembered: two hundred rooms from last year are in no hurry.
pub const REMEMBERED_PACE: Duration = Duration::from_secs(1);
/// Before the same address is asked again at all.
pub const PROBE_SOON: Duration = Duration::from_secs(6);
/// How often rooms that nobody calls out are asked for a sign of life, while somebody looks at the list.
pub const PROBE_EVERY: Duration = Duration::from_secs(180);
/// Before an address is asked again that is called out and did not prove the room. Doubled each time.
pub const PROBE_AGAIN_FIRST: Duration = Duration::from_secs(15);
/// Longest of these waits.
pub const PROBE_AGAIN_MOST: Duration = Duration::from_secs(1_800);
/// Between two changes of the list that the window is told while somebody looks: four a second can be read.
pub const NEARBY_TELL_EVERY: Duration = Duration::from_millis(250);
/// Between two changes of the list in which nothing changed but when rooms were last heard.
pub const NEARBY_HEARD_EVERY: Duration = Duration::from_secs(5);
/// Between two questions at one address, whatever is claimed of it: what its relay called out in between is in the next.
pub const PROBE_ADDRESS_EVERY: Duration = Duration::from_secs(2);
/// Hosts of which is remembered how often they were asked: more than a /24 has.
pub const ASKED_HOSTS: usize = 1_024;
/// Introduced rooms that a room remembers for newcomers, of all members together: eight who tell of as many as they may,
/// 300 KB with the longest names, which a newcomer's link takes at once.
pub const ROOM_INTRODUCED: usize = 8 * INTRODUCED_ROOMS;
/// Introductions of one member at once: what it knows at the start, and what it finds in the first seconds.
pub const MEMBER_INTRODUCTIONS: u32 = 3;
/// One more introduction of the same member each time: rooms do not come and go faster.
pub const MEMBER_INTRODUCE_EVERY: Duration = Duration::from_secs(10);
/// Times that one member may ask at once to be dialled back: one doctor's visit, of three members.
pub const MEMBER_DIAL_BACKS: u32 = 3;
/// One more time each time: nobody's computer becomes a scanner of another.
pub const MEMBER_DIAL_BACK_EVERY: Duration = Duration::from_secs(10);
/// Whoever was asked to dial back may answer for so long: the doctor has finished by then.
pub const DIAL_BACK_FOR: Duration = Duration::from_secs(15);
/// Askers of a room who wait for an answer: a class that has the same trouble.
pub const ROOM_DIAL_BACKS: usize = 64;
/// Addresses that a scan tries at the same time: few enough for the tables of a cheap router.
pub const SCAN_AT_ONCE: usize = 32;
/// Between the starts of two attempts of a scan: fifty a second, a network in some five seconds.
pub const SCAN_PACE: Duration = Duration::from_millis(20);
/// For one attempt of a scan: whoever is in the same network answers in a tenth of it, or is asleep.
pub const SCAN_PATIENCE: Duration = Duration::from_millis(600);
/// Networks that a scan goes through: more adapters than a computer for people has.
pub const SCAN_NETWORKS: usize = 4;
/// A room that is open here has no connection for this long: it may have moved, and the network is asked.
pub const LOST_AFTER: Duration = Duration::from_secs(3);
/// For how long the network is asked for it. Beyond, who calls it out is still heard.
pub const LOST_SEARCH: Duration = Duration::from_secs(120);
/// Orders for discovery that wait: a member tells of rooms at most every few seconds, and people click.
pub const NEARBY_ORDERS: usize = 64;
/// Light modules around a QR code (ISO/IEC 18004, section 6.3.8).
pub const QR_QUIET_ZONE: u32 = 4;
/// Most pixels along a module of a QR code's picture: the largest one is 9 MB then.
pub const QR_SCALE: u32 = 16;

/// Attempts of one race at the same time: as many as start while the first ones wait for a packet's first repetition.
pub const RACE_AT_ONCE: usize = 6;
/// What one name stands for that is dialled: both families of a host with several adapters.
pub const RACE_NAMES: usize = 8;
/// A room without a connection that was found is dialled at once, but by this no more often than so: somebody may call
/// it out all the time.
pub const SIGHTED_REDIAL_EVERY: Duration = Duration::from_secs(5);
/// Between two introductions of one client in one room, see [`MEMBER_INTRODUCE_EVERY`].
pub const INTRODUCE_EVERY: Duration = Duration::from_secs(10);
/// A client dials back once in this time for the members of one room together: nobody's scanner.
pub const DIAL_BACK_EVERY: Duration = Duration::from_secs(10);
/// How long one waits to hear of being dialled back.
pub const DIAL_BACK_TIMEOUT: Duration = Duration::from_secs(8);
/// Members of one room who are asked at the same time.
pub const DIAL_BACKS_ASKED: usize = 8;
/// Where mDNS is spoken (UDP; RFC 6762).
pub const MDNS_PORT: u16 = 5353;
/// How long the doctor waits for others to answer: they answer at once, and Wi-Fi keeps groups' datagrams back for up to
/// three beacons of the access point, a third of a second.
pub const DOCTOR_LISTENS: Duration = Duration::from_secs(2);
/// How long a program of the system may take to answer the doctor.
pub const DOCTOR_PROGRAM: Duration = Duration::from_secs(3);
/// How long a shell of Windows may take: it starts for seconds on a slow disk.
pub const DOCTOR_SHELL: Duration = Duration::from_secs(6);
/// How long any one thing that the doctor looks at may take, all in all: people wait in front of it.
pub const DOCTOR_STEP: Duration = Duration::from_secs(8);
/// How long the doctor waits for somebody in the same network to take or refuse a connection.
pub const DOCTOR_DIAL: Duration = Duration::from_millis(1_500);
/// What a program of the system may print for the doctor, in bytes: the rules of a host full of containers.
pub const DOCTOR_OUTPUT_BYTES: u64 = 4 * 1024 * 1024;
/// Computers reached before that the doctor asks: enough that not all of them are switched off.
pub const DOCTOR_PEERS: usize = 8;
/// How far off a clock is told of, in seconds: below, nobody sees it in a conversation.
pub const DOCTOR_CLOCK_SECONDS: i64 = 120;
/// Members who are asked to dial back for one look at what is wrong: one may be behind the same wall, three are not.
pub const CHECKUP_ASKED: usize = 3;
/// How long each of them has: a look at what is wrong takes less than fifteen seconds.
pub const CHECKUP_PATIENCE: Duration = Duration::from_secs(8);
/// Computers that were reached before, and are asked whether they are still there.
pub const CHECKUP_PEERS: usize = 16;
/// How often an open room is called out: whoever listens has it in a quarter of a minute without asking, for one small
/// packet a second in all but the largest networks.
pub const CALL_EVERY: Duration = Duration::from_secs(15);
/// After it was opened a room is called out again after these: a lost packet costs a second, not a quarter of a minute.
pub const CALL_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Between two calls of a room that changes: members come and go in bursts.
pub const CALL_CHANGED_EVERY: Duration = Duration::from_secs(2);
/// Between the calls of two rooms: a full relay takes [`RELAY_ROOMS`] times this for all of them, less than
/// [`CALL_EVERY`].
pub const CALL_SPACING: Duration = Duration::from_millis(150);
/// Between the two farewells of a room.
pub const FAREWELL_AGAIN: Duration = Duration::from_millis(300);
/// How long an answer may wait, so that not all computers speak at once (RFC 6762, section 6: 20 to 120 ms).
pub const ANSWER_JITTER: Duration = Duration::from_millis(100);
/// Between two answers to `seek` to single addresses.
pub const ANSWER_EVERY: Duration = Duration::from_secs(1);
/// Between two answers to `seek` to all; in between, those who ask hear the one for the others.
pub const ANSWER_ALL_EVERY: Duration = Duration::from_secs(3);
/// Questions of one address that are answered at once, and after how long another one is: as many as a search begins with.
pub const ANSWERS_OF_SOURCE: u32 = 3;
/// See [`ANSWERS_OF_SOURCE`].
pub const ANSWER_SOURCE_EVERY: Duration = Duration::from_secs(10);
/// Questions that wait for their answer: a room full of people who open the app at the same time.
pub const ANSWERS_WAITING: usize = 16;
/// After the first `seek` of a search, when the next ones are sent.
pub const SEEK_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// And then so often: whatever is called out is heard anyway.
pub const SEEK_EVERY: Duration = Duration::from_secs(30);
/// Pings that are answered each second, overall and of one address: the doctor sends a few in a row.
pub const PONGS_A_SECOND: u32 = 20;
/// See [`PONGS_A_SECOND`].
pub const PONGS_OF_SOURCE_A_SECOND: u32 = 10;
/// After the first of a `ping` the second: one lost packet is no verdict.
pub const PING_AGAIN: Duration = Duration::from_millis(700);
/// Answers to a `ping` that are kept: those of a /24.
pub const ECHOES: usize = 256;
/// How often the interfaces are looked at: a change is noticed within two seconds.
pub const NETWORKS_EVERY: Duration = Duration::from_millis(1_500);
/// Datagrams a second that are read in all; the rest stays with the system, which drops it. Two full relays that open at
/// once are heard in whole.
pub const HEARD_A_SECOND: u32 = 400;
/// Datagrams a second of one address that are read: a full relay that opens, or answers.
pub const HEARD_OF_SOURCE_A_SECOND: u32 = 100;
/// Addresses whose datagrams are counted: those of a /24.
pub const HEARD_SOURCES: usize = 256;
/// Rooms of others of which is remembered where they were, to tell that they are gone.
pub const HEARD_ROOMS: usize = 1_024;
/// Between two announcements of a room by mDNS because it changed: each is a few packets of some 700 bytes.
pub const MDNS_CHANGED_EVERY: Duration = Duration::from_secs(5);
/// How often rooms that mDNS knows are told again: it keeps silent until they go, and whoever hears of rooms in other ways
/// counts the silence.
pub const MDNS_TOLD_EVERY: Duration = CALL_EVERY;
/// Longest name of a service in bytes (RFC 6763, section 4.1.1: one label).
pub const MDNS_INSTANCE_BYTES: usize = 63;
/// Introductions of one room that wait to be looked at: all that a newcomer is told at once.
pub const INTRODUCTIONS_AT_ONCE: usize = ROOM_INTRODUCED;
/// Ports that are dialled because another member names them: those of relays that people run. Whoever could name others
/// would have members try what else listens in their networks.
pub const RELAY_PORTS: std::ops::RangeInclusive<u16> = DEFAULT_PORT..=DEFAULT_PORT + PORT_TRIES - 1;
/// Datagrams a second that are looked at at all, those of hosts that say too much included: ten times what is read, and a
/// few hundredths of a processor.
pub const TAKEN_A_SECOND: u32 = 10 * HEARD_A_SECOND;
/// How long an answer to `ping` to all may wait, so that those who hear others' can keep theirs: whoever asks twice, see
/// [`PING_AGAIN`], and listens for [`DOCTOR_LISTENS`], hears both.
pub const PONG_JITTER: Duration = Duration::from_millis(500);
/// Between two answers to `ping` to all, whoever asks.
pub const PONG_ALL_EVERY: Duration = Duration::from_secs(1);
/// So many others' answers to all make one's own needless: who asks needs to hear one.
pub const PONGS_ENOUGH: usize = 3;
/// Answers to all that wait: to the two questions of one look, by both families.
pub const PONGS_WAITING: usize = 4;
/// Questions that are known to be answered: those of three seconds.
pub const PINGS_REMEMBERED: usize = 3 * PONGS_A_SECOND as usize;

/// For a sign of life on a connection whose room was just found at another address: what a crowded Wi-Fi takes, several
/// times.
pub const DOUBTED_FOR: Duration = Duration::from_secs(5);
