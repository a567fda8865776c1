//! Whether a packet meets what one match of a rule asks for.

use std::net::IpAddr;

use chatspot_protocol::limits::MDNS_PORT;
use serde_json::Value;

use crate::doctor::firewall::packet::Packet;

/// Whether a match is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    Yes,
    No,
    Maybe,
}

/// Whether a match is met that came over from iptables and has no words here: only its name is told.
pub(super) fn carried_over(xt: &Value, statements: &[Value]) -> Met {
    let names_port = statements.iter().any(|statement| {
        let field = statement.pointer("/match/left/payload/field");
        field.and_then(Value::as_str) == Some("dport")
    });
    match xt.get("name").and_then(Value::as_str) {
        // Those who spoke before, or what belongs to nothing; where a port is named, those who begin.
        Some("conntrack" | "state") if !names_port => Met::No,
        Some("icmp" | "icmp6") => Met::No,
        _ => Met::Maybe,
    }
}

/// Whether one thing of a packet is one value.
pub(super) fn equal(left: &Value, right: &Value, packet: &Packet<'_>) -> Met {
    if let Some(ct) = left.get("ct") {
        return match ct.get("key").and_then(Value::as_str) {
            // Nobody spoke before.
            Some("state") => sure(right == "new"),
            Some("status") => Met::No,
            _ => Met::Maybe,
        };
    }
    if let Some(meta) = left.get("meta") {
        return match meta.get("key").and_then(Value::as_str) {
            Some("iif" | "iifname") => interface(right, packet.interface),
            Some("l4proto") => protocol(right, packet.protocol),
            Some("nfproto" | "protocol") => {
                let names = if packet.to.is_ipv4() {
                    ["ipv4", "ip"]
                } else {
                    ["ipv6", "ip6"]
                };
                sure(right.as_str().is_some_and(|right| names.contains(&right)))
            }
            Some("pkttype") => sure(if packet.to.is_multicast() {
                right == "multicast"
            } else {
                right == "host" || right == "unicast"
            }),
            _ => Met::Maybe,
        };
    }
    if let Some(fib) = left.get("fib") {
        let kind = if packet.to.is_multicast() {
            "multicast"
        } else {
            "local"
        };
        let asks_for_target = fib.get("flags").is_some_and(|flags| {
            flags == "daddr"
                || flags
                    .as_array()
                    .is_some_and(|all| all.contains(&"daddr".into()))
        });
        return match fib.get("result").and_then(Value::as_str) {
            Some("type") if asks_for_target => sure(right == kind),
            // Whether there is a way back to the sender: there is.
            Some("oif") => sure(right != &Value::Bool(false)),
            _ => Met::Maybe,
        };
    }
    let Some(payload) = left.get("payload") else {
        return Met::Maybe;
    };
    let layer = payload.get("protocol").and_then(Value::as_str);
    match (layer, payload.get("field").and_then(Value::as_str)) {
        (Some("ip"), _) if packet.to.is_ipv6() => Met::No,
        (Some("ip6"), _) if packet.to.is_ipv4() => Met::No,
        (Some("ip" | "ip6"), Some("daddr")) => address(right, packet.to),
        (Some("ip" | "ip6"), Some("saddr")) => address(right, packet.from),
        (Some("ip"), Some("protocol")) | (Some("ip6"), Some("nexthdr")) => {
            protocol(right, packet.protocol)
        }
        (Some(layer @ ("tcp" | "udp")), _) if layer != packet.protocol => Met::No,
        (Some("tcp" | "udp" | "th"), Some("dport")) => port(right, packet.port),
        // Of mDNS and beacons both ports are the same; a connection comes from any port.
        (Some("udp" | "th"), Some("sport")) if packet.protocol == "udp" => port(right, packet.port),
        (Some("icmp" | "icmpv6" | "sctp" | "dccp" | "udplite"), _) => Met::No,
        _ => Met::Maybe,
    }
}

fn sure(is: impl Into<Option<bool>>) -> Met {
    match is.into() {
        Some(true) => Met::Yes,
        Some(false) => Met::No,
        None => Met::Maybe,
    }
}

fn interface(right: &Value, name: &str) -> Met {
    sure(right.as_str().map(|right| match right.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => right == name,
    }))
}

fn protocol(right: &Value, name: &str) -> Met {
    let number = if name == "tcp" { 6 } else { 17 };
    sure(right == name || right.as_u64() == Some(number))
}

fn port(right: &Value, port: u16) -> Met {
    let port = u64::from(port);
    if let Some(one) = right.as_u64() {
        return sure(one == port);
    }
    if right == "mdns" {
        return sure(port == u64::from(MDNS_PORT));
    }
    let Some(range) = right.get("range").and_then(Value::as_array) else {
        return Met::Maybe;
    };
    match (
        range.first().and_then(Value::as_u64),
        range.get(1).and_then(Value::as_u64),
    ) {
        (Some(first), Some(last)) => sure((first..=last).contains(&port)),
        _ => Met::Maybe,
    }
}

fn address(right: &Value, ip: IpAddr) -> Met {
    let parsed = |value: &Value| value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    if let Some(one) = parsed(right) {
        return sure(one == ip);
    }
    if let Some(prefix) = right.get("prefix") {
        let length = prefix.get("len").and_then(Value::as_u64);
        let (Some(start), Some(length)) = (prefix.get("addr").and_then(parsed), length) else {
            return Met::Maybe;
        };
        return sure(
            u8::try_from(length)
                .ok()
                .map(|length| within(ip, start, length)),
        );
    }
    let Some(range) = right.get("range").and_then(Value::as_array) else {
        return Met::Maybe;
    };
    match (
        range.first().and_then(parsed),
        range.get(1).and_then(parsed),
    ) {
        (Some(first), Some(last)) => sure((first..=last).contains(&ip)),
        _ => Met::Maybe,
    }
}

/// Whether both are in the network that so many bits name.
pub(in crate::doctor) fn within(ip: IpAddr, start: IpAddr, bits: u8) -> bool {
    match (ip, start) {
        (IpAddr::V4(ip), IpAddr::V4(start)) => {
            let shift = 32 - u32::from(bits.min(32));
            shift == 32 || (ip.to_bits() >> shift) == (start.to_bits() >> shift)
        }
        (IpAddr::V6(ip), IpAddr::V6(start)) => {
            let shift = 128 - u32::from(bits.min(128));
            shift == 128 || (ip.to_bits() >> shift) == (start.to_bits() >> shift)
        }
        _ => false,
    }
}
