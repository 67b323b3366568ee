//! The box structure of ISO/IEC 14496-12, section 4.2: reading without trust, and writing.

/// Four characters that name a box.
pub(crate) type Kind = [u8; 4];

/// Bytes ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short;

/// Big-endian numbers from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Short> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Short)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Short> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Short> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Short> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_be_bytes)
    }

    /// 32 bits in version 0 of a box, 64 in version 1.
    pub(crate) fn sized(&mut self, version: u8) -> Result<u64, Short> {
        if version == 1 {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }

    /// Version and flags of a full box.
    pub(crate) fn full(&mut self) -> Result<(u8, u32), Short> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// The four characters of a name.
    pub(crate) fn kind(&mut self) -> Result<Kind, Short> {
        self.array()
    }
}

/// A box's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Bytes of the header itself.
    pub(crate) len: u64,
    /// Bytes of header and body; `None` when it reaches to the end of the file.
    pub(crate) size: Option<u64>,
}

impl Header {
    /// Most bytes that a header takes.
    pub(crate) const MAX: usize = 16;

    pub(crate) fn read(data: &[u8]) -> Result<Self, Short> {
        let mut cursor = Cursor(data);
        let size = cursor.u32()?;
        let kind = cursor.kind()?;
        let (len, size) = match size {
            0 => (8, None),
            1 => (16, Some(cursor.u64()?)),
            size => (8, Some(u64::from(size))),
        };
        Ok(Self { kind, len, size })
    }
}

/// The boxes inside a body, in order. What is left of a damaged end is passed over: QuickTime puts
/// four zero bytes there.
pub(crate) fn children(body: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let header = Header::read(rest).ok()?;
        let size = match header.size {
            Some(size) => usize::try_from(size).ok()?,
            None => rest.len(),
        };
        let start = usize::try_from(header.len).ok()?;
        let body = rest.get(start..size)?;
        rest = &rest[size..];
        Some((header.kind, body))
    })
}

/// The first box of a kind inside a body.
pub(crate) fn child<'a>(body: &'a [u8], kind: &Kind) -> Option<&'a [u8]> {
    children(body)
        .find(|(found, _)| found == kind)
        .map(|(_, body)| body)
}

/// Bytes of boxes as they grow. A box is begun, filled and ended.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) out: Vec<u8>,
}

/// A box that has been begun: where it starts.
#[must_use]
#[derive(Debug)]
pub(crate) struct Open(usize);

impl Writer {
    pub(crate) fn begin(&mut self, kind: &Kind) -> Open {
        let at = self.out.len();
        self.u32(0);
        self.put(kind);
        Open(at)
    }

    /// Begins a full box.
    pub(crate) fn begin_full(&mut self, kind: &Kind, version: u8, flags: u32) -> Open {
        let open = self.begin(kind);
        self.u32((u32::from(version) << 24) | flags);
        open
    }

    pub(crate) fn end(&mut self, Open(at): Open) {
        let size = u32::try_from(self.out.len() - at).unwrap_or(u32::MAX);
        self.patch(at, size);
    }

    /// Writes a number where room was left for it.
    pub(crate) fn patch(&mut self, at: usize, value: u32) {
        self.out[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_all_their_forms() {
        let large = [0, 0, 0, 1, b'm', b'd', b'a', b't', 0, 0, 0, 1, 0, 0, 0, 0];
        for (data, expect) in [
            (&[0, 0, 0, 12, b'f', b'r', b'e', b'e'][..], (8, Some(12))),
            (&[0, 0, 0, 0, b'm', b'd', b'a', b't'], (8, None)),
            (&large, (16, Some(1 << 32))),
        ] {
            let header = Header::read(data).unwrap();
            assert_eq!((header.len, header.size), expect);
        }
        assert_eq!(Header::read(&large[..12]), Err(Short));
        assert_eq!(Header::read(&[0, 0, 0]), Err(Short));
    }

    #[test]
    fn what_is_written_is_found_and_damage_ends_the_list() {
        let mut writer = Writer::default();
        let outer = writer.begin(b"moov");
        let inner = writer.begin_full(b"mvhd", 1, 7);
        writer.u16(9);
        writer.end(inner);
        writer.end(outer);
        let moov = child(&writer.out, b"moov").unwrap();
        assert_eq!(child(moov, b"mvhd").unwrap(), [1, 0, 0, 7, 0, 9]);
        assert!(child(moov, b"trak").is_none());
        for cut in 0..writer.out.len() {
            assert_eq!(children(&writer.out[..cut]).count(), 0);
        }
        // Sizes below the header's own, and past the end.
        for size in [2u8, 7, 200] {
            let bad = [0, 0, 0, size, b'a', b'b', b'c', b'd', 0, 0];
            assert_eq!(children(&bad).count(), 0);
        }
    }
}
