//! Many runs, each in a program of its own, so that a seed's run is the same among others and alone.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // what a test prints is its figures

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use chatspot_simulation::plan::{Fault, Host, Plan, Step};

/// Enough that each kind of trouble comes many times, and few enough to wait for.
const RUNS: u64 = 30;
/// Seeds that failed once, each with what was wrong.
const FAILED_ONCE: [u64; 0] = [];

fn setting<T: FromStr>(name: &str, otherwise: T) -> T {
    let Ok(text) = std::env::var(name) else {
        return otherwise;
    };
    let number = text.parse();
    number.unwrap_or_else(|_| panic!("{name} is no number: {text}"))
}

fn simulate(seed: u64) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_simulate"));
    program.arg(seed.to_string()).output().unwrap()
}

fn said(output: &Output) -> String {
    let [out, errors] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    format!("{out}{errors}")
}

#[test]
fn f66_f67_f68_f77_f78_whatever_fails_nothing_is_lost_doubled_or_reordered() {
    let first = setting("CHATSPOT_SIM_SEED", 1);
    let seeds: Vec<_> = FAILED_ONCE
        .into_iter()
        .chain(first..first + setting("CHATSPOT_SIM_RUNS", RUNS))
        .collect();
    let (next, messages) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
                    .ok()
                    .and_then(|index| seeds.get(index))
                {
                    let output = simulate(*seed);
                    let plan = Plan::new(*seed).messages();
                    messages.fetch_add(plan as u64, Ordering::Relaxed);
                    if !output.status.success() {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.push(format!("simulate {seed} --plan\n{}", said(&output)));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!(
        "{} schedules from seed {first} on, {} messages, in {:.0?}: {} failed",
        seeds.len(),
        messages.into_inner(),
        begin.elapsed(),
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_seed_repeats_a_run_to_the_last_event() {
    let seed = setting("CHATSPOT_SIM_SEED", 1);
    let runs = [seed, seed, seed + 1].map(|seed| said(&simulate(seed)));
    let hash = |run: &str| {
        let last = run.lines().last().unwrap();
        last.strip_prefix("hash ").expect(run).to_owned()
    };
    let hashes = runs.each_ref().map(|run| hash(run));
    println!("seed {seed}: {}, and again {}", hashes[0], hashes[1]);
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2], "the hash says nothing");
}

#[test]
fn the_plans_have_every_trouble_and_all_of_it_ends() {
    let mut kinds = BTreeSet::new();
    for seed in 1..=RUNS {
        let plan = Plan::new(seed);
        assert_eq!(plan, Plan::new(seed));
        assert!((30..=60).contains(&plan.messages()));
        let mut open = Vec::new();
        for (at, step) in plan.steps {
            assert!(at <= Plan::end());
            match step {
                Step::Begin(fault) => {
                    open.push(fault);
                    kinds.insert(kind(fault));
                }
                Step::End(fault) => {
                    let begun = open.iter().position(|open| *open == fault);
                    open.remove(begun.expect("it ends before it begins"));
                }
            }
        }
        assert_eq!(open, []);
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}

fn kind(fault: Fault) -> &'static str {
    match fault {
        Fault::Cut(_) => "cut",
        Fault::Mute(_) => "mute",
        Fault::Deafen(_) => "deafen",
        Fault::Hold(_) => "hold",
        Fault::Lose(..) => "lose",
        Fault::Slow(..) => "slow",
        Fault::Kill(Host::Relay) => "kill the relay",
        Fault::Kill(Host::Member(_)) => "kill a member",
        Fault::PowerOff(Host::Relay) => "power off the relay",
        Fault::PowerOff(Host::Member(_)) => "power off a member",
    }
}
