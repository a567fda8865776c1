//! Real programs, killed and cut off, and the checker's word on what they saw; and those who do not belong.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // what a test prints is its figures

#[cfg(target_os = "linux")]
#[path = "proof/avahi.rs"]
mod avahi;
#[path = "proof/between.rs"]
mod between;
#[path = "proof/crashes.rs"]
mod crashes;
#[cfg(target_os = "linux")]
#[path = "proof/doctor.rs"]
mod doctor;
#[cfg(target_os = "linux")]
#[path = "proof/faults.rs"]
mod faults;
#[path = "proof/lies.rs"]
mod lies;
#[cfg(target_os = "linux")]
#[path = "proof/nearby.rs"]
mod nearby;
#[cfg(target_os = "linux")]
#[path = "proof/network.rs"]
mod network;
#[path = "proof/person.rs"]
mod person;
#[path = "proof/programs.rs"]
mod programs;
#[cfg(target_os = "linux")]
#[path = "proof/sniffed.rs"]
mod sniffed;
#[cfg(target_os = "linux")]
#[path = "proof/street.rs"]
mod street;
