//! Two network namespaces joined by a cable, and what can be wrong with it. Nothing outside of them is touched: they
//! have no name, and are gone with the two programs that hold them.
//!
//! Needs root, or a system that lets everybody make user namespaces, and the programs of iproute2, util-linux and
//! nftables. Packets are dropped as they come in: to the sender they are lost, and not refused.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use chatspot_proof::stage::Place;

/// The relay's end of the cable; no network outside is reached from there, so any address will do.
const RELAY: &str = "10.77.0.1";
/// The members' end.
const MEMBERS: &str = "10.77.0.2";
/// Nothing else listens in the namespace.
const PORT: u16 = 4470;

/// A namespace, as long as a program holds it.
struct Namespace {
    holder: Child,
    /// Whether it is one of a user's own, made without being root.
    own: bool,
}

impl Namespace {
    fn hold(mut command: Command, own: bool) -> Result<Self, String> {
        // It tells when it is there, and ends with its input, that is with us.
        let mut holder = command
            .args(["sh", "-c", "echo here; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("no namespaces: {error}"))?;
        let mut line = String::new();
        let read = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line);
        if matches!(read, Ok(1..)) {
            return Ok(Self { holder, own });
        }
        let output = holder.wait_with_output().unwrap();
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    fn words(&self) -> Vec<OsString> {
        let id = self.holder.id().to_string();
        let mut words = vec!["nsenter", "-t", &id, "-n"];
        if self.own {
            words.extend(["-U", "--preserve-credentials"]);
        }
        words.push("--");
        words.into_iter().map(OsString::from).collect()
    }

    fn command(&self) -> Command {
        let words = self.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    fn run(&self, line: &str) {
        let output = self.command().args(line.split(' ')).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
    }

    fn nft(&self, rules: &str) {
        let mut nft = self
            .command()
            .args(["nft", "-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = nft.stdin.take().unwrap();
        input.write_all(rules.as_bytes()).unwrap();
        drop(input);
        let output = nft.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nft: {said}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It ends with its input anyhow.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// What is wrong with the cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// So many of a hundred packets are lost, in each direction.
    Loss(u8),
    /// Nothing comes through, and nobody is told.
    BlackHole,
}

/// The cable with its two ends.
pub(crate) struct Network {
    relay: Namespace,
    members: Namespace,
}

impl Network {
    /// Lays a cable, or says why that cannot be done here.
    pub(crate) fn new() -> Result<Self, String> {
        let nft = Command::new("nft").arg("--version").output();
        nft.map_err(|error| format!("nft of nftables: {error}"))?;
        let root = Command::new("id").arg("-u").output();
        let own = root.map_err(|error| error.to_string())?.stdout != b"0\n";
        let mut first = Command::new("unshare");
        if own {
            first.args(["--user", "--map-root-user"]);
        }
        first.args(["--net", "--"]);
        let relay = Namespace::hold(first, own)?;
        let mut second = relay.command();
        second.args(["unshare", "--net", "--"]);
        let members = Namespace::hold(second, own)?;
        let network = Self { relay, members };
        let there = network.members.holder.id();
        let Self { relay, members } = &network;
        relay.run(&format!(
            "ip link add cable type veth peer name cable netns {there}"
        ));
        for (end, address) in [(relay, RELAY), (members, MEMBERS)] {
            end.run(&format!("ip address add {address}/24 dev cable"));
            end.run("ip link set lo up");
            end.run("ip link set cable up");
        }
        network.fault(Fault::None);
        Ok(network)
    }

    pub(crate) fn address() -> SocketAddr {
        SocketAddr::new(RELAY.parse().unwrap(), PORT)
    }

    /// Where the relay runs.
    pub(crate) fn near(&self) -> Place {
        Place(self.relay.words())
    }

    /// At the cable's other end.
    pub(crate) fn far(&self) -> Place {
        Place(self.members.words())
    }

    /// From now on the cable has this fault, and no other.
    pub(crate) fn fault(&self, fault: Fault) {
        let rule = match fault {
            Fault::None => "accept".to_owned(),
            Fault::Loss(of_hundred) => {
                format!("iifname \"cable\" numgen random mod 100 < {of_hundred} counter drop")
            }
            Fault::BlackHole => "iifname \"cable\" counter drop".to_owned(),
        };
        let rules = format!(
            "table inet fault\ndelete table inet fault\n\
             table inet fault {{\nchain in {{\ntype filter hook input priority 0; {rule}\n}}\n}}\n"
        );
        self.relay.nft(&rules);
        self.members.nft(&rules);
    }

    /// Packets that the fault has swallowed so far, the fewer of the two directions.
    pub(crate) fn swallowed(&self) -> u64 {
        let count = |end: &Namespace| {
            let listed = end.command().args(["nft", "list", "ruleset"]).output();
            let text = String::from_utf8(listed.unwrap().stdout).unwrap();
            let (_, count) = text.split_once("counter packets ").unwrap();
            count.split(' ').next().unwrap().parse().unwrap()
        };
        u64::min(count(&self.relay), count(&self.members))
    }

    /// From now on the cable carries so many kilobits a second in each direction, with a modem's buffer before it.
    pub(crate) fn narrow(&self, kilobits: u32) {
        let line = format!(
            "tc qdisc replace dev cable root tbf rate {kilobits}kbit burst 1600 latency 1s"
        );
        self.relay.run(&line);
        self.members.run(&line);
    }
}
