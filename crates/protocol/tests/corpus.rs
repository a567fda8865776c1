//! The fuzz targets, run over their seeds: what once broke stays a seed.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // which seed it was is printed

#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::path::Path;

/// Runs a target over its seeds.
fn over_seeds(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let mut seeds = 0;
    for file in std::fs::read_dir(folder.join(name)).unwrap() {
        let path = file.unwrap().path();
        let data = std::fs::read(&path).unwrap();
        println!("{}", path.display());
        target(&data);
        // Cut and changed, too: a few steps of what the fuzzer does by the million.
        for at in (0..data.len()).step_by(1 + data.len() / 16) {
            target(&data[..at]);
            let mut changed = data.clone();
            changed[at] ^= 0x11;
            target(&changed);
        }
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds of {name}");
}

macro_rules! over_seeds {
    ($($name:ident),* $(,)?) => { $(
        #[test]
        fn $name() {
            over_seeds(stringify!($name), targets::$name);
        }
    )* };
}

over_seeds!(
    client_frame,
    server_frame,
    invite,
    passcode,
    stored_row,
    markdown,
    text,
    beacon
);
