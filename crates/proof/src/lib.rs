//! Proof that nothing is lost: real programs are killed and cut off, write down what they saw, and a checker compares.
//!
//! Not part of the app. README.md beside this crate says how to run it and how to see it fail.

#![forbid(unsafe_code)]

pub mod check;
pub mod crash;
pub mod dice;
pub mod history;
pub mod program;
pub mod readout;
pub mod stage;
pub mod window;
