//! Proof that nothing is lost and nobody gets in who does not belong: real programs are killed and cut off, write down
//! what they saw, and a checker compares; others stand between, host falsely, or listen.
//!
//! Not part of the app. README.md beside this crate says how to run it and how to see it fail.

#![forbid(unsafe_code)]

use std::fmt::Display;
use std::process::ExitCode;

pub mod between;
pub mod check;
pub mod crash;
pub mod dice;
pub mod forger;
pub mod history;
#[cfg(target_os = "linux")]
pub mod lan;
#[cfg(target_os = "linux")]
pub mod namespace;
pub mod neighbour;
pub mod program;
pub mod readout;
pub mod stage;
#[cfg(target_os = "linux")]
pub mod street;
pub mod tls;
pub mod window;

/// How a program ends, having said what went wrong.
pub fn exit_code(result: Result<(), impl Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
