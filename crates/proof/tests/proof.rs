//! Real programs, killed and cut off, and the checker's word on what they saw.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // what a test prints is its figures

#[path = "proof/crashes.rs"]
mod crashes;
#[cfg(target_os = "linux")]
#[path = "proof/faults.rs"]
mod faults;
#[cfg(target_os = "linux")]
#[path = "proof/network.rs"]
mod network;
#[path = "proof/programs.rs"]
mod programs;
