//! The station's name on the network (RFC 6762 and 6763): `NAME.local` leads to this machine's
//! addresses, and programs that look for web services find the station under its title.
//!
//! A name that another machine has is changed by a number behind it, as the standard asks.

use std::net::SocketAddr;
use std::sync::Arc;

use mdns_sd::{DaemonEvent, Error, ServiceDaemon, ServiceInfo};
use parking_lot::Mutex;

use crate::tls::label_of;

const SERVICE: &str = "_http._tcp.local.";

/// Bytes of a service's name (RFC 6763, section 4.1.1).
const TITLE_MAX: usize = 63;

/// Announces the station until it is dropped.
pub(crate) struct Announcer {
    daemon: ServiceDaemon,
    http: SocketAddr,
    https: Option<u16>,
    /// `NAME.local`, as it was asked for.
    wish: String,
    /// The name of the machine as the network knows it.
    known: Arc<Mutex<Option<String>>>,
    /// The whole name of the service, as it was registered.
    service: Mutex<Option<String>>,
}

impl Announcer {
    /// Begins to announce: the name of this machine, or `klieg` where it has none; its addresses,
    /// or the one that the station listens on. `known` always holds the name as it came out.
    ///
    /// # Errors
    /// What the system says. A port that cannot be had is noticed later, and logged.
    pub(crate) fn start(
        host: Option<&str>,
        title: &str,
        http: SocketAddr,
        https: Option<u16>,
        known: Arc<Mutex<Option<String>>>,
    ) -> Result<Self, Error> {
        Self::over(ServiceDaemon::new()?, host, title, http, https, known)
    }

    fn over(
        daemon: ServiceDaemon,
        host: Option<&str>,
        title: &str,
        http: SocketAddr,
        https: Option<u16>,
        known: Arc<Mutex<Option<String>>>,
    ) -> Result<Self, Error> {
        let label = host.and_then(label_of).unwrap_or_else(|| "klieg".into());
        let wish = format!("{label}.local");
        *known.lock() = Some(wish.clone());
        let announcer = Self {
            daemon,
            http,
            https,
            wish,
            known,
            service: Mutex::default(),
        };
        announcer.follow()?;
        announcer.rename(title)?;
        Ok(announcer)
    }

    /// Announces the station under another title.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn rename(&self, title: &str) -> Result<(), Error> {
        let service = self.service(title)?;
        let name = service.get_fullname().to_owned();
        let before = self.service.lock().replace(name.clone());
        if before.as_ref() == Some(&name) {
            return Ok(());
        }
        if let Some(before) = before {
            drop(self.daemon.unregister(&before)?);
        }
        self.daemon.register(service)
    }

    /// The name under which the station is found at the moment: `studio.local`.
    pub(crate) fn host(&self) -> Option<String> {
        self.known.lock().clone()
    }

    fn service(&self, title: &str) -> Result<ServiceInfo, Error> {
        let mut properties = vec![("path".to_owned(), "/".to_owned())];
        if let Some(port) = self.https {
            properties.push(("https".to_owned(), port.to_string()));
        }
        let host = format!("{}.", self.wish);
        let port = self.http.port();
        let ip = self.http.ip();
        if ip.is_unspecified() {
            let all = ServiceInfo::new(SERVICE, &tidy(title), &host, (), port, &properties[..])?;
            Ok(all.enable_addr_auto())
        } else {
            ServiceInfo::new(SERVICE, &tidy(title), &host, ip, port, &properties[..])
        }
    }

    /// Notes names that had to be changed, on a thread of its own that ends with the daemon.
    fn follow(&self) -> Result<(), Error> {
        let events = self.daemon.monitor()?;
        let known = Arc::clone(&self.known);
        let wish = self.wish.clone();
        let listen = move || {
            while let Ok(event) = events.recv() {
                match event {
                    DaemonEvent::NameChange(change) => {
                        let [from, to] = [&change.original, &change.new_name]
                            .map(|name| name.trim_end_matches('.').to_owned());
                        tracing::info!(from, to, "a name on the network was taken; it is changed");
                        if from == wish {
                            *known.lock() = Some(to);
                        }
                    }
                    DaemonEvent::Error(error) => {
                        tracing::warn!(%error, "the station's name on the network is not announced everywhere");
                    }
                    _ => {}
                }
            }
        };
        let thread = std::thread::Builder::new().name("mdns-events".into());
        thread
            .spawn(listen)
            .map(drop)
            .map_err(|e| Error::Msg(e.to_string()))
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        // The daemon says goodbye to the network on its own thread.
        if let Err(error) = self.daemon.shutdown() {
            tracing::debug!(%error, "the announcer had ended");
        }
    }
}

