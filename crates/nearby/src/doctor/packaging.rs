//! What the packages bring along for firewalls and systems says the same as the code.

use std::collections::BTreeSet;

use chatspot_protocol::beacon::SERVICE;
use chatspot_protocol::limits::{BEACON_PORT, DEFAULT_PORT, PORT_TRIES};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

const UFW: &str = include_str!("../../../../packaging/linux/ufw.profile");
const FIREWALLD: &str = include_str!("../../../../packaging/linux/firewalld.xml");
const DESKTOP: &str = include_str!("../../../../packaging/linux/chatspot.desktop");
const HOOKS: &str = include_str!("../../../../packaging/windows/hooks.nsh");
const WIX: &str = include_str!("../../../../packaging/windows/firewall.wxs");
const PLIST: &str = include_str!("../../../../Info.plist");
const CONFIG: &str = include_str!("../../../../tauri.conf.json");

/// All elements of an XML file, with their attributes. Fails where it is not well-formed: firewalld does not start any
/// more, and nothing of it, when one of its files is not.
fn elements(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(element) | Event::Empty(element) => {
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    (
                        attribute.key.as_ref().to_owned(),
                        attribute.value.into_owned(),
                    )
                });
                found.push((element.name().as_ref().to_owned(), attributes.collect()));
            }
            _ => {}
        }
    }
}

/// The doors, as `first-last/protocol` with this between the numbers. mDNS is not among them: a port alone would open it
/// to senders and targets of all kinds, and it is let in to its group by ufw itself and by firewalld's own service.
fn doors(to: char) -> BTreeSet<String> {
    let last = DEFAULT_PORT + PORT_TRIES - 1;
    [
        format!("{DEFAULT_PORT}{to}{last}/tcp"),
        format!("{BEACON_PORT}/udp"),
    ]
    .into()
}

#[test]
fn the_profile_for_ufw_opens_all_doors_but_that_of_mdns() {
    let ports = UFW.lines().find_map(|line| line.strip_prefix("ports="));
    let ports: BTreeSet<String> = ports.unwrap().split('|').map(ToOwned::to_owned).collect();
    assert_eq!(ports, doors(':'));
    assert!(UFW.lines().any(|line| line == "[ChatSpot]"));
}

#[test]
fn the_service_for_firewalld_opens_all_doors_and_that_of_mdns_for_its_group_only() {
    let ports: BTreeSet<String> = elements(FIREWALLD)
        .into_iter()
        .filter(|(name, _)| name == "port")
        .map(|(_, attributes)| {
            let get = |key: &str| {
                let found = attributes.iter().find(|(name, _)| name == key);
                found.unwrap().1.clone()
            };
            format!("{}/{}", get("port"), get("protocol"))
        })
        .collect();
    assert_eq!(ports, doors('-'));
    let included: Vec<_> = elements(FIREWALLD)
        .into_iter()
        .filter(|(name, _)| name == "include")
        .collect();
    let mdns = vec![("service".to_owned(), "mdns".to_owned())];
    assert_eq!(included, [("include".to_owned(), mdns)]);
}

#[test]
fn the_packages_hold_what_the_doctor_looks_for() {
    let config: Value = serde_json::from_str(CONFIG).unwrap();
    for package in ["deb", "rpm"] {
        let package = &config["bundle"]["linux"][package];
        assert_eq!(
            package["files"],
            serde_json::json!({
                super::firewall::UFW_PROFILE: "packaging/linux/ufw.profile",
                super::firewall::FIREWALLD_SERVICE: "packaging/linux/firewalld.xml",
            })
        );
        assert_eq!(
            package["desktopTemplate"],
            "packaging/linux/chatspot.desktop"
        );
    }
    // A starter without a place for the link is started without it.
    let exec = DESKTOP.lines().find(|line| line.starts_with("Exec="));
    assert_eq!(exec, Some("Exec={{exec}} %u"));
    assert!(DESKTOP.contains("MimeType={{mime_type}}"));
    let schemes = &config["plugins"]["deep-link"]["desktop"]["schemes"];
    assert_eq!(*schemes, serde_json::json!(["chatspot"]));
}

#[test]
fn installers_for_windows_open_private_networks_only() {
    let config: Value = serde_json::from_str(CONFIG).unwrap();
    let windows = &config["bundle"]["windows"];
    assert_eq!(
        windows["nsis"]["installerHooks"],
        "packaging/windows/hooks.nsh"
    );
    assert_eq!(
        windows["wix"]["fragmentPaths"][0],
        "packaging/windows/firewall.wxs"
    );

    // Whatever else there is for the program, an administrator's ban among it, is not the installer's to take away.
    assert!(HOOKS.contains("!define CHATSPOT_RULES \"ChatSpot (private networks)\"\n"));
    let rules: Vec<_> = HOOKS
        .lines()
        .filter(|line| line.contains(" firewall "))
        .collect();
    assert_eq!(rules.len(), 2);
    for line in rules {
        assert!(
            line.contains(" rule name=\"${CHATSPOT_RULES}\" dir=in "),
            "{line}"
        );
    }
    let added = HOOKS.lines().filter(|line| line.contains(" add rule "));
    for line in added {
        assert!(
            line.contains(" dir=in ") && line.contains(" profile=private "),
            "{line}"
        );
    }
    for hook in ["NSIS_HOOK_POSTINSTALL", "NSIS_HOOK_PREUNINSTALL"] {
        assert!(HOOKS.contains(&format!("!macro {hook}\n")), "{hook}");
    }
    let opened = HOOKS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("!insertmacro CHATSPOT_ALLOW "));
    assert_eq!(opened.collect::<Vec<_>>(), ["TCP", "UDP"]);

    let mut protocols = BTreeSet::new();
    for (name, attributes) in elements(WIX) {
        let get = |key: &str| {
            let found = attributes.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.clone())
        };
        if name == "fire:FirewallException" {
            assert_eq!(get("Profile").as_deref(), Some("private"));
            assert_eq!(get("Name").as_deref(), Some("ChatSpot (private networks)"));
            protocols.extend(get("Protocol"));
        }
        if name == "Component" {
            assert_eq!(
                Some(
                    windows["wix"]["componentRefs"][0]
                        .as_str()
                        .unwrap()
                        .to_owned()
                ),
                get("Id")
            );
        }
    }
    assert_eq!(
        protocols,
        BTreeSet::from(["tcp".to_owned(), "udp".to_owned()])
    );
}

#[test]
fn macos_is_told_what_the_local_network_is_for() {
    let plist: plist::Dictionary = plist::from_bytes(PLIST.as_bytes()).unwrap();
    let why = plist.get("NSLocalNetworkUsageDescription").unwrap();
    assert!(!why.as_string().unwrap().is_empty());
    let services = plist.get("NSBonjourServices").unwrap().as_array().unwrap();
    let services: Vec<&str> = services
        .iter()
        .map(|one| one.as_string().unwrap())
        .collect();
    assert_eq!(services, [SERVICE]);
}
