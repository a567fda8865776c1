//! The kernel's own rules on Linux, as `nft -j list ruleset` prints them (libnftables-json(5)): what becomes of a packet.
//!
//! Follows what real rule sets are made of. A match that is not understood may be met or not: where that decides, the
//! answer is that it is not sure.

mod matches;

use chatspot_protocol::limits::{BEACON_PORT, DEFAULT_PORT, MDNS_PORT, PORT_TRIES};
use serde_json::Value;

pub(in crate::doctor) use self::matches::within;
use self::matches::{Met, carried_over, equal};
use super::packet::{Door, MDNS_V4, MDNS_V6, Packet, Passes, Scene};

/// How deep chains may lead into each other; the kernel takes 16.
const DEPTH: usize = 16;

/// A rule set.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    chains: Vec<Chain>,
    sets: Vec<(String, String, Value)>,
}

#[derive(Debug)]
struct Chain {
    family: String,
    table: String,
    name: String,
    /// Set where it looks at what comes in: when, and whether it lets through what it says nothing of.
    input: Option<(i64, Fate)>,
    rules: Vec<Value>,
}

/// A chain that keeps a packet out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Culprit {
    family: String,
    table: String,
    chain: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Accept,
    Drop,
}

/// What a rule or a chain does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The next rule.
    Next,
    /// Back to the chain that led here.
    Return,
    /// The base chain is through.
    Ends(Fate),
    /// A loop, or deeper than the kernel allows.
    Lost,
}

impl Ruleset {
    /// Reads what `nft -j list ruleset` prints. None where it is something else.
    pub(super) fn parse(json: &str) -> Option<Self> {
        let root: Value = serde_json::from_str(json).ok()?;
        let mut ruleset = Self::default();
        for object in root.get("nftables")?.as_array()? {
            if let Some(chain) = object.get("chain") {
                ruleset.chains.push(Chain {
                    family: text(chain, "family")?,
                    table: text(chain, "table")?,
                    name: text(chain, "name")?,
                    input: (chain.get("hook").and_then(Value::as_str) == Some("input")
                        && chain.get("type").and_then(Value::as_str) == Some("filter"))
                    .then(|| {
                        let priority = chain.get("prio").and_then(Value::as_i64).unwrap_or(0);
                        let drops = chain.get("policy").and_then(Value::as_str) == Some("drop");
                        (priority, if drops { Fate::Drop } else { Fate::Accept })
                    }),
                    rules: Vec::new(),
                });
            } else if let Some(rule) = object.get("rule") {
                let (family, table, name) = (
                    text(rule, "family")?,
                    text(rule, "table")?,
                    text(rule, "chain")?,
                );
                let chain = ruleset.chains.iter_mut().find(|chain| {
                    chain.family == family && chain.table == table && chain.name == name
                })?;
                chain.rules.push(rule.get("expr")?.clone());
            } else if let Some(set) = object.get("set").or_else(|| object.get("map")) {
                let elements = set.get("elem").cloned().unwrap_or(Value::Array(Vec::new()));
                ruleset
                    .sets
                    .push((text(set, "table")?, text(set, "name")?, elements));
            }
        }
        Some(ruleset)
    }

    /// Leaves the tables out that another firewall made, which is asked itself.
    pub(super) fn without(mut self, made: impl Fn(&str, &[&str]) -> bool) -> Self {
        let mut theirs: Vec<(String, String)> = Vec::new();
        for chain in &self.chains {
            let chains: Vec<&str> = self
                .chains
                .iter()
                .filter(|other| other.table == chain.table && other.family == chain.family)
                .map(|other| other.name.as_str())
                .collect();
            if made(&chain.table, &chains) {
                theirs.push((chain.family.clone(), chain.table.clone()));
            }
        }
        self.chains
            .retain(|chain| !theirs.contains(&(chain.family.clone(), chain.table.clone())));
        self
    }

    /// Whether anything in it could keep something out.
    pub(super) fn filters(&self) -> bool {
        self.chains.iter().any(|chain| {
            chain
                .input
                .is_some_and(|(_, policy)| policy == Fate::Drop || !chain.rules.is_empty())
        })
    }

