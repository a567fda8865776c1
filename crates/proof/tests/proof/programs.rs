//! Where the programs are, and a folder for what they leave.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use chatspot_proof::check::{Counts, Report};
use chatspot_proof::stage::Programs;
use tempfile::TempDir;

/// The programs. The relay is another package's, so cargo is asked to bring it up to date, once.
pub(crate) fn programs() -> Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(build).clone()
}

fn build() -> Programs {
    let member = Path::new(env!("CARGO_BIN_EXE_member"));
    let profile = member.parent().unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "-p", "chatspot-relay", "--target-dir"])
        .arg(profile.parent().unwrap());
    if cfg!(feature = "unbound") {
        // One command for both, so that the relay is built like this program.
        cargo.args([
            "-p",
            "chatspot-proof",
            "--features",
            "chatspot-proof/unbound",
        ]);
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(
        cargo.status().unwrap().success(),
        "the relay does not build"
    );
    let relay = format!("chatspot-relay{}", std::env::consts::EXE_SUFFIX);
    Programs {
        relay: profile.join(relay),
        member: member.to_owned(),
        read_log: env!("CARGO_BIN_EXE_read-log").into(),
    }
}

/// A folder that stays when its test fails.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            println!("everything is in {}", self.0.path().display());
        }
    }
}

/// Every rule holds; the numbers, so that a test can see that there was something to hold them for.
pub(crate) fn good(report: &Report) -> Counts {
    println!("{report}");
    assert!(report.violations.is_empty(), "a rule does not hold");
    report.counts
}
