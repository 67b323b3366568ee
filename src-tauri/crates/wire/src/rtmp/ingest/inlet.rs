//! A connection in its two halves, and when it is worth waking up for it.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A connection that can be read and written at the same time.
pub trait Inlet {
    /// What is read.
    type From: AsyncRead + Unpin + Patient;
    /// What is written.
    type To: AsyncWrite + Unpin;
    /// Takes it apart.
    fn halves(self) -> (Self::From, Self::To);
}

/// A half that can wait until so many bytes are there.
pub trait Patient {
    /// Wakes nobody for fewer bytes from now on, except at the end of the connection. As far as the system can.
    fn wait_for(&self, bytes: usize);
}

impl Inlet for TcpStream {
    type From = OwnedReadHalf;
    type To = OwnedWriteHalf;
    fn halves(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.into_split()
    }
}

impl Patient for OwnedReadHalf {
    fn wait_for(&self, bytes: usize) {
        #[cfg(target_os = "linux")]
        if let Err(error) = linux::wait_for(self.as_ref(), bytes) {
            // It only costs more.
            tracing::debug!(%error, "a connection is read in every piece");
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use nix::libc;
    use nix::sys::socket::{SetSockOpt, sockopt::SetUsize};
    use tokio::net::TcpStream;

    /// `SO_RCVLOWAT` of socket(7).
    #[derive(Clone)]
    struct ReceiveLowWater;

    nix::setsockopt_impl!(
        ReceiveLowWater,
        libc::SOL_SOCKET,
        libc::SO_RCVLOWAT,
        usize,
        SetUsize
    );

    pub(super) fn wait_for(stream: &TcpStream, bytes: usize) -> nix::Result<()> {
        ReceiveLowWater.set(stream, &bytes)
    }
}
