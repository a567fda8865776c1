//! `simulate`: one run in a simulated network, from a seed.
#![allow(clippy::print_stdout)] // its outcome

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use chatspot_simulation::plan::Plan;
use chatspot_simulation::{chance, world};
use clap::Parser;

/// Runs the relay and its members in a simulated network, once, and checks what everybody saw.
///
/// Prints the plan in numbers, the checker's word, and a hash of the whole history, without what the wall clock says:
/// on Linux, two runs of one seed are the same.
#[derive(Debug, Parser)]
#[command(name = "simulate", version)]
struct Options {
    /// What everything is drawn from.
    seed: u64,

    /// Prints what goes wrong and when.
    #[arg(long)]
    plan: bool,

    /// Where to write what everybody did and saw, as JSON lines.
    #[arg(long)]
    history: Option<PathBuf>,
}

/// Set by a panic in any task: the machine that it belonged to would go on without it.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let options = Options::parse();
    chance::seed(options.seed);
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICKED.store(true, Ordering::Relaxed);
        told(panic);
    }));
    // In a thread of its own, whose maps are ordered by the seed.
    let ran = std::thread::spawn(move || match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("seed {}: {error}", options.seed);
            ExitCode::from(2)
        }
    });
    ran.join().unwrap_or(ExitCode::from(2))
}

fn run(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let plan = Plan::new(options.seed);
    println!(
        "seed {}: {} members, {} messages, {} troubles",
        plan.seed,
        plan.writers.len(),
        plan.messages(),
        plan.steps.len() / 2
    );
    if options.plan {
        for (at, step) in &plan.steps {
            println!("  {at:?} {step:?}");
        }
    }
    let outcome = world::run(&plan)?;
    if let Some(path) = &options.history {
        let mut file = std::fs::File::create(path)?;
        for (_, line) in &outcome.history.0 {
            serde_json::to_writer(&mut file, line)?;
            file.write_all(b"\n")?;
        }
    }
    println!("{}", outcome.report);
    match outcome.settled {
        Some(time) => println!("settled {time:?} after the last trouble"),
        None => println!("never settled: somebody is not connected, or has not got everything"),
    }
    let panicked = PANICKED.load(Ordering::Relaxed);
    if panicked {
        println!("something panicked");
    }
    println!("hash {:016x}", outcome.hash);
    Ok(outcome.report.violations.is_empty() && outcome.settled.is_some() && !panicked)
}
