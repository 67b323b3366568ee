//! Names and addresses under which this machine is reached, and which of them its own authority may
//! vouch for.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks that nobody on the internet can claim: loopback, private, link-local, and the shared
/// addresses of providers and overlay networks (RFC 1918, 3927, 4193, 4291, 6598).
pub(super) const NETWORKS: [(IpAddr, u8); 9] = [
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Names and addresses of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) hosts: BTreeSet<String>,
    pub(super) addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// What this machine answers to now.
    pub(super) fn of_this_machine(host: Option<&str>) -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut addresses: BTreeSet<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
        addresses.insert(Ipv4Addr::LOCALHOST.into());
        addresses.insert(Ipv6Addr::LOCALHOST.into());
        let mut hosts = BTreeSet::from(["localhost".to_owned()]);
        if let Some(label) = host.and_then(label_of) {
            hosts.insert(format!("{label}.local"));
        }
        hosts.extend(host.and_then(host_name));
        Self { hosts, addresses }
    }

    /// Those that an authority for `domains` and for [`NETWORKS`] may vouch for. One name beyond
    /// would make the whole certificate invalid (RFC 5280, section 4.2.1.10).
    pub(super) fn within(&self, domains: &[String]) -> Self {
        let host_fits = |host: &&String| {
            domains.iter().any(|domain| {
                let below = host.strip_suffix(domain.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        };
        let address_fits =
            |address: &&IpAddr| NETWORKS.iter().any(|(n, p)| inside(**address, *n, *p));
        Self {
            hosts: self.hosts.iter().filter(host_fits).cloned().collect(),
            addresses: self
                .addresses
                .iter()
                .filter(address_fits)
                .copied()
                .collect(),
        }
    }
}

/// A host name as a certificate may carry it; none for what is no such name.
pub(super) fn host_name(text: &str) -> Option<String> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let fine = name.len() <= 253 && name.split('.').all(label);
    // What looks like an address is none of the names.
    (fine && name.parse::<IpAddr>().is_err()).then_some(name)
}

/// The first part of a host name: what stands before `.local`.
pub(crate) fn label_of(host: &str) -> Option<String> {
    Some(host_name(host)?.split('.').next()?.to_owned())
}

fn inside(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let (a, n, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(u32::from(a)), u128::from(u32::from(n)), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (u128::from(a), u128::from(n), 128),
        _ => return false,
    };
    (a ^ n) >> (width - u32::from(prefix)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_nobody_on_the_internet_can_claim() {
        for (address, expect) in [
            ("127.0.0.1", true),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("172.16.0.1", true),
            ("172.31.255.255", true),
            ("172.32.0.1", false),
            ("192.168.1.20", true),
            ("192.169.0.1", false),
            ("169.254.7.7", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("203.0.113.7", false),
            ("::1", true),
            ("::2", false),
            ("fd12:3456::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
        ] {
            let names = Names {
                addresses: BTreeSet::from([address.parse().unwrap()]),
                ..Names::default()
            };
            assert_eq!(!names.within(&[]).addresses.is_empty(), expect, "{address}");
        }
    }

    #[test]
    fn host_names_within_domains() {
        let domains = ["local", "localhost", "studio"].map(str::to_owned);
        for (host, expect) in [
            ("localhost", true),
            ("studio", true),
            ("studio.local", true),
            ("other", false),
            ("mystudio", false),
            ("studio.example", false),
            ("notlocal", false),
        ] {
            let names = Names {
                hosts: BTreeSet::from([host.to_owned()]),
                ..Names::default()
            };
            assert_eq!(!names.within(&domains).hosts.is_empty(), expect, "{host}");
        }
    }

    #[test]
    fn names_that_a_certificate_may_carry() {
        for (text, expect) in [
            ("Studio-2", Some("studio-2")),
            ("box.example.", Some("box.example")),
            ("my_mac", None),
            ("", None),
            ("-a", None),
            ("a..b", None),
            ("192.168.1.1", None),
            ("küche", None),
        ] {
            assert_eq!(host_name(text).as_deref(), expect, "{text:?}");
        }
        let names = Names::of_this_machine(Some("Box.example"));
        for host in ["localhost", "box.example", "box.local"] {
            assert!(names.hosts.contains(host), "{host}");
        }
        assert!(names.addresses.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for interface in if_addrs::get_if_addrs().unwrap() {
            assert!(names.addresses.contains(&interface.ip()), "{interface:?}");
        }
    }
}
