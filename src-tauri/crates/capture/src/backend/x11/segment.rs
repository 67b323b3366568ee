//! Memory shared with the X server.

use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;

use x11rb::connection::Connection as _;
use x11rb::protocol::shm;
use x11rb::rust_connection::RustConnection;

/// A segment that the server writes pictures into (MIT-SHM 1.2: the server makes it and passes a descriptor).
#[derive(Debug)]
pub(super) struct Segment {
    id: shm::Seg,
    memory: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory belongs to this value alone on our side, and is only read, through a shared borrow.
unsafe impl Send for Segment {}

impl Segment {
    /// A segment of `len` bytes; none when the server has no shared memory or is on another machine.
    pub(super) fn new(conn: &RustConnection, len: u32) -> Option<Self> {
        let version = shm::query_version(conn).ok()?.reply().ok()?;
        if (version.major_version, version.minor_version) < (1, 2) {
            return None;
        }
        let id = conn.generate_id().ok()?;
        let reply = shm::create_segment(conn, id, len, false)
            .ok()?
            .reply()
            .ok()?;
        let len = usize::try_from(len).ok()?;
        // SAFETY: a new mapping of a descriptor that is open; the kernel checks the rest, and a
        // failure is checked below.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ,
                libc::MAP_SHARED,
                reply.shm_fd.as_raw_fd(),
                0,
            )
        };
        let segment = (memory != libc::MAP_FAILED)
            .then(|| NonNull::new(memory.cast()))
            .flatten()
            .map(|memory| Self { id, memory, len });
        if segment.is_none() {
            // Refused only by a server that has gone, which the next request notices.
            shm::detach(conn, id).ok();
        }
        segment
    }

    /// Its number for requests.
    pub(super) fn id(&self) -> shm::Seg {
        self.id
    }

    /// Copies its beginning.
    pub(super) fn copy_to(&self, target: &mut [u8]) {
        let len = self.len.min(target.len());
        // SAFETY: both sides hold at least `len` bytes and do not overlap, since `target` is memory of ours.
        // The server writes only between a request and its reply; should it not keep to that, the
        // bytes are a torn picture, which any bytes are allowed to be.
        unsafe {
            std::ptr::copy_nonoverlapping(self.memory.as_ptr(), target.as_mut_ptr(), len);
        }
    }

    /// Gives the server's side back.
    pub(super) fn detach(self, conn: &RustConnection) {
        // Refused only by a server that has gone, which the next request notices.
        shm::detach(conn, self.id).ok();
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length, and unmapped only here.
        unsafe {
            libc::munmap(self.memory.as_ptr().cast(), self.len);
        }
    }
}
