//! Where the station can be reached (RFC 8445, section 5.1; RFC 8839, section 5.1).

use std::net::{IpAddr, SocketAddr};

use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCIceCandidate, RTCIceCandidateInit,
};
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

/// A host candidate for the stack.
pub(crate) fn host(address: SocketAddr) -> Result<RTCIceCandidateInit> {
    let candidate = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            priority: priority(if address.ip().is_loopback() {
                1
            } else {
                65_535
            }),
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    }
    .new_candidate_host()?;
    RTCIceCandidate::from(&candidate).to_json()
}

/// Adds addresses to an answer that lead to this machine from outside, and says that these are all
/// (RFC 8840): behind the answer's own candidates, in the section that carries them.
pub(crate) fn with_extra(sdp: &str, extra: &[SocketAddr]) -> String {
    let at = match sdp.rfind("\r\na=candidate:") {
        Some(last) => sdp[last + 2..].find("\r\n").map(|end| last + 2 + end + 2),
        None => None,
    };
    let Some(at) = at else { return sdp.to_owned() };
    let (head, tail) = sdp.split_at(at);
    let mut out = head.to_owned();
    for (index, address) in extra.iter().enumerate() {
        let preference = 32_768_u16.saturating_sub(u16::try_from(index).unwrap_or(u16::MAX));
        out.push_str(&format!(
            "a=candidate:external{index} 1 udp {} {} {} typ host\r\n",
            priority(preference),
            address.ip(),
            address.port()
        ));
    }
    if !tail.starts_with("a=end-of-candidates") {
        out.push_str("a=end-of-candidates\r\n");
    }
    out + tail
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
    fn outside_addresses_stand_behind_our_own() {
        let sdp = "m=video\r\na=mid:0\r\na=candidate:1 1 udp 5 10.0.0.1 9 typ host\r\nm=audio\r\n";
        let outside = ["203.0.113.9:8189".parse().unwrap()];
        let with = with_extra(sdp, &outside);
        let (before, after) = with.split_once("a=candidate:external0 1 udp ").unwrap();
        assert!(before.ends_with("typ host\r\n"));
        assert!(after.contains(" 203.0.113.9 8189 typ host\r\na=end-of-candidates\r\nm=audio\r\n"));
    }
}
