//! A network namespace, as long as a program holds it: it has no name, and is gone with its holder.
//!
//! Needs Linux, root or a system that lets everybody make user namespaces, and the programs of iproute2, util-linux and
//! nftables.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::stage::Place;

/// What went wrong with a network that is made here.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// This computer does not let us make one: what is shown with it cannot be shown here.
    #[error("{0}")]
    Unable(String),
    /// A command in it failed.
    #[error("{line}: {said}")]
    Failed {
        /// The command.
        line: String,
        /// What it says.
        said: String,
    },
    /// A command in it could not be started or spoken to.
    #[error("{line}: {source}")]
    System {
        /// The command.
        line: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A namespace.
#[derive(Debug)]
pub struct Namespace {
    holder: Child,
    /// Whether it is one of a user's own, made without being root.
    own: bool,
}

impl Namespace {
    /// A namespace of this computer's, or the reason why there can be none.
    pub fn new() -> Result<Self, NamespaceError> {
        let unable =
            |what: &str, error: std::io::Error| NamespaceError::Unable(format!("{what}: {error}"));
        let nft = Command::new("nft").arg("--version").output();
        nft.map_err(|error| unable("nft of nftables", error))?;
        let ip = Command::new("ip").arg("-V").output();
        ip.map_err(|error| unable("ip of iproute2", error))?;
        let id = Command::new("id").arg("-u").output();
        let own = id.map_err(|error| unable("id", error))?.stdout != b"0\n";
        let mut command = Command::new("unshare");
        if own {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--net", "--"]);
        Self::hold(command, own)
    }

    /// Another one, beside this one: cables may be laid between them.
    pub fn beside(&self) -> Result<Self, NamespaceError> {
        let mut command = self.command();
        command.args(["unshare", "--net", "--"]);
        Self::hold(command, self.own)
    }

    fn hold(mut command: Command, own: bool) -> Result<Self, NamespaceError> {
        let unable =
            |error: std::io::Error| NamespaceError::Unable(format!("no namespaces: {error}"));
        // It tells when it is there, and ends with its input, that is with us.
        let mut holder = command
            .args(["sh", "-c", "echo here; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(unable)?;
        let mut line = String::new();
        let output = holder.stdout.take().expect("it was asked for");
        if matches!(BufReader::new(output).read_line(&mut line), Ok(1..)) {
            return Ok(Self { holder, own });
        }
        let output = holder.wait_with_output().map_err(unable)?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(NamespaceError::Unable(said))
    }

    /// The id of the program that holds it.
    pub fn id(&self) -> u32 {
        self.holder.id()
    }

    /// There.
    pub fn place(&self) -> Place {
        let id = self.holder.id().to_string();
        let mut words = vec!["nsenter", "-t", &id, "-n"];
        if self.own {
            words.extend(["-U", "--preserve-credentials"]);
        }
        words.push("--");
        Place(words.into_iter().map(OsString::from).collect())
    }

    /// A command there that lacks its words.
    pub fn command(&self) -> Command {
        let words = self.place().0;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// Runs a command, whose words have spaces between them. What it prints.
    pub fn run(&self, line: &str) -> Result<String, NamespaceError> {
        self.feed(line, "")
    }

    /// Runs commands of `ip`, one a line.
    pub fn ip(&self, lines: &str) -> Result<(), NamespaceError> {
        self.feed("ip -batch -", lines).map(drop)
    }

    /// Takes over rules of nftables.
    pub fn nft(&self, rules: &str) -> Result<(), NamespaceError> {
        self.feed("nft -f -", rules).map(drop)
    }

    fn feed(&self, line: &str, input: &str) -> Result<String, NamespaceError> {
        let system = |source| NamespaceError::System {
            line: format!("{line}\n{input}"),
            source,
        };
        let mut child = self
            .command()
            .args(line.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(system)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that wants no input may be gone before it is written.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(system)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(NamespaceError::Failed {
            line: format!("{line}\n{input}"),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It ends with its input anyhow.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
