//! What the doctor found: why rooms are not found, as data. The words, and what to do next, are the window's.

use serde::{Deserialize, Serialize};

use crate::ids::WallMillis;
use crate::text::DisplayName;
use crate::view::AddressKind;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Checkup {
    /// When, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: WallMillis,
    /// How long it took, in milliseconds.
    pub took: u32,
    /// The app's version, and the system's name.
    pub software: String,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is.
    #[serde(flatten)]
    pub what: Symptom,
}

/// How bad something is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// This alone can be why.
    Bad,
    /// This may be why.
    Doubtful,
    /// As it should be.
    Good,
    /// Neither.
    Note,
}

/// What the doctor looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "symptom", rename_all = "snake_case")]
pub enum Symptom {
    /// The networks that this computer is in. Bad with none; doubtful where all are virtual or without a router.
    Networks {
        /// Best first.
        networks: Vec<NetworkView>,
    },
    /// Datagrams to a group.
    Multicast {
        /// How they fare.
        passage: Passage,
    },
    /// Datagrams to all of the network.
    Broadcast {
        /// How they fare.
        passage: Passage,
    },
    /// The port on which others' datagrams come in could not be opened.
    Deaf {
        /// Which, of UDP.
        port: u16,
        /// What the system says.
        message: String,
    },
    /// Other computers with ChatSpot in the same network that answered at all.
    Peers {
        /// How many.
        answered: u32,
    },
    /// The port of the rooms that are hosted here.
    Port {
        /// How it is.
        port: PortState,
    },
    /// Somebody in a common room tried to reach the rooms that are hosted here.
    DialBack {
        /// Who.
        by: DisplayName,
        /// Where, as `host:port`.
        address: String,
        /// What came of it.
        outcome: crate::wire::Back,
    },
    /// Rooms are hosted here, and nobody of a common room could try to reach them.
    NobodyToAsk,
    /// A firewall of this computer.
    Firewall {
        /// Which.
        firewall: Firewall,
        /// What it does.
        state: FirewallState,
        /// What mends it, in this order: lines for a terminal, or ways through settings, the names on each outermost first.
        fix: Vec<String>,
    },
    /// No firewall that is known was found.
    NoFirewall,
    /// A VPN takes what should go into the local network.
    Vpn {
        /// Its interface.
        interface: String,
        /// How much it takes.
        takes: VpnTakes,
    },
    /// The router answers, and no other computer does, though others were here before or are known to be: the Wi-Fi may
    /// keep its guests apart.
    Isolation {
        /// The router's address.
        router: String,
    },
    /// The router does not answer either.
    NoRouter {
        /// Its address; none where the network has none.
        router: Option<String>,
    },
    /// The clock, compared with others'.
    Clock {
        /// How many seconds it is ahead; negative: behind.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        ahead: i64,
    },
}

/// A network that this computer is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct NetworkView {
    /// The interface.
    pub interface: String,
    /// What it leads to.
    pub kind: AddressKind,
    /// Its addresses, with their prefix lengths.
    pub addresses: Vec<String>,
}

/// How datagrams fare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "passage", rename_all = "snake_case")]
pub enum Passage {
    /// Others heard them, and were heard.
    Both,
    /// Others heard them; what they send this way does not come in.
    OutOnly,
    /// Others are heard this way, and do not hear us.
    InOnly,
    /// They leave this computer. Others are there, and neither hear nor are heard this way.
    Blocked,
    /// They leave this computer. Nobody is there to say more.
    Leaves,
    /// The system does not send them.
    Refused {
        /// What it says.
        message: String,
    },
}

/// How the port of this relay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PortState {
    /// No room is hosted here.
    NotHosting,
    /// It answers on this computer's own addresses.
    Open {
        /// Which.
        port: u16,
        /// Whether it is the one that others try first.
        usual: bool,
    },
    /// It should, and does not answer on this computer's own addresses.
    Closed {
        /// Which.
        port: u16,
    },
}

/// A firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Firewall {
    /// Ubuntu's.
    Ufw,
    /// Fedora's.
    Firewalld,
    /// The kernel's on Linux, with rules that neither of the others made.
    Nftables,
    /// That of Windows.
    Windows,
    /// That of macOS.
    Macos,
}

/// What a firewall does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum FirewallState {
    /// It is off.
    Off,
    /// It lets ChatSpot through.
    Lets,
    /// It keeps others from ChatSpot.
    Blocks,
    /// It is on, and only an administrator can see whether it lets ChatSpot through.
    Unsure,
}

/// How much a VPN takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum VpnTakes {
    /// What goes to computers in the local network, too.
    LocalNetwork,
    /// What goes elsewhere only; the local network is not touched.
    Elsewhere,
}
