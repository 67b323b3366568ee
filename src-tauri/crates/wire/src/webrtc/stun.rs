//! As much of STUN (RFC 8489) as finding a datagram's session needs: nothing here is trusted, the
//! session's ICE agent checks the message's integrity.

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const USERNAME: u16 = 0x0006;
const USE_CANDIDATE: u16 = 0x0025;

/// What a datagram is, as far as STUN goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// A connectivity check.
    Request {
        /// The receiver's part of the username (RFC 8445, section 7.2.2).
        fragment: &'a str,
        /// Whether it nominates its pair.
        nominates: bool,
    },
    /// The answer to a connectivity check of ours.
    Success,
    /// Another STUN message.
    Other,
}

/// Reads a datagram; `None` when it is not STUN.
pub(crate) fn parse(datagram: &[u8]) -> Option<Message<'_>> {
    if datagram.len() < HEADER || datagram[0] > 3 || datagram[4..8] != COOKIE {
        return None;
    }
    match u16::from_be_bytes([datagram[0], datagram[1]]) {
        BINDING_SUCCESS => Some(Message::Success),
        BINDING_REQUEST => Some(request(&datagram[HEADER..]).unwrap_or(Message::Other)),
        _ => Some(Message::Other),
    }
}

fn request(mut rest: &[u8]) -> Option<Message<'_>> {
    let (mut fragment, mut nominates) = (None, false);
    while let [t0, t1, l0, l1, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let value = tail.get(..length)?;
        match u16::from_be_bytes([*t0, *t1]) {
            USERNAME => fragment = std::str::from_utf8(value).ok()?.split(':').next(),
            USE_CANDIDATE => nominates = true,
            _ => {}
        }
        rest = tail.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    fragment.map(|fragment| Message::Request {
        fragment,
        nominates,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in attributes {
            body.extend_from_slice(&name.to_be_bytes());
            body.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut out = kind.to_be_bytes().to_vec();
        out.extend_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&COOKIE);
        out.extend_from_slice(&[7; 12]);
        out.extend(body);
        out
    }

    #[test]
    fn requests_name_their_session() {
        let check = message(
            BINDING_REQUEST,
            &[(USERNAME, b"ours:theirs"), (USE_CANDIDATE, b"")],
        );
        let expect = Message::Request {
            fragment: "ours",
            nominates: true,
        };
        assert_eq!(parse(&check), Some(expect));
        let plain = message(BINDING_REQUEST, &[(0x8022, b"agent"), (USERNAME, b"a:b")]);
        let expect = Message::Request {
            fragment: "a",
            nominates: false,
        };
        assert_eq!(parse(&plain), Some(expect));
    }

    #[test]
    fn anything_else_is_told_apart_and_nothing_panics() {
        assert_eq!(
            parse(&message(BINDING_SUCCESS, &[])),
            Some(Message::Success)
        );
        assert_eq!(parse(&message(BINDING_REQUEST, &[])), Some(Message::Other));
        assert_eq!(parse(&[0x16, 0xfe, 0xfd]), None);
        assert_eq!(parse(&[0x80; 40]), None);
        let whole = message(BINDING_REQUEST, &[(USERNAME, b"ours:theirs")]);
        // The last byte is only padding.
        for length in 0..whole.len() - 1 {
            let short = parse(&whole[..length]);
            assert!(!matches!(short, Some(Message::Request { .. })), "{length}");
        }
    }
}
