//! The client against a real relay over loopback, as the window sees it.
#![allow(clippy::unwrap_used)]

#[path = "client/admission.rs"]
mod admission;
#[path = "client/durable.rs"]
mod durable;
#[path = "client/identity.rs"]
mod identity;
#[path = "client/look_up.rs"]
mod look_up;
#[path = "client/moved.rs"]
mod moved;
#[path = "client/nearby.rs"]
mod nearby;
#[path = "client/outages.rs"]
mod outages;
#[path = "client/proxy.rs"]
mod proxy;
#[path = "client/rooms.rs"]
mod rooms;
#[path = "client/secure.rs"]
mod secure;
#[path = "client/tls.rs"]
mod tls;
#[path = "client/window.rs"]
mod window;
