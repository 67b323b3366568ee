//! Ports that are taken: by whom, and which one is free instead.

use std::net::{SocketAddr, TcpListener, UdpSocket};

/// Ports looked at after one that is taken.
const NEXT: u16 = 50;

/// The transport that a port belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The first free port after the one of `address`, on the same interface.
pub(crate) fn next_free(transport: Transport, address: SocketAddr) -> Option<u16> {
    let first = address.port().checked_add(1)?;
    let last = first.saturating_add(NEXT - 1);
    (first..=last).find(|port| {
        let candidate = SocketAddr::new(address.ip(), *port);
        match transport {
            Transport::Tcp => TcpListener::bind(candidate).is_ok(),
            Transport::Udp => UdpSocket::bind(candidate).is_ok(),
        }
    })
}

/// The program that holds a port, as `name (process 123)`, where the system says so.
#[cfg(target_os = "linux")]
pub(crate) fn holder(transport: Transport, port: u16) -> Option<String> {
    let tables = match transport {
        Transport::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        Transport::Udp => ["/proc/net/udp", "/proc/net/udp6"],
    };
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| inodes(&table, transport, port))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?;
    for process in processes.flatten() {
        let pid = process.file_name();
        let Some(pid) = pid
            .to_str()
            .filter(|p| p.bytes().all(|b| b.is_ascii_digit()))
        else {
            continue;
        };
        // Those of other people cannot be read; they stay unnamed.
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let holds = files.flatten().any(|file| {
            std::fs::read_link(file.path()).is_ok_and(|target| {
                let target = target.to_string_lossy();
                inodes
                    .iter()
                    .any(|inode| target == format!("socket:[{inode}]"))
            })
        });
        if holds {
            let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
            return Some(format!("{} (process {pid})", name.trim()));
        }
    }
    None
}

/// The program that holds a port, where the system says so.
#[cfg(not(target_os = "linux"))]
pub(crate) fn holder(_: Transport, _: u16) -> Option<String> {
    None
}

/// The sockets of a table of proc(5) that wait at a port.
#[cfg(target_os = "linux")]
fn inodes(table: &str, transport: Transport, port: u16) -> Vec<String> {
    const LISTENING: &str = "0A";
    let lines = table.lines().skip(1);
    lines
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let local = fields.nth(1)?;
            let state = fields.nth(1)?;
            let inode = fields.nth(5)?;
            let (_, at) = local.rsplit_once(':')?;
            let here = u16::from_str_radix(at, 16).ok()? == port;
            let waits = transport == Transport::Udp || state == LISTENING;
            (here && waits).then(|| inode.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_port_is_free() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        if let Some(port) = next_free(Transport::Tcp, address) {
            assert!(port > address.port());
        }
        let last = SocketAddr::new(address.ip(), u16::MAX);
        assert_eq!(next_free(Transport::Udp, last), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn whoever_holds_a_port_is_named() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let me = format!("(process {})", std::process::id());
        for (transport, port) in [
            (Transport::Tcp, tcp.local_addr().unwrap().port()),
            (Transport::Udp, udp.local_addr().unwrap().port()),
        ] {
            let holder = holder(transport, port).unwrap();
            assert!(holder.ends_with(&me), "{holder}");
        }
    }
}
