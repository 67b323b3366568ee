//! Addresses under which people on the network reach the station.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::Link;
use fast_qr::convert::{Builder, svg::SvgBuilder};
use fast_qr::qr::QRBuilder;

/// Watch links for the program, the most useful one first: one per network address when the
/// station listens on all of them, else the one it listens on.
pub(crate) fn watch_links(http: SocketAddr) -> Vec<Link> {
    places(http)
        .into_iter()
        .map(|(label, ip)| {
            let url = format!("http://{}/watch/program", SocketAddr::new(ip, http.port()));
            let qr = qr(&url);
            Link { label, url, qr }
        })
        .collect()
}

/// The base address under which most people on the network reach the station.
pub(crate) fn network_base(scheme: &str, at: SocketAddr) -> String {
    let first = places(at).into_iter().next();
    let ip = first.map_or(at.ip(), |(_, ip)| ip);
    format!("{scheme}://{}", SocketAddr::new(ip, at.port()))
}

/// Where the station is, by network.
fn places(http: SocketAddr) -> Vec<(String, IpAddr)> {
    let mut places: Vec<(String, IpAddr)> = Vec::new();
    if http.ip().is_unspecified() {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut reachable: Vec<_> = interfaces
            .into_iter()
            .filter(|i| !i.is_loopback() && !i.is_link_local())
            .map(|i| (i.name.clone(), i.ip()))
            .filter(|(_, ip)| ip.is_ipv4() || http.is_ipv6())
            .collect();
        reachable.sort_by_key(|(_, ip)| ip.is_ipv6());
        places.extend(reachable);
        places.push(("This machine".into(), Ipv4Addr::LOCALHOST.into()));
    } else if http.ip().is_loopback() {
        places.push(("This machine".into(), http.ip()));
    } else {
        places.push(("This network".into(), http.ip()));
    }
    places
}

/// The base address for this machine itself.
pub(crate) fn local_base(scheme: &str, at: SocketAddr) -> String {
    let ip = if at.ip().is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        at.ip()
    };
    format!("{scheme}://{}", SocketAddr::new(ip, at.port()))
}

/// A text as QR code: an SVG picture.
pub(crate) fn qr(text: &str) -> String {
    QRBuilder::new(text)
        .build()
        .map(|code| SvgBuilder::default().margin(2).to_str(&code))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_where_they_lead() {
        let one = watch_links("127.0.0.1:8080".parse().unwrap());
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].label, "This machine");
        assert_eq!(one[0].url, "http://127.0.0.1:8080/watch/program");
        assert!(one[0].qr.starts_with("<svg"), "{}", one[0].qr);
        let all = watch_links("0.0.0.0:80".parse().unwrap());
        assert_eq!(all.last().unwrap().url, "http://127.0.0.1:80/watch/program");
        assert_eq!(
            local_base("http", "0.0.0.0:81".parse().unwrap()),
            "http://127.0.0.1:81"
        );
    }
}
