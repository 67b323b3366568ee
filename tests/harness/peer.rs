//! Programs that were not written here.

use std::{
    env,
    io::Write,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command},
};

/// Where servers hide from a person's path.
const ALSO: [&str; 2] = ["/usr/sbin", "/sbin"];

/// A program of this machine.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(ALSO.map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

/// A program that a test cannot do without; says so loudly when it is not there, and the test returns.
pub fn need(test: &str, program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        skip(
            test,
            &format!("{program} is not installed (`cargo xtask setup` installs it)"),
        );
    }
    found
}

/// Says that a test is skipped, and why. Not captured by the test runner; `cargo xtask test`
/// counts these lines and shows them again at its end.
pub fn skip(test: &str, why: &str) {
    // A closed stderr leaves nobody to tell.
    drop(writeln!(std::io::stderr(), "SKIPPED {test}: {why}"));
}

/// The system's Python, when it has GStreamer with all that these elements need; says so loudly when not.
pub fn gstreamer(test: &str, elements: &[&str]) -> Option<&'static Path> {
    const PYTHON: &str = "/usr/bin/python3";
    let needed = format!(
        "import gi; gi.require_version('GstWebRTC', '1.0'); gi.require_version('GstSdp', '1.0'); \
         from gi.repository import Gst; Gst.init(None); \
         assert all(map(Gst.ElementFactory.find, {elements:?}))"
    );
    let found = Command::new(PYTHON).args(["-c", &needed]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(Path::new(PYTHON));
    }
    skip(
        test,
        "GStreamer's webrtcbin and its Python bindings are not installed (`cargo xtask setup` installs them)",
    );
    None
}

/// A TCP port of the loopback that was free a moment ago.
///
/// # Panics
/// When the machine has none left.
pub fn free_tcp_port() -> u16 {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("its number").port()
}

/// A UDP port of the loopback that was free a moment ago.
///
/// # Panics
/// When the machine has none left.
pub fn free_udp_port() -> u16 {
    let probe = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("its number").port()
}

/// A peer that runs beside the test and ends with it.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(command: &mut Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|e| panic!("{:?}: {e}", command.get_program())))
    }

    /// The child itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
