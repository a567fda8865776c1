//! The firewall of Windows. Its rules are read from the registry, which speaks no language; what `netsh` prints is
//! translated.

use chatspot_protocol::limits::{DOCTOR_PROGRAM, DOCTOR_SHELL};
use serde_json::Value;

use super::packet::{Door, Passes, Scene};
use super::{Seen, shut_of, way};
use crate::doctor::system::{Said, System};

const POLICY: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
const NETWORKS: &str = "Get-NetConnectionProfile | ForEach-Object { [pscustomobject]@{ \
     Interface = $_.InterfaceAlias; Category = [int]$_.NetworkCategory } } | ConvertTo-Json -Compress";

/// What a network is taken for, as `NetworkCategory` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Category {
    Public,
    Private,
    Domain,
}

impl Category {
    /// As rules name it.
    fn name(self) -> &'static str {
        match self {
            Self::Public => "Public",
            Self::Private => "Private",
            Self::Domain => "Domain",
        }
    }

    /// As the registry names its settings.
    fn key(self) -> &'static str {
        match self {
            Self::Public => "PublicProfile",
            Self::Private => "StandardProfile",
            Self::Domain => "DomainProfile",
        }
    }
}

pub(super) async fn look(system: &impl System, scene: &Scene) -> Option<Seen> {
    let shell = ["-NoProfile", "-NonInteractive", "-Command", NETWORKS];
    let key = format!(r"{POLICY}\FirewallRules");
    let args = ["query", key.as_str()];
    let (networks, rules) = tokio::join!(
        system.run("powershell.exe", &shell, DOCTOR_SHELL),
        system.run("reg.exe", &args, DOCTOR_PROGRAM),
    );
    let category = networks
        .and_then(Said::fine)
        .and_then(|json| category(&json, &scene.interface));
    let program = system.program()?;
    let rules = rules.and_then(Said::fine);
    let Some((category, rules)) = category.zip(rules) else {
        // Where it is not known what the network is taken for, it is most probably a private one.
        return Some(Seen::Unsure {
            fix: fix(category.unwrap_or(Category::Private), &Door::ALL),
        });
    };
    let key = format!(r"{POLICY}\{}", category.key());
    let args = ["query", key.as_str(), "/v", "EnableFirewall"];
    let on = system.run("reg.exe", &args, DOCTOR_PROGRAM).await;
    if on.and_then(Said::fine).is_some_and(|out| !is_on(&out)) {
        return Some(Seen::Off);
    }
    let rules = rules_of(&rules, &program);
    let shut = shut_of(|door| passes(&rules, door, category));
    let private = shut_of(|door| passes(&rules, door, Category::Private));
    let fix = if shut.is_empty() {
        Vec::new()
    } else {
        fix(category, &private)
    };
    Some(Seen::On { shut, fix })
}

/// What opens the firewall in a network of this category; `private` is what is shut in private ones. To make a public one
/// private is better than to let in who is in any public one, and all that is missing where the installer did the rest.
fn fix(category: Category, private: &[Door]) -> Vec<String> {
    match category {
        Category::Public if private.is_empty() => vec![private_network()],
        Category::Public => vec![
            private_network(),
            allow("Private (and Public, where the network has to stay public)"),
        ],
        Category::Private | Category::Domain => vec![allow(category.name())],
    }
}

/// The way to the boxes that are to be ticked.
fn allow(boxes: &str) -> String {
    let tick = format!("ChatSpot: {boxes}");
    way(&[
        "Windows Security",
        "Firewall & network protection",
        "Allow an app through firewall",
        "Change settings",
        &tick,
    ])
}

fn private_network() -> String {
    way(&[
        "Settings",
        "Network & internet",
        "Properties",
        "Network profile type: Private network",
    ])
}

/// What the network of an interface is taken for; where the interface has none, what the only one is taken for.
fn category(json: &str, interface: &str) -> Option<Category> {
    let parsed: Value = serde_json::from_str(json.trim()).ok()?;
    // With one network it is an object, with several a list.
    let all = match &parsed {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let network = all
        .iter()
        .find(|one| one.get("Interface").and_then(Value::as_str) == Some(interface))
        .or(match all {
            [one] => Some(one),
            _ => None,
        })?;
    match network.get("Category")?.as_u64()? {
        0 => Some(Category::Public),
        1 => Some(Category::Private),
        2 => Some(Category::Domain),
        _ => None,
    }
}

/// What `reg query … /v EnableFirewall` prints.
fn is_on(printed: &str) -> bool {
    !printed
        .lines()
        .any(|line| line.contains("EnableFirewall") && line.trim_end().ends_with("0x0"))
}

/// A rule for this program and what comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    lets: bool,
    /// None: any.
    protocol: Option<u8>,
    /// Empty: any.
    profiles: Vec<String>,
}