/// A title as the name of a service: some bytes at most, without control characters.
fn tidy(title: &str) -> String {
    let mut name: String = title.chars().filter(|c| !c.is_control()).collect();
    let mut end = name.len().min(TITLE_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    let name = name.trim();
    if name.is_empty() { "Klieg" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use mdns_sd::{HostnameResolutionEvent, IfKind, Receiver, ServiceEvent};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn titles_become_names_of_services() {
        let long = "ü".repeat(40);
        for (title, expect) in [
            ("Sunday service", "Sunday service"),
            (" \n ", "Klieg"),
            ("a\u{7}b", "ab"),
            (long.as_str(), &long[..62]),
        ] {
            assert_eq!(tidy(title), expect);
        }
    }

    /// The first event that is wanted.
    fn wait<E, T>(events: &Receiver<E>, wanted: impl Fn(E) -> Option<T>) -> T {
        loop {
            let event = events.recv_timeout(PATIENCE).expect("the network answers");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    /// On the loopback alone, and on a port that no other responder uses.
    fn quiet(port: u16) -> ServiceDaemon {
        let daemon = ServiceDaemon::new_with_port(port).unwrap();
        daemon.disable_interface(IfKind::All).unwrap();
        daemon.enable_interface(IfKind::LoopbackV4).unwrap();
        daemon
    }

    #[test]
    fn another_on_the_network_finds_the_station_by_its_name() {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let host = Some("Box-7.example");
        let known = Arc::default();
        let station =
            Announcer::over(quiet(port), host, "Sunday", http, Some(8443), known).unwrap();
        let peer = quiet(port);
        let found = peer.resolve_hostname("box-7.local.", None).unwrap();
        let address = wait(&found, |event| match event {
            HostnameResolutionEvent::AddressesFound(_, all) => {
                all.into_iter().next().map(|ip| ip.to_ip_addr())
            }
            _ => None,
        });
        assert_eq!(address, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let services = peer.browse(SERVICE).unwrap();
        let resolved = |title: &'static str| {
            wait(&services, move |event| match event {
                ServiceEvent::ServiceResolved(service) => {
                    service.get_fullname().starts_with(title).then_some(service)
                }
                _ => None,
            })
        };
        let service = resolved("Sunday.");
        assert_eq!(
            (service.get_port(), service.get_hostname()),
            (8080, "box-7.local.")
        );
        assert_eq!(service.get_property_val_str("https"), Some("8443"));
        station.rename("Monday").unwrap();
        resolved("Monday.");
        assert_eq!(station.host().as_deref(), Some("box-7.local"));
        drop(station);
        drop(peer.shutdown());
    }

    #[test]
    fn a_name_that_another_machine_has_is_changed() {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let station = |daemon: ServiceDaemon, last: u8, title: &str| {
            let http = SocketAddr::from(([127, 0, 0, last], 8080));
            Announcer::over(daemon, Some("studio"), title, http, None, Arc::default()).unwrap()
        };
        let first = quiet(port);
        let events = first.monitor().unwrap();
        let first = station(first, 1, "Sunday");
        wait(&events, |event| {
            matches!(event, DaemonEvent::Announce(..)).then_some(())
        });
        let second = quiet(port);
        let events = second.monitor().unwrap();
        let second = station(second, 2, "Monday");
        let name = wait(&events, |event| match event {
            DaemonEvent::NameChange(change) => Some(change.new_name),
            _ => None,
        });
        assert_eq!(name, "studio-2.local.");
        // Its own follower hears of it at the same time as this test.
        while second.host().as_deref() != Some("studio-2.local") {
            std::thread::yield_now();
        }
        assert_eq!(first.host().as_deref(), Some("studio.local"));
    }
}
