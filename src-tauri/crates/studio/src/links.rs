//! Addresses under which people on the network reach the station.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::Link;
use fast_qr::convert::{Builder, svg::SvgBuilder};
use fast_qr::qr::QRBuilder;

/// A way to the station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    label: String,
    /// The host as it stands in an address: `192.168.1.20`, `[fd00::7]`, `studio.local`.
    host: String,
}

/// Watch links for the program, the most useful one first.
pub(crate) fn watch_links(
    places: &[Place],
    http: SocketAddr,
    https: Option<SocketAddr>,
) -> Vec<Link> {
    places
        .iter()
        .map(|Place { label, host }| {
            let base = format!("http://{host}:{}", http.port());
            let url = format!("{base}/watch/program");
            Link {
                label: label.clone(),
                qr: qr(&url),
                url,
                http: base,
                https: https.map(|at| format!("https://{host}:{}", at.port())),
            }
        })
        .collect()
}

/// Where the station is: one place per network address when it listens on all of them, else the one
/// it listens on; and its name, where the network knows it.
pub(crate) fn places(http: SocketAddr, name: Option<String>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    if http.ip().is_unspecified() {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut reachable: Vec<_> = interfaces
            .into_iter()
            .filter(|i| !i.is_loopback() && !i.is_link_local())
            .map(|i| (i.ip(), kind(&i.name)))
            .filter(|(ip, _)| ip.is_ipv4() || http.is_ipv6())
            .collect();
        // Networks of people before those of programs, and the shorter addresses first.
        reachable.sort_by_key(|(ip, (rank, label))| (*rank, ip.is_ipv6(), label.clone()));
        for (ip, (_, label)) in reachable {
            let label = if places.iter().any(|p| p.label == label) {
                format!("{label}, {ip}")
            } else {
                label
            };
            places.push(Place::at(label, ip));
        }
    } else if !http.ip().is_loopback() {
        places.push(Place::at("This network".into(), http.ip()));
    }
    places.extend(name.map(|host| Place {
        label: format!("By name ({host})"),
        host,
    }));
    if http.ip().is_unspecified() {
        places.push(Place::at("This machine".into(), Ipv4Addr::LOCALHOST.into()));
    } else if http.ip().is_loopback() {
        places.push(Place::at("This machine".into(), http.ip()));
    }
    places
}

impl Place {
    fn at(label: String, ip: IpAddr) -> Self {
        let host = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { label, host }
    }
}

/// What an interface is called, and how likely people are on it: by the names that Linux, macOS and
/// Windows give.
fn kind(name: &str) -> (u8, String) {
    let lower = name.to_lowercase();
    let begins = |all: &[&str]| all.iter().any(|part| lower.starts_with(part));
    if begins(&[
        "docker",
        "br-",
        "veth",
        "virbr",
        "vmnet",
        "vboxnet",
        "vethernet",
    ]) {
        (3, format!("Virtual ({name})"))
    } else if begins(&["tun", "tap", "wg", "tailscale", "zt", "utun"]) {
        (2, format!("VPN ({name})"))
    } else if begins(&["wl", "wi-fi", "wlan", "wireless"]) {
        (0, format!("Wi-Fi ({name})"))
    } else if begins(&["eth", "en", "ethernet"]) {
        (1, format!("Ethernet ({name})"))
    } else {
        (2, name.to_owned())
    }
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
        let http: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let https = Some("127.0.0.1:8443".parse().unwrap());
        let one = watch_links(&places(http, None), http, https);
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].label, "This machine");
        assert_eq!(one[0].url, "http://127.0.0.1:8080/watch/program");
        assert_eq!(one[0].https.as_deref(), Some("https://127.0.0.1:8443"));
        assert!(one[0].qr.starts_with("<svg"), "{}", one[0].qr);
        let http: SocketAddr = "0.0.0.0:80".parse().unwrap();
        let all = watch_links(&places(http, Some("studio.local".into())), http, None);
        let urls: Vec<_> = all.iter().rev().take(2).map(|l| l.url.as_str()).collect();
        assert_eq!(
            urls,
            [
                "http://127.0.0.1:80/watch/program",
                "http://studio.local:80/watch/program"
            ]
        );
        let six = places("[fd00::7]:80".parse().unwrap(), None);
        assert_eq!(six[0].host, "[fd00::7]");
        assert_eq!(
            local_base("http", "0.0.0.0:81".parse().unwrap()),
            "http://127.0.0.1:81"
        );
    }

    #[test]
    fn networks_are_named() {
        for (name, expect) in [
            ("wlp3s0", "Wi-Fi (wlp3s0)"),
            ("Wi-Fi", "Wi-Fi (Wi-Fi)"),
            ("enp4s0", "Ethernet (enp4s0)"),
            ("eth0", "Ethernet (eth0)"),
            ("Ethernet 2", "Ethernet (Ethernet 2)"),
            ("docker0", "Virtual (docker0)"),
            ("vEthernet (WSL)", "Virtual (vEthernet (WSL))"),
            ("tailscale0", "VPN (tailscale0)"),
            ("bond0", "bond0"),
        ] {
            assert_eq!(kind(name).1, expect);
        }
    }
}