/// The rules for `program` in what `reg query` prints of them ([MS-GPFAS], section 2.2.2.19).
fn rules_of(printed: &str, program: &str) -> Vec<Rule> {
    let program = program.to_lowercase();
    printed
        .lines()
        .filter_map(|line| {
            let (_, rule) = line.split_once("REG_SZ")?;
            let fields: Vec<(&str, &str)> = rule
                .trim()
                .split('|')
                .filter_map(|field| field.split_once('='))
                .collect();
            let get = |key: &str| {
                let field = fields.iter().find(|(name, _)| *name == key);
                field.map(|(_, value)| *value)
            };
            let app = get("App")?.to_lowercase();
            // Folders that variables name, such as %ProgramFiles%.
            let rest = app.rsplit_once('%').map_or(app.as_str(), |(_, rest)| rest);
            let ours = !rest.is_empty() && program.ends_with(rest);
            if !ours || get("Dir") != Some("In") || get("Active") != Some("TRUE") {
                return None;
            }
            let protocol = get("Protocol").and_then(|number| number.parse().ok());
            let profiles = fields.iter().filter(|(name, _)| *name == "Profile");
            Some(Rule {
                lets: get("Action") == Some("Allow"),
                protocol,
                profiles: profiles.map(|(_, value)| (*value).to_owned()).collect(),
            })
        })
        .collect()
}

fn passes(rules: &[Rule], door: Door, category: Category) -> Passes {
    let number = if door.protocol() == "tcp" { 6 } else { 17 };
    let mut fitting = rules.iter().filter(|rule| {
        rule.protocol.is_none_or(|protocol| protocol == number)
            && (rule.profiles.is_empty()
                || rule
                    .profiles
                    .iter()
                    .any(|profile| profile == category.name()))
    });
    // A rule that forbids wins over all that allow; what no rule names stays outside.
    if fitting.clone().all(|rule| rule.lets) && fitting.next().is_some() {
        Passes::Yes
    } else {
        Passes::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = r"C:\Program Files\ChatSpot\chatspot.exe";

    fn rule(fields: &str) -> String {
        format!("    {{1D2B}}    REG_SZ    v2.31|{fields}|App={PROGRAM}|Name=ChatSpot|\r\n")
    }

    #[test]
    fn rules_in_the_registry_say_which_doors_are_shut() {
        let tcp = rule("Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Private");
        let udp = rule("Action=Allow|Active=TRUE|Dir=In|Protocol=17|Profile=Private");
        let all = rule("Action=Allow|Active=TRUE|Dir=In");
        let never =
            rule("Action=Block|Active=TRUE|Dir=In|Protocol=6|Profile=Public|Profile=Private");
        let other = tcp.replace("chatspot.exe", "other.exe");
        let variable = all.replace(r"C:\Program Files", "%ProgramFiles%");
        let udp_doors = [Door::Beacons, Door::Mdns];
        let cases: &[(String, Category, &[Door])] = &[
            (String::new(), Category::Private, &Door::ALL),
            (format!("{tcp}{udp}"), Category::Private, &[]),
            (format!("{tcp}{udp}"), Category::Public, &Door::ALL),
            (tcp.clone(), Category::Private, &udp_doors),
            (all.clone(), Category::Public, &[]),
            (variable, Category::Domain, &[]),
            (format!("{all}{never}"), Category::Private, &[Door::Rooms]),
            (format!("{all}{never}"), Category::Domain, &[]),
            (format!("{udp}{other}"), Category::Private, &[Door::Rooms]),
            (all.replace("TRUE", "FALSE"), Category::Private, &Door::ALL),
            (
                all.replace("Dir=In", "Dir=Out"),
                Category::Private,
                &Door::ALL,
            ),
        ];
        for (printed, category, shut) in cases {
            let rules = rules_of(printed, PROGRAM);
            assert_eq!(
                shut_of(|door| passes(&rules, door, *category)),
                *shut,
                "{printed}"
            );
        }
    }

    #[test]
    fn a_network_is_public_or_private() {
        let one = r#"{"Interface":"Ethernet","Category":1}"#;
        let two = r#"[{"Interface":"WLAN","Category":0},{"Interface":"Ethernet","Category":2}]"#;
        let cases = [
            (one, "Ethernet", Some(Category::Private)),
            (one, "WLAN", Some(Category::Private)),
            (two, "WLAN", Some(Category::Public)),
            (two, "Ethernet", Some(Category::Domain)),
            (two, "Bluetooth", None),
            ("", "WLAN", None),
        ];
        for (json, interface, expected) in cases {
            assert_eq!(category(json, interface), expected, "{json} {interface}");
        }
    }

    #[test]
    fn the_registry_says_whether_it_is_on() {
        let printed = |value| {
            format!(
                "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\…\r\n    EnableFirewall    REG_DWORD    {value}\r\n\r\n"
            )
        };
        assert!(is_on(&printed("0x1")));
        assert!(!is_on(&printed("0x0")));
    }
}
