//! The server's side of the handshake (RTMP 1.0, section 5.2).
//!
//! FFmpeg, Flash and nginx hide a digest in their random bytes and look for one in the answer only
//! when the four bytes behind its time are a version; here they are zero, as the specification
//! has them. What the client echoes is not compared: too many get it wrong.

use bytes::{Buf, Bytes, BytesMut};

use super::Error;

/// Bytes of each part but the version.
pub(super) const LEN: usize = 1_536;

/// The only version there is.
pub(super) const VERSION: u8 = 3;

/// Versions from here on are letters: somebody speaks HTTP to us.
const NO_VERSION: u8 = 32;

/// Versions that are encrypted (RTMPE).
const ENCRYPTED: [u8; 3] = [6, 8, 9];

/// Takes the client's version, its random bytes, and its echo of ours.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    buffer: BytesMut,
    answered: bool,
}

impl Handshake {
    /// Takes bytes and appends the answer to `output`. Gives what follows the handshake, once that
    /// is whole.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        output: &mut BytesMut,
    ) -> Result<Option<Bytes>, Error> {
        self.buffer.extend_from_slice(bytes);
        if !self.answered {
            match self.buffer.first() {
                Some(version) if *version >= NO_VERSION => return Err(Error::NotRtmp),
                Some(version) if ENCRYPTED.contains(version) => return Err(Error::Encrypted),
                _ => {}
            }
            let Some(random) = self.buffer.get(1..=LEN) else {
                return Ok(None);
            };
            output.extend_from_slice(&[VERSION]);
            output.extend_from_slice(&ours(random));
            output.extend_from_slice(random);
            self.buffer.advance(1 + LEN);
            self.answered = true;
        }
        if self.buffer.len() < LEN {
            return Ok(None);
        }
        self.buffer.advance(LEN);
        Ok(Some(self.buffer.split().freeze()))
    }
}

/// Time and version zero, then bytes that need only differ from one another (section 5.2.3).
fn ours(theirs: &[u8]) -> [u8; LEN] {
    let mut state = theirs.iter().fold(0x9e37_79b9_u32, |state, byte| {
        state.rotate_left(5) ^ u32::from(*byte)
    });
    let mut bytes = [0; LEN];
    for byte in &mut bytes[8..] {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: u8) -> Vec<u8> {
        let mut hello = vec![version];
        // A digest scheme's version where the specification wants zeros.
        hello.extend([0, 0, 0, 1, 9, 0, 124, 2]);
        hello.extend((0..LEN - 8).map(|n| n as u8));
        hello
    }

    #[test]
    fn whole_or_byte_by_byte() {
        let client = [&hello(3)[..], &[9; LEN], b"rest"].concat();
        for step in [1, 7, LEN, client.len()] {
            let (mut handshake, mut output) = (Handshake::default(), BytesMut::new());
            let mut rest = Vec::new();
            let mut done = false;
            for piece in client.chunks(step) {
                if done {
                    rest.extend_from_slice(piece);
                } else if let Some(left) = handshake.receive(piece, &mut output).unwrap() {
                    rest.extend_from_slice(&left);
                    done = true;
                }
            }
            assert!(done);
            assert_eq!(rest, b"rest", "in steps of {step}");
            assert_eq!(output.len(), 1 + 2 * LEN);
            assert_eq!(output[0], 3);
            assert_eq!(output[1..9], [0; 8]);
            assert_eq!(output[1 + LEN..], client[1..=LEN], "the echo");
        }
    }

    #[test]
    fn who_speaks_something_else_is_sent_away_at_the_first_byte() {
        let receive = |bytes: &[u8]| Handshake::default().receive(bytes, &mut BytesMut::new());
        for (bytes, expect) in [
            (&b"GET / HTTP/1.1"[..], Err(Error::NotRtmp)),
            (&[0x16, 3, 1], Ok(None)),
            (&[6], Err(Error::Encrypted)),
            (&[], Ok(None)),
        ] {
            assert_eq!(receive(bytes), expect, "{bytes:?}");
        }
    }
}