    /// What becomes of somebody who wants through this door, and which chain decided where they do not get through.
    pub(super) fn passes(&self, scene: &Scene, door: Door) -> (Passes, Option<Culprit>) {
        let packet = scene.packet(door);
        let family = if packet.to.is_ipv4() { "ip" } else { "ip6" };
        let mut bases: Vec<(&Chain, i64, Fate)> = self
            .chains
            .iter()
            .filter(|chain| chain.family == family || chain.family == "inet")
            .filter_map(|chain| {
                chain
                    .input
                    .map(|(priority, policy)| (chain, priority, policy))
            })
            .collect();
        bases.sort_by_key(|(_, priority, _)| *priority);
        let mut unsure = None;
        for (base, _, policy) in bases {
            let culprit = || {
                Some(Culprit {
                    family: base.family.clone(),
                    table: base.table.clone(),
                    chain: base.name.clone(),
                })
            };
            let mut seen = Vec::new();
            let end = match self.walk(base, &packet, DEPTH, &mut seen) {
                Step::Ends(fate) => fate,
                Step::Next | Step::Return => policy,
                Step::Lost => {
                    unsure = unsure.or_else(culprit);
                    continue;
                }
            };
            // A rule that may have been met decided otherwise.
            if seen.iter().any(|fate| *fate != end) {
                unsure = unsure.or_else(culprit);
            } else if end == Fate::Drop {
                return (Passes::No, culprit());
            }
        }
        match unsure {
            Some(culprit) => (Passes::Unsure, Some(culprit)),
            None => (Passes::Yes, None),
        }
    }

    /// Goes through a chain; what rules would have done that may be met is added to `seen`.
    fn walk(&self, chain: &Chain, packet: &Packet<'_>, depth: usize, seen: &mut Vec<Fate>) -> Step {
        let mut may_have_left = false;
        for rule in &chain.rules {
            match self.rule(chain, rule, packet, depth, seen) {
                (Step::Next, _) => {}
                (Step::Return, Met::Maybe) => may_have_left = true,
                (Step::Ends(fate), Met::Maybe) => seen.push(fate),
                (Step::Ends(fate), _) if may_have_left => {
                    seen.push(fate);
                    return Step::Next;
                }
                (step, _) => return step,
            }
        }
        Step::Next
    }

    /// What a rule does, and whether its matches are met; one that is not does nothing.
    fn rule(
        &self,
        chain: &Chain,
        rule: &Value,
        packet: &Packet<'_>,
        depth: usize,
        seen: &mut Vec<Fate>,
    ) -> (Step, Met) {
        let nothing = (Step::Next, Met::Yes);
        let mut all = Met::Yes;
        let statements = rule.as_array().map_or(&[][..], Vec::as_slice);
        for statement in statements {
            let Some((name, body)) = statement.as_object().and_then(|one| one.iter().next()) else {
                continue;
            };
            let met = match name.as_str() {
                "match" => self.met(chain, body, packet),
                "xt" if body.get("type").and_then(Value::as_str) == Some("match") => {
                    carried_over(body, statements)
                }
                _ => Met::Yes,
            };
            match met {
                Met::Yes => {}
                Met::No => return nothing,
                Met::Maybe => all = Met::Maybe,
            }
            let step = match name.as_str() {
                "vmap" => {
                    let (verdict, sure) = self.looked_up(chain, body, packet);
                    if sure == Met::Maybe {
                        return (Step::Lost, Met::Maybe);
                    }
                    verdict.and_then(|verdict| self.verdict(chain, &verdict, packet, depth, seen))
                }
                "xt" => (body.get("name").and_then(Value::as_str) == Some("REJECT"))
                    .then_some(Step::Ends(Fate::Drop)),
                _ => self.verdict(chain, statement, packet, depth, seen),
            };
            if let Some(step) = step {
                return (step, all);
            }
        }
        nothing
    }

    /// What a verdict says; none where a statement is no verdict.
    fn verdict(
        &self,
        from: &Chain,
        statement: &Value,
        packet: &Packet<'_>,
        depth: usize,
        seen: &mut Vec<Fate>,
    ) -> Option<Step> {
        let (name, body) = statement.as_object()?.iter().next()?;
        match name.as_str() {
            "accept" => Some(Step::Ends(Fate::Accept)),
            "drop" | "reject" => Some(Step::Ends(Fate::Drop)),
            "return" => Some(Step::Return),
            "jump" | "goto" => {
                let target = body.get("target").and_then(Value::as_str)?;
                let next = self.chains.iter().find(|chain| {
                    chain.family == from.family && chain.table == from.table && chain.name == target
                })?;
                if depth == 0 {
                    return Some(Step::Lost);
                }
                let step = self.walk(next, packet, depth - 1, seen);
                Some(match step {
                    Step::Ends(_) | Step::Lost => step,
                    Step::Next | Step::Return if name == "goto" => Step::Return,
                    Step::Next | Step::Return => Step::Next,
                })
            }
            _ => None,
        }
    }

