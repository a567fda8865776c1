//! How many connections there are, in all and from each address. Who is over is turned away at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use chatspot_protocol::limits::ADDRESS_KNOCKS;

/// The counts of one address.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    all: usize,
    unauthenticated: usize,
    knocking: usize,
}

#[derive(Debug)]
struct Counts {
    all: usize,
    addresses: HashMap<IpAddr, Count>,
}

/// The gate of one relay.
#[derive(Debug)]
pub(crate) struct Gate {
    most: usize,
    most_of_address: usize,
    most_unauthenticated: usize,
    /// A lock because passes are dropped wherever their connection ends.
    counts: Mutex<Counts>,
}

/// One admitted connection; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    address: IpAddr,
    authenticated: bool,
    knocking: bool,
}

impl Gate {
    pub(crate) fn new(
        most: usize,
        most_of_address: usize,
        most_unauthenticated: usize,
    ) -> Arc<Self> {
        let counts = Mutex::new(Counts {
            all: 0,
            addresses: HashMap::new(),
        });
        Arc::new(Self {
            most,
            most_of_address,
            most_unauthenticated,
            counts,
        })
    }

    /// A pass for a connection from `address`, or none when it is one too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Pass> {
        let address = network_of(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.addresses.get(&address).copied().unwrap_or_default();
        if counts.all >= self.most
            || count.all >= self.most_of_address
            || count.unauthenticated >= self.most_unauthenticated
        {
            return None;
        }
        counts.all += 1;
        counts.addresses.insert(
            address,
            Count {
                all: count.all + 1,
                unauthenticated: count.unauthenticated + 1,
                ..count
            },
        );
        Some(Pass {
            gate: self.clone(),
            address,
            authenticated: false,
            knocking: false,
        })
    }

    fn change(&self, address: IpAddr, change: impl FnOnce(&mut Count)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.addresses.get_mut(&address) {
            let before = count.all;
            change(count);
            let (gone, empty) = (before - count.all, count.all == 0);
            if empty {
                counts.addresses.remove(&address);
            }
            counts.all -= gone;
        }
    }
}

impl Pass {
    /// The connection has proved who it is.
    pub(crate) fn authenticated(&mut self) {
        if !std::mem::replace(&mut self.authenticated, true) {
            self.gate
                .change(self.address, |count| count.unauthenticated -= 1);
        }
    }
}

impl Pass {
    /// The address that it counts for.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// The connection stands at a door and knocks. False when too many of the same address do.
    pub(crate) fn knocks(&mut self) -> bool {
        if self.knocking {
            return true;
        }
        self.gate.change(self.address, |count| {
            self.knocking = count.knocking < ADDRESS_KNOCKS;
            count.knocking += usize::from(self.knocking);
        });
        self.knocking
    }

    /// The connection was let in.
    pub(crate) fn admitted(&mut self) {
        if std::mem::take(&mut self.knocking) {
            self.gate.change(self.address, |count| count.knocking -= 1);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let waiting = usize::from(!self.authenticated);
        let knocking = usize::from(self.knocking);
        self.gate.change(self.address, |count| {
            count.all -= 1;
            count.unauthenticated -= waiting;
            count.knocking -= knocking;
        });
    }
}

/// What counts as one address: IPv4 and the IPv6 of a local network as they are, other IPv6 by its /64, because out
/// there one machine has a /64 all to itself. Within one, the neighbours of a whole network share it.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !(v6.is_unicast_link_local() || v6.is_unique_local()) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f10_one_address_is_capped_and_another_still_joins() {
        let gate = Gate::new(10, 3, 2);
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let mut first = gate.admit(a).unwrap();
        let second = gate.admit(a).unwrap();
        assert!(gate.admit(a).is_none(), "two have not said hello yet");
        first.authenticated();
        let third = gate.admit(a).unwrap();
        assert!(gate.admit(a).is_none(), "three are there");
        assert!(gate.admit(b).is_some());
        drop((second, third));
        assert!(gate.admit(a).is_some(), "room was made");
        drop(first);
        assert!(gate.counts.lock().unwrap().addresses.is_empty());
        assert_eq!(gate.counts.lock().unwrap().all, 0);
    }

    #[test]
    fn who_knocks_is_counted_until_let_in_or_gone() {
        let gate = Gate::new(100, 100, 100);
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let mut knocking: Vec<Pass> = (0..ADDRESS_KNOCKS)
            .map(|_| gate.admit(a).unwrap())
            .collect();
        assert!(knocking.iter_mut().all(Pass::knocks));
        let mut more = gate.admit(a).unwrap();
        assert!(!more.knocks());
        assert!(gate.admit(b).unwrap().knocks());
        knocking[0].admitted();
        assert!(more.knocks());
        drop(more);
        drop(knocking);
        assert!(gate.counts.lock().unwrap().addresses.is_empty());
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let gate = Gate::new(10, 1, 1);
        let _pass = gate.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(gate.admit("2001:db8::2".parse().unwrap()).is_none());
        let _neighbour = gate.admit("fe80::1".parse().unwrap()).unwrap();
        assert!(gate.admit("fe80::2".parse().unwrap()).is_some());
        assert!(gate.admit("::ffff:10.0.0.1".parse().unwrap()).is_some());
        assert!(
            gate.admit("10.0.0.1".parse().unwrap())
                .is_some_and(|_| true)
        );
    }
}
