//! Where the station can be reached (RFC 8445, section 5.1; RFC 8839, section 5.1).

use std::net::{IpAddr, SocketAddr};

use rtc::ice::candidate::Candidate;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig};
use rtc::shared::error::Result;
use rtc::shared::ifaces::{Kind, ifaces};

/// Addresses sent from at most: each costs a socket, and checks with every address of the far end.
const MOST_SOURCES: usize = 8;

/// The addresses of a socket bound to `bound`: itself, or those of all interfaces with its port, the
/// loopback last.
pub(crate) fn of(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return vec![bound];
    }
    let interfaces = ifaces().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine's addresses cannot be listed");
        Vec::new()
    });
    let mut addresses: Vec<IpAddr> = interfaces
        .into_iter()
        .filter(|i| matches!(i.kind, Kind::Ipv4 | Kind::Ipv6))
        .filter_map(|i| i.addr.map(|a| a.ip()))
        .filter(|a| a.is_ipv4() == bound.is_ipv4() && !needs_scope(*a) && !a.is_unspecified())
        .collect();
    addresses.sort_by_key(|a| (a.is_loopback(), *a));
    addresses.dedup();
    if addresses.is_empty() {
        addresses.push(match bound {
            SocketAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
            SocketAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        });
    }
    addresses
        .into_iter()
        .map(|ip| SocketAddr::new(ip, bound.port()))
        .collect()
}

/// Addresses to send from, with ports yet to be chosen: of all interfaces, IPv4 first. The loopback
/// is one of them when the far end is on this machine, or when there is nothing else.
pub(crate) fn for_sending(local: bool) -> Vec<SocketAddr> {
    let any = [
        SocketAddr::new(IpAddr::from([0, 0, 0, 0]), 0),
        SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0),
    ];
    let all: Vec<_> = any.into_iter().flat_map(of).collect();
    let (loopback, mut others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|a| a.ip().is_loopback());
    others.truncate(MOST_SOURCES);
    if local || others.is_empty() {
        others.extend(loopback.into_iter().filter(SocketAddr::is_ipv4));
    }
    others
}

/// Whether a candidate leads back to whoever named it: to the address that the request came from, or, where it came from
/// this machine itself, to one of its addresses (`own`).
///
/// A stranger could else have us knock at other people's doors, hundreds of times each. Nobody is lost by it: who can be
/// reached somewhere else checks us from there, and is answered there (RFC 8445, section 7.3.1.3).
pub(crate) fn leads_back(candidate: &str, from: IpAddr, own: &[SocketAddr]) -> bool {
    let Some(to) = address(candidate).map(|a| a.to_canonical()) else {
        return false;
    };
    let from = from.to_canonical();
    to == from || (from.is_loopback() && own.iter().any(|a| a.ip().to_canonical() == to))
}

/// The address of a candidate (RFC 8839, section 5.1).
pub(crate) fn address(candidate: &str) -> Option<IpAddr> {
    candidate.split_ascii_whitespace().nth(4)?.parse().ok()
}

/// A link-local address means nothing without its interface.
fn needs_scope(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_link_local(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    }
}

/// Type preference of a host candidate (RFC 8445, section 5.1.2.2).
const HOST: u32 = 126;

fn priority(local_preference: u16) -> u32 {
    (HOST << 24) | (u32::from(local_preference) << 8) | 255
}

/// The loopback is tried last.
fn preference(address: SocketAddr) -> u16 {
    if address.ip().is_loopback() {
        1
    } else {
        65_535
    }
}

/// A host candidate for the stack.
pub(crate) fn host(address: SocketAddr) -> Result<Candidate> {
    CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            priority: priority(preference(address)),
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    }
    .new_candidate_host()
}

/// Our addresses and those that lead to this machine from outside, as lines of SDP, and that these
/// are all (RFC 8839, section 5.1; RFC 8840).
pub(crate) fn lines(locals: &[SocketAddr], extra: &[SocketAddr]) -> String {
    let mut out = String::new();
    let mut line = |foundation: String, preference: u16, address: &SocketAddr| {
        let (ip, port) = (address.ip(), address.port());
        let priority = priority(preference);
        out += &format!("a=candidate:{foundation} 1 udp {priority} {ip} {port} typ host\r\n");
    };
    for (index, address) in locals.iter().enumerate() {
        line(format!("host{index}"), preference(*address), address);
    }
    for (index, address) in extra.iter().enumerate() {
        let preference = 32_768_u16.saturating_sub(u16::try_from(index).unwrap_or(u16::MAX));
        line(format!("external{index}"), preference, address);
    }
    out + "a=end-of-candidates\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_address_is_its_own_candidate_and_any_is_all() {
        let one: SocketAddr = "127.0.0.1:8189".parse().unwrap();
        assert_eq!(of(one), [one]);
        let all = of("0.0.0.0:8189".parse().unwrap());
        assert!(all.iter().all(|a| a.is_ipv4() && a.port() == 8189));
        assert!(all.last().is_some_and(|a| a.ip().is_loopback()), "{all:?}");
    }

    #[test]
    fn candidates_lead_back_to_who_named_them() {
        let own = ["192.168.1.20:8189".parse().unwrap()];
        for (to, from, expect) in [
            ("192.168.1.30", "192.168.1.30", true),
            ("192.168.1.30", "::ffff:192.168.1.30", true),
            ("192.168.1.31", "192.168.1.30", false),
            ("127.0.0.1", "192.168.1.30", false),
            ("192.168.1.20", "192.168.1.30", false),
            // A program on this machine asks over the loopback and is reached at any address of it.
            ("192.168.1.20", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("192.168.1.30", "127.0.0.1", false),
            ("fd00::1", "fd00::1", true),
            ("fd00::2", "fd00::1", false),
            ("phone.local", "192.168.1.30", false),
        ] {
            let candidate = format!("1 1 udp 5 {to} 50000 typ host");
            let got = leads_back(&candidate, from.parse().unwrap(), &own);
            assert_eq!(got, expect, "{to} named from {from}");
        }
        assert!(!leads_back("", "127.0.0.1".parse().unwrap(), &own));
    }

    #[test]
    fn outside_addresses_stand_behind_our_own() {
        let own = ["10.0.0.1:9".parse().unwrap()];
        let outside = ["203.0.113.9:8189".parse().unwrap()];
        let lines = lines(&own, &outside);
        let (before, after) = lines.split_once("a=candidate:external0 1 udp ").unwrap();
        assert!(before.ends_with(" 10.0.0.1 9 typ host\r\n"), "{before}");
        assert!(after.ends_with(" 203.0.113.9 8189 typ host\r\na=end-of-candidates\r\n"));
        let number = |text: &str| text.split(' ').next().unwrap().parse::<u32>().unwrap();
        assert!(number(before.split_once("udp ").unwrap().1) > number(after));
    }
}
