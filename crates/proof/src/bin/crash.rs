//! Starts a relay and members, kills them at random moments, and checks that nothing was lost.
#![allow(clippy::print_stdout)] // the outcome is for the person who started it

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chatspot_proof::crash::Crash;
use chatspot_proof::stage::Programs;
use clap::Parser;

/// Kills a relay and its members at random moments, and checks that nothing was lost.
///
/// `chatspot-relay`, `member` and `read-log` are looked for beside this program.
#[derive(Debug, Parser)]
#[command(name = "crash", version)]
struct Options {
    /// Repeats the plan of an earlier run; random unless given.
    #[arg(long, env = "CHATSPOT_CRASH_SEED")]
    seed: Option<u64>,

    /// How many kills.
    #[arg(long, env = "CHATSPOT_CRASH_KILLS", default_value_t = 25)]
    kills: usize,

    /// How many members.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    members: u8,

    /// Longest time between two messages of one member, in milliseconds.
    #[arg(long, default_value_t = 60)]
    pace: u64,

    /// Where everything is kept, to be looked at afterwards. Unless given, it is deleted when all is well.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    let seed = options.seed.unwrap_or(u64::from_le_bytes(seed));
    let mut own = tempfile::tempdir()?;
    let folder = options.folder.unwrap_or_else(|| own.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    println!("seed {seed}, in {}", folder.display());
    let crash = Crash {
        seed,
        kills: options.kills,
        members: options.members.into(),
        pace: Duration::from_millis(options.pace),
        folder: folder.clone(),
        programs: Programs::beside_this()?,
    };
    let outcome = crash.run(|line| println!("{line}")).await;
    let good = matches!(&outcome, Ok(outcome) if outcome.report.violations.is_empty());
    own.disable_cleanup(!good);
    println!("{}", outcome?);
    if good {
        return Ok(ExitCode::SUCCESS);
    }
    println!("seed {seed}; everything is in {}", folder.display());
    Ok(ExitCode::FAILURE)
}
