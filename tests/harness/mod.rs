mod between;
mod headless;
pub mod http;
mod peer;
mod rtmp;
mod tls;
mod wait;

pub use between::Between;
pub use headless::{Builder, Headless};
pub use peer::{Process, find, free_tcp_port, free_udp_port, gstreamer, need, skip};
pub use rtmp::welcome;
pub use tls::TlsFront;
pub use wait::{eventually, lines};
