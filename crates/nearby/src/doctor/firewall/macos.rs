//! The firewall of macOS, which lets programs in, not ports.

use chatspot_protocol::limits::DOCTOR_PROGRAM;

use super::packet::Door;
use super::{Seen, way};
use crate::doctor::system::{Said, System};

const PROGRAM: &str = "/usr/libexec/ApplicationFirewall/socketfilterfw";

pub(super) async fn look(system: &impl System) -> Option<Seen> {
    let program = system.program()?;
    let ask = async |args: &[&str]| {
        let said = system.run(PROGRAM, args, DOCTOR_PROGRAM).await;
        said.and_then(Said::fine)
    };
    let app = ["--getappblocked", program.as_str()];
    let (state, block_all, app) = tokio::join!(
        ask(&["--getglobalstate"]),
        ask(&["--getblockall"]),
        ask(&app),
    );
    Some(judge(&state?, block_all.as_deref(), app.as_deref()))
}

/// What to make of what the three questions were answered with.
fn judge(state: &str, block_all: Option<&str>, app: Option<&str>) -> Seen {
    let blocks = |fix: &[&str]| Seen::On {
        shut: Door::ALL.to_vec(),
        fix: settings(fix),
    };
    if state.contains("State = 0") || state.contains("disabled") {
        return Seen::Off;
    }
    // "Block all DISABLED!" in old versions, "Firewall has block all state set to disabled." in new ones.
    let block_all = block_all.map(str::to_lowercase).unwrap_or_default();
    if state.contains("State = 2") || block_all.contains("enabled") {
        return blocks(&["Block all incoming connections: off"]);
    }
    let Some(app) = app.map(str::to_lowercase) else {
        return Seen::Unsure {
            fix: settings(&["ChatSpot: Allow incoming connections"]),
        };
    };
    if app.contains("permitted") {
        Seen::On {
            shut: Vec::new(),
            fix: Vec::new(),
        }
    } else if app.contains("blocked") {
        blocks(&["ChatSpot: Allow incoming connections"])
    } else {
        // Not in its list: it asks when the program listens first, unless signed programs are let in anyway.
        Seen::Unsure {
            fix: settings(&["ChatSpot: Allow incoming connections"]),
        }
    }
}

fn settings(last: &[&str]) -> Vec<String> {
    let path = ["System Settings", "Network", "Firewall", "Options…"];
    vec![way(&[&path, last].concat())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_socketfilterfw_prints_says_what_the_firewall_does() {
        let on = "Firewall is enabled. (State = 1)\n";
        let all = Some("Firewall has block all state set to enabled.\n");
        let some = Some("Firewall has block all state set to disabled.\n");
        let old = Some("Block all DISABLED! \n");
        let permitted = Some("Incoming connection to the application is permitted\n");
        let blocked = Some("Incoming connection to the application is blocked\n");
        let unknown = Some("The application is not part of the firewall\n");
        let shut = |seen: Seen| match seen {
            Seen::Off => "off",
            Seen::On { shut, .. } if shut.is_empty() => "lets",
            Seen::On { .. } => "blocks",
            Seen::Unsure { .. } => "unsure",
        };
        let cases = [
            ("Firewall is disabled. (State = 0)\n", some, blocked, "off"),
            (on, some, permitted, "lets"),
            (on, old, permitted, "lets"),
            (on, some, blocked, "blocks"),
            (on, all, permitted, "blocks"),
            (
                "Firewall is enabled. (State = 2)\n",
                None,
                permitted,
                "blocks",
            ),
            (on, some, unknown, "unsure"),
            (on, None, None, "unsure"),
        ];
        for (state, block_all, app, expected) in cases {
            assert_eq!(
                shut(judge(state, block_all, app)),
                expected,
                "{state:?} {block_all:?} {app:?}"
            );
        }
    }
}
