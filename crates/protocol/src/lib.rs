//! ChatSpot's protocol, pure: wire frames, ids, limits, and both state machines (client session, room).
//!
//! Nothing here knows tokio, a clock, files, the network or a random generator: time and randomness are arguments,
//! so that a test owns them.

#![forbid(unsafe_code)]

pub mod address;
pub mod beacon;
pub mod compare;
pub mod door;
pub mod event;
pub mod identity;
pub mod ids;
pub mod invite;
pub mod limits;
pub mod log;
pub mod markdown;
mod outbox;
pub mod passcode;
pub mod qr;
pub mod room;
pub mod roster;
pub mod session;
pub mod text;
pub mod time;
pub mod timeline;
pub mod view;
pub mod wire;
