//! Checks a history: `history-check FILE...`, or `-` for what comes in. Ends with 1 when a rule does not hold.
#![allow(clippy::print_stdout)] // the report is for the person who started it

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chatspot_proof::check::check;
use chatspot_proof::history::{History, HistoryError};
use clap::Parser;

/// Compares what members wrote and saw with what the log holds.
///
/// Each file has one JSON object a line, as crates/proof/README.md describes; together they are one history.
#[derive(Debug, Parser)]
#[command(name = "history-check", version)]
struct Options {
    /// Files with lines; `-` reads what comes in.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match read(&Options::parse().files) {
        Ok(history) => {
            let report = check(&history);
            println!("{report}");
            ExitCode::from(u8::from(!report.violations.is_empty()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn read(files: &[PathBuf]) -> Result<History, HistoryError> {
    let mut history = History::default();
    for file in files {
        if file == Path::new("-") {
            history.read(&"-".into(), std::io::stdin().lock())?;
        } else {
            history.read_file(file)?;
        }
    }
    Ok(history)
}