    /// What a map of verdicts has for a packet, and whether that is sure.
    fn looked_up(&self, chain: &Chain, vmap: &Value, packet: &Packet<'_>) -> (Option<Value>, Met) {
        let data = vmap.get("data").and_then(|data| self.elements(chain, data));
        let (Some(left), Some(Value::Array(pairs))) = (vmap.get("key"), data) else {
            return (None, Met::Maybe);
        };
        let mut sure = Met::Yes;
        for pair in &pairs {
            let (Some(value), Some(verdict)) = (pair.get(0), pair.get(1)) else {
                return (None, Met::Maybe);
            };
            match self.equals(chain, left, value, packet) {
                Met::Yes => return (Some(verdict.clone()), Met::Yes),
                Met::No => {}
                Met::Maybe => sure = Met::Maybe,
            }
        }
        (None, sure)
    }

    fn met(&self, chain: &Chain, body: &Value, packet: &Packet<'_>) -> Met {
        let (Some(left), Some(right)) = (body.get("left"), body.get("right")) else {
            return Met::Maybe;
        };
        let equal = self.equals(chain, left, right, packet);
        match body.get("op").and_then(Value::as_str) {
            Some("==" | "in") => equal,
            Some("!=") => match equal {
                Met::Yes => Met::No,
                Met::No => Met::Yes,
                Met::Maybe => Met::Maybe,
            },
            _ => Met::Maybe,
        }
    }

    fn equals(&self, chain: &Chain, left: &Value, right: &Value, packet: &Packet<'_>) -> Met {
        let Some(right) = self.elements(chain, right) else {
            return Met::Maybe;
        };
        if let Some(any) = right.as_array() {
            let met = any.iter().map(|one| match one.as_object() {
                // An element with a comment or a time to live.
                Some(object) if object.contains_key("elem") => {
                    let value = object["elem"].get("val").unwrap_or(&Value::Null);
                    self.equals(chain, left, value, packet)
                }
                _ => self.equals(chain, left, one, packet),
            });
            return met.fold(Met::No, |all, one| match (all, one) {
                (Met::Yes, _) | (_, Met::Yes) => Met::Yes,
                (Met::Maybe, _) | (_, Met::Maybe) => Met::Maybe,
                (Met::No, Met::No) => Met::No,
            });
        }
        equal(left, &right, packet)
    }

    /// A set's elements where `value` is one, by name or in place; else the value itself.
    fn elements(&self, chain: &Chain, value: &Value) -> Option<Value> {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) {
            let (.., elements) = self
                .sets
                .iter()
                .find(|(table, set, _)| *table == chain.table && set == name)?;
            return Some(elements.clone());
        }
        Some(match value.get("set") {
            Some(set) if set.is_array() => set.clone(),
            Some(set) => Value::Array(vec![set.clone()]),
            None => value.clone(),
        })
    }
}

impl Culprit {
    /// The one of nearly all rules that people write themselves.
    pub(super) fn usual() -> Self {
        Self {
            family: "inet".to_owned(),
            table: "filter".to_owned(),
            chain: "input".to_owned(),
        }
    }

    /// The lines that open these doors in front of everything else that the chain does.
    pub(super) fn lines(&self, shut: &[Door]) -> Vec<String> {
        let Self {
            family,
            table,
            chain,
        } = self;
        let insert = format!("sudo nft insert rule {family} {table} {chain}");
        let last = DEFAULT_PORT + PORT_TRIES - 1;
        let mut lines = Vec::new();
        if shut.contains(&Door::Rooms) {
            lines.push(format!("{insert} tcp dport {DEFAULT_PORT}-{last} accept"));
        }
        if shut.contains(&Door::Beacons) {
            lines.push(format!("{insert} udp dport {BEACON_PORT} accept"));
        }
        // mDNS is for its group alone, and a table of one family takes no addresses of the other.
        if shut.contains(&Door::Mdns) && family != "ip6" {
            lines.push(format!(
                "{insert} ip daddr {MDNS_V4} udp dport {MDNS_PORT} accept"
            ));
        }
        if shut.contains(&Door::Mdns) && family != "ip" {
            lines.push(format!(
                "{insert} ip6 daddr {MDNS_V6} udp dport {MDNS_PORT} accept"
            ));
        }
        lines
    }
}

