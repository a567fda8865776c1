//! A real Avahi sees what is announced, and what it announces is seen: it runs in a network of its own, on a bus of its
//! own, with its own idea of where `/run` is.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use chatspot_proof::lan::HostId;
use chatspot_proof::program::Program;
use chatspot_proof::street::{PATIENCE, Street};
use chatspot_protocol::beacon::{read_text_record, text_record};
use chatspot_protocol::event::Admission;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::Way;
use chatspot_protocol::wire::RoomSummary;
use tokio::sync::watch;

use crate::programs::Folder;
use crate::street::{Plain, ip, tell};

/// Everybody may do everything on this bus: there is nobody but us.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

const SETTINGS: &str = "[server]\nhost-name=printer\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=yes\n\
                        [publish]\npublish-hinfo=no\npublish-workstation=no\n";

/// It keeps its process id there, and cannot be told another place.
const START: &str = "mount -t tmpfs none /run && mkdir /run/avahi-daemon && \
                     exec avahi-daemon -f \"$0\" --no-drop-root --no-chroot --no-rlimits 2>&1";

/// A program of which lines are awaited.
struct Lines {
    what: String,
    program: Program,
    printed: watch::Receiver<String>,
}

impl Lines {
    fn start(what: &str, command: Command, folder: &Path) -> Self {
        let (sender, printed) = watch::channel(String::new());
        let errors = folder.join(format!("{what}.errors"));
        let program = Program::start(what, command, &errors, move |line| {
            sender.send_modify(|text| {
                text.push_str(line);
                text.push('\n');
            });
        });
        Self {
            what: what.to_owned(),
            program: program.unwrap(),
            printed,
        }
    }

    /// The first line of which this is so.
    async fn line(&mut self, is_so: impl Fn(&str) -> bool) -> String {
        let found = |text: &str| text.lines().find(|line| is_so(line)).map(str::to_owned);
        let waited = self.printed.wait_for(|text| found(text).is_some());
        let text = tokio::time::timeout(PATIENCE, waited).await;
        let line = text.ok().and_then(|text| found(&text.ok()?));
        self.program.runs().unwrap();
        line.unwrap_or_else(|| panic!("{} printed only {:?}", self.what, self.printed.borrow()))
    }
}

/// Avahi on one computer, with its bus.
struct Avahi<'a> {
    street: &'a Street,
    at: HostId,
    folder: &'a Path,
    bus: OsString,
    _programs: Vec<Lines>,
}

