//! Prints a room's log, read over the wire, as lines of a history.
#![allow(clippy::print_stdout)] // the lines are what it is for

use std::process::ExitCode;

use chatspot_proof::readout::Readout;
use chatspot_protocol::ids::RoomId;
use clap::Parser;

/// Comes into a room as somebody new, reads its whole log, and prints it.
#[derive(Debug, Parser)]
#[command(name = "read-log", version)]
struct Options {
    /// The relay, as `host:port`.
    #[arg(long)]
    address: String,

    /// The room's id; may be left out when the relay hosts only one.
    #[arg(long)]
    room: Option<RoomId>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Options { address, room } = Options::parse();
    match Readout::of(&address, room).await {
        Ok(readout) => {
            for line in readout.lines() {
                let text = serde_json::to_string(&line).expect("lines are always JSON");
                println!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