fn text(object: &Value, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP: &str = include_str!("../recorded/nft-drop.json");
    const ALLOWED: &str = include_str!("../recorded/nft-allowed.json");
    const UFW: &str = include_str!("../recorded/nft-ufw-on.json");
    const FIREWALLD: &str = include_str!("../recorded/nft-firewalld.json");
    const FIREWALLD_ALLOWED: &str = include_str!("../recorded/nft-firewalld-allowed.json");

    fn scene() -> Scene {
        Scene {
            interface: "eth0".to_owned(),
            here: "192.168.7.5".parse().unwrap(),
            there: "192.168.7.4".parse().unwrap(),
            rooms: 4470,
        }
    }

    fn passes(ruleset: &Ruleset) -> [Passes; 3] {
        Door::ALL.map(|door| ruleset.passes(&scene(), door).0)
    }

    #[test]
    fn real_rules_say_who_comes_in() {
        let cases = [
            (DROP, [Passes::No, Passes::No, Passes::Yes]),
            (ALLOWED, [Passes::Yes, Passes::Yes, Passes::Yes]),
            (FIREWALLD, [Passes::No, Passes::No, Passes::No]),
            (FIREWALLD_ALLOWED, [Passes::Yes, Passes::Yes, Passes::Yes]),
            // Carried over from iptables: whether something goes to this computer at all has no words there.
            (UFW, [Passes::No, Passes::No, Passes::Unsure]),
        ];
        for (json, expected) in cases {
            let ruleset = Ruleset::parse(json).unwrap();
            assert!(ruleset.filters());
            assert_eq!(passes(&ruleset), expected, "{json}");
        }
    }

    /// One base chain, `policy` and rules as nft prints their expressions.
    fn ruleset(policy: &str, rules: &[&str]) -> Ruleset {
        let rules: Vec<String> = rules
            .iter()
            .map(|expr| {
                format!(
                    r#",{{"rule":{{"family":"inet","table":"t","chain":"in","expr":[{expr}]}}}}"#
                )
            })
            .collect();
        let json = format!(
            r#"{{"nftables":[{{"chain":{{"family":"inet","table":"t","name":"in","type":"filter","hook":"input","prio":0,"policy":"{policy}"}}}},
            {{"chain":{{"family":"inet","table":"t","name":"sub"}}}},
            {{"map":{{"family":"inet","table":"t","name":"open","elem":[4470,{{"elem":{{"val":5353,"comment":"mdns"}}}}]}}}}{}]}}"#,
            rules.concat()
        );
        Ruleset::parse(&json).unwrap()
    }

    fn compare(left: &str, op: &str, right: &str) -> String {
        format!(r#"{{"match":{{"op":"{op}","left":{left},"right":{right}}}}}"#)
    }

    #[test]
    fn matches_are_met_or_not_or_maybe() {
        let dport = r#"{"payload":{"protocol":"tcp","field":"dport"}}"#;
        let th = r#"{"payload":{"protocol":"th","field":"dport"}}"#;
        let saddr = r#"{"payload":{"protocol":"ip","field":"saddr"}}"#;
        let iif = r#"{"meta":{"key":"iifname"}}"#;
        let cases = [
            (dport, "==", "4470", Passes::Yes),
            (dport, "==", "4471", Passes::No),
            (dport, "!=", "4471", Passes::Yes),
            (dport, "==", r#"{"range":[4470,4489]}"#, Passes::Yes),
            (dport, "==", r#"{"set":[22,4470]}"#, Passes::Yes),
            (dport, "==", r#""@open""#, Passes::Yes),
            (dport, "==", r#""@gone""#, Passes::Unsure),
            (dport, "<", "5000", Passes::Unsure),
            (th, "==", "4470", Passes::Yes),
            (
                saddr,
                "==",
                r#"{"prefix":{"addr":"192.168.0.0","len":16}}"#,
                Passes::Yes,
            ),
            (
                saddr,
                "==",
                r#"{"prefix":{"addr":"10.0.0.0","len":8}}"#,
                Passes::No,
            ),
            (saddr, "==", r#""192.168.7.4""#, Passes::Yes),
            (
                r#"{"payload":{"protocol":"ip6","field":"saddr"}}"#,
                "==",
                r#""fe80::1""#,
                Passes::No,
            ),
            (iif, "==", r#""eth0""#, Passes::Yes),
            (iif, "==", r#""eth*""#, Passes::Yes),
            (iif, "==", r#""wlan0""#, Passes::No),
            (
                r#"{"ct":{"key":"state"}}"#,
                "in",
                r#"["established","related"]"#,
                Passes::No,
            ),
            (r#"{"ct":{"key":"state"}}"#, "in", r#""new""#, Passes::Yes),
            (r#"{"meta":{"key":"mark"}}"#, "==", "1", Passes::Unsure),
            (
                r#"{"meta":{"key":"l4proto"}}"#,
                "==",
                r#"{"set":["tcp","udp"]}"#,
                Passes::Yes,
            ),
        ];
        for (left, op, right, expected) in cases {
            let rule = format!(r#"{},{{"accept":null}}"#, compare(left, op, right));
            let ruleset = ruleset("drop", &[&rule]);
            assert_eq!(ruleset.passes(&scene(), Door::Rooms).0, expected, "{rule}");
        }
    }

    #[test]
    fn the_first_rule_that_is_met_decides() {
        let accept = r#"{"counter":{"packets":0,"bytes":0}},{"accept":null}"#;
        let drop = r#"{"limit":{"rate":3}},{"drop":null}"#;
        let maybe = compare(r#"{"meta":{"key":"mark"}}"#, "==", "1");
        let maybe_return = format!(r#"{maybe},{{"return":null}}"#);
        let cases: &[(&str, &[&str], Passes)] = &[
            ("accept", &[], Passes::Yes),
            ("drop", &[], Passes::No),
            ("drop", &[accept, drop], Passes::Yes),
            ("accept", &[drop, accept], Passes::No),
            (
                "accept",
                &[r#"{"reject":{"type":"tcp reset"}}"#],
                Passes::No,
            ),
            (
                "accept",
                &[r#"{"xt":{"type":"target","name":"REJECT"}}"#],
                Passes::No,
            ),
            ("accept", &[&maybe_return, drop], Passes::Unsure),
            (
                "drop",
                &[r#"{"jump":{"target":"sub"}}"#, accept],
                Passes::Yes,
            ),
            (
                "drop",
                &[r#"{"goto":{"target":"sub"}}"#, accept],
                Passes::No,
            ),
            ("accept", &[r#"{"jump":{"target":"in"}}"#], Passes::Unsure),
            (
                "drop",
                &[
                    r#"{"vmap":{"key":{"meta":{"key":"l4proto"}},"data":{"set":[["tcp",{"accept":null}]]}}}"#,
                ],
                Passes::Yes,
            ),
        ];
        for (policy, rules, expected) in cases {
            let ruleset = ruleset(policy, rules);
            assert_eq!(
                ruleset.passes(&scene(), Door::Rooms).0,
                *expected,
                "{policy} {rules:?}"
            );
        }
    }

    #[test]
    fn what_another_firewall_made_is_left_to_it() {
        let ruleset = Ruleset::parse(UFW).unwrap();
        let rest = ruleset.without(|_, chains| chains.contains(&"ufw-user-input"));
        assert!(!rest.filters());
        assert_eq!(passes(&rest), [Passes::Yes; 3]);
    }

    #[test]
    fn the_lines_that_mend_it_name_the_chain() {
        let ruleset = Ruleset::parse(DROP).unwrap();
        let (_, culprit) = ruleset.passes(&scene(), Door::Rooms);
        assert_eq!(
            culprit.unwrap().lines(&[Door::Rooms, Door::Beacons]),
            [
                "sudo nft insert rule inet filter input tcp dport 4470-4489 accept",
                "sudo nft insert rule inet filter input udp dport 4470 accept"
            ]
        );
        let of = |family: &str| {
            let culprit = Culprit {
                family: family.to_owned(),
                ..Culprit::usual()
            };
            culprit.lines(&[Door::Mdns])
        };
        let v4 = "ip daddr 224.0.0.251 udp dport 5353 accept";
        let v6 = "ip6 daddr ff02::fb udp dport 5353 accept";
        for (family, expected) in [("inet", &[v4, v6][..]), ("ip", &[v4]), ("ip6", &[v6])] {
            let insert = format!("sudo nft insert rule {family} filter input ");
            let expected: Vec<_> = expected
                .iter()
                .map(|one| format!("{insert}{one}"))
                .collect();
            assert_eq!(of(family), expected);
        }
    }

    #[test]
    fn what_is_no_rule_set_is_none() {
        for json in ["", "{}", r#"{"nftables":[{"chain":{}}]}"#, "[1]"] {
            assert!(Ruleset::parse(json).is_none(), "{json}");
        }
    }
}