impl<'a> Avahi<'a> {
    /// Starts it, or says why that cannot be done here.
    async fn new(street: &'a Street, at: HostId, folder: &'a Path) -> Option<Self> {
        for needed in ["avahi-daemon", "avahi-browse", "dbus-daemon"] {
            if Command::new(needed).arg("--version").output().is_err() {
                println!("skipped: no {needed}");
                return None;
            }
        }
        let socket = folder.join("bus");
        let text = BUS.replace("SOCKET", &socket.display().to_string());
        std::fs::write(folder.join("bus.conf"), text).unwrap();
        std::fs::write(folder.join("avahi.conf"), SETTINGS).unwrap();
        let mut bus = OsString::from("unix:path=");
        bus.push(&socket);
        let mut command = street.lan.place(at).command(Path::new("dbus-daemon"));
        command.arg("--config-file").arg(folder.join("bus.conf"));
        command.args(["--nofork", "--nopidfile", "--print-address"]);
        let mut daemon = Lines::start("dbus", command, folder);
        daemon.line(|line| line.starts_with("unix:")).await;
        let mut command = street.lan.place(at).command(Path::new("unshare"));
        command.args(["--mount", "--", "sh", "-c", START]);
        command.arg(folder.join("avahi.conf"));
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &bus);
        let mut avahi = Lines::start("avahi", command, folder);
        avahi.line(|line| line.contains("startup complete")).await;
        Some(Self {
            street,
            at,
            folder,
            bus,
            _programs: vec![daemon, avahi],
        })
    }

    /// Starts one of Avahi's own programs beside it.
    fn start(&self, what: &str, program: &str, options: &[String]) -> Lines {
        let mut command = self.street.lan.place(self.at).command(Path::new(program));
        command.args(options);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus);
        Lines::start(what, command, self.folder)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn avahi_sees_a_room_and_its_text_record() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let Some(avahi) = Avahi::new(&street, hosts[1], folder.path()).await else {
        return;
    };
    let mut host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let options = [
        "--resolve",
        "--parsable",
        "--no-db-lookup",
        "_chatspot._tcp",
    ];
    let mut browser = avahi.start("browse", "avahi-browse", &options.map(str::to_owned));
    let line = browser
        .line(|line| line.starts_with("=;") && line.contains(";IPv4;"))
        .await;
    println!("Avahi: {line}");
    let fields: Vec<&str> = line.split(';').collect();
    assert_eq!(fields[4], "_chatspot._tcp");
    assert_eq!(fields[7], "10.77.0.2");
    let port = host.port().await.unwrap().unwrap();
    assert_eq!(fields[8], port.to_string());
    let text: Vec<&str> = fields[9].trim_matches('"').split("\" \"").collect();
    let get = |key: &str| {
        let mut pairs = text.iter().filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    let room = read_text_record(get).unwrap();
    assert_eq!(Some(room.room), host.room("Workshop"));
    assert_eq!(room.name.as_str(), "Workshop");
    assert_eq!(room.admission, Admission::Open);
    let keys = [
        "v",
        "room",
        "name",
        "host",
        "online",
        "admission",
        "locked",
        "full",
    ];
    for pair in text {
        let key = pair.split('=').next().unwrap();
        assert!(keys.contains(&key), "{pair} is said to everybody");
    }

    // Who stops says so: it is gone before its record is too old.
    host.stop().await.unwrap();
    browser.line(|line| line.starts_with("-;")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_avahi_announces_is_found_and_joined() {
    let folder = Folder::new();
    let Some(Plain {
        mut street,
        router,
        hosts,
    }) = Plain::new(&folder, 2)
    else {
        return;
    };
    // Nobody but Avahi can have told of it: the relay is behind the router.
    let lan = &mut street.lan;
    let far = lan.network().unwrap();
    let relay = lan.host_in(far, &["10.77.1.2/24"]).unwrap();
    lan.plug(router, far, &["10.77.1.1/24"]).unwrap();
    lan.router(relay, ip("10.77.1.1")).unwrap();
    let host = street.relay(relay, &["Lab"]).await.unwrap();
    let Some(avahi) = Avahi::new(&street, hosts[0], folder.path()).await else {
        return;
    };
    let summary = RoomSummary {
        room: host.room("Lab").unwrap(),
        name: RoomName::parse("Lab").unwrap(),
        host: None,
        online: 0,
        full: false,
        admission: Admission::Open,
        locked: false,
        hidden: false,
    };
    let address = ["--address", "lab.local", "10.77.1.2"].map(str::to_owned);
    let _address = avahi.start("address", "avahi-publish", &address);
    let service = [
        "--service",
        "--host",
        "lab.local",
        "The lab",
        "_chatspot._tcp",
        "4470",
    ];
    let record = text_record(&summary).into_iter();
    let record = record.map(|(key, value)| format!("{key}={value}"));
    let service: Vec<String> = service
        .map(str::to_owned)
        .into_iter()
        .chain(record)
        .collect();
    let _service = avahi.start("service", "avahi-publish", &service);
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let seen = ada.join("Lab").await.unwrap();
    tell("Avahi", &seen);
    assert_eq!(seen.ways("Lab"), [Way::Mdns]);
    assert_eq!(seen.open("Lab").unwrap().address, "10.77.1.2:4470");
}
