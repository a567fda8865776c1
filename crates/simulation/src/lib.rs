//! The real relay and the real clients together in a simulated network, with a clock of its own: partitions, held and
//! lost packets, crashes and restarts, all from a seed. The checker of chatspot-proof says whether something was lost.
//!
//! Not part of the app, and empty without the feature `simulation`; see crates/proof/README.md.

#![cfg(feature = "simulation")]

pub mod chance;
mod member;
pub mod plan;
pub mod world;
