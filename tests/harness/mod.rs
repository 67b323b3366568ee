mod headless;
pub mod http;
mod peer;
mod wait;

pub use headless::{Builder, Headless};
pub use peer::{Process, find, free_tcp_port, free_udp_port, need, skip};
pub use wait::{eventually, lines};
