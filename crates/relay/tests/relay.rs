//! The relay over loopback: what a client of any make may do to it, and what it answers.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

#[path = "relay/admission.rs"]
mod admission;
#[path = "relay/binary.rs"]
mod binary;
#[path = "relay/durable.rs"]
mod durable;
#[path = "relay/encryption.rs"]
mod encryption;
#[path = "relay/flood.rs"]
mod flood;
#[path = "relay/frames.rs"]
mod frames;
#[path = "relay/handshake.rs"]
mod handshake;
#[path = "relay/kept.rs"]
mod kept;
#[path = "relay/membership.rs"]
mod membership;
#[path = "relay/messages.rs"]
mod messages;
#[path = "relay/neighbours.rs"]
mod neighbours;
#[path = "relay/peer.rs"]
mod peer;
#[path = "relay/raw.rs"]
mod raw;
#[path = "relay/secure.rs"]
mod secure;
#[path = "relay/surface.rs"]
mod surface;
