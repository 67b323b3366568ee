//! What the machine offers a window.

#[cfg(target_os = "linux")]
use std::env;

/// Whether a window can be opened here. Windows and macOS always have a display; elsewhere a
/// Wayland or X11 server must answer, and is connected to for as long as the program runs.
///
/// Adapts what WebKit reads from the environment when it starts, too. That of a running process is not ours to
/// change: when something must, the program runs again in its own place.
#[cfg(target_os = "linux")]
pub fn has_display() -> bool {
    let set = |name| env::var(name).ok().filter(|v| !v.is_empty());
    let (wayland, x11) = (set("WAYLAND_DISPLAY"), set("DISPLAY"));
    if wayland.is_none() && x11.is_none() {
        return false;
    }
    // An X server whose last client has gone begins anew, and refuses who comes meanwhile. On one that has no other
    // client, that may be us: so nothing connects before the program is the one that stays, what asked whether the
    // server answers stays until GTK is connected, and GTK is before the studio looks for monitors.
    linux::prepare();
    let asked = x11.as_deref().map(x11::connect);
    if wayland.is_none() && matches!(asked, Some(Err(_))) {
        return false;
    }
    let connected = gtk::init().is_ok();
    drop(asked);
    connected
}

/// Whether a window can be opened here: always.
#[cfg(not(target_os = "linux"))]
pub fn has_display() -> bool {
    true
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{env, fs, os::unix::process::CommandExt, process::Command};

    /// Without a GPU, WebKit's DMA-BUF renderer draws every frame twice in software.
    const DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

    pub(super) fn prepare() {
        if env::var_os(DMABUF).is_some() || has_gpu() {
            return;
        }
        let Ok(program) = env::current_exe() else {
            return;
        };
        let error = Command::new(program)
            .args(env::args_os().skip(1))
            .env(DMABUF, "1")
            .exec();
        // Only a failed exec returns; the window then works all the same, at a higher price.
        eprintln!("klieg: could not prepare for a machine without a GPU: {error}");
    }

    fn has_gpu() -> bool {
        fs::read_dir("/dev/dri").is_ok_and(|entries| {
            entries
                .filter_map(Result::ok)
                .any(|e| e.file_name().to_string_lossy().starts_with("renderD"))
        })
    }
}

/// Whether an X server answers: found out at once, where GTK would wait.
#[cfg(target_os = "linux")]
mod x11 {
    use std::{
        io,
        os::{
            linux::net::SocketAddrExt,
            unix::net::{SocketAddr, UnixStream},
        },
    };

    /// `name` as in `DISPLAY`: `:1`, `:1.0`, `host:1`. What comes back keeps the server from beginning anew.
    ///
    /// A server over the network is not asked (`None`): GTK finds out.
    pub(super) fn connect(name: &str) -> io::Result<Option<UnixStream>> {
        local(name).map(reach).transpose()
    }

    /// The display's number when it is on this machine.
    fn local(name: &str) -> Option<u16> {
        let (host, rest) = name.rsplit_once(':')?;
        if !host.is_empty() && host != "unix" {
            return None;
        }
        rest.split('.').next()?.parse().ok()
    }

    fn reach(number: u16) -> io::Result<UnixStream> {
        let path = format!("/tmp/.X11-unix/X{number}");
        UnixStream::connect(&path).or_else(|_| {
            SocketAddr::from_abstract_name(path).and_then(|a| UnixStream::connect_addr(&a))
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_displays_of_this_machine_are_asked() {
            for (name, expect) in [
                (":0", Some(0)),
                (":99.0", Some(99)),
                ("unix:3", Some(3)),
                ("desk:10.0", None),
                ("nonsense", None),
                (":x", None),
            ] {
                assert_eq!(local(name), expect, "{name}");
            }
        }

        #[test]
        fn a_display_that_nobody_serves_does_not_answer() {
            assert!(connect(":64999").is_err());
        }
    }
}
