//! Seals and opens media (SRTP: RFC 3711, and RFC 7714 for AES-GCM).
//!
//! A picture goes to many viewers, and what is done for each of them counts: with AES-GCM, which every
//! browser takes, a packet is sealed in the buffer that it is sent from. The rest is left to the stack.

use bytes::BytesMut;
use rtc::crypto::{AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CryptoError, RTCCrypto};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::error::{Error, Result};
use rtc::srtp::context::Context;
use rtc::srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc::srtp::protection_profile::ProtectionProfile;

/// Bytes of an RTP header as we write it.
pub(crate) const HEADER: usize = 12;

/// Bytes of the tag of AES-GCM, the longest one.
pub(crate) const LONGEST_TAG: usize = 16;

const SALT: usize = 12;

/// Packets that may come behind the newest one of their source.
const WINDOW: usize = 1_024;

/// Sources that are listened to; a far end has a handful.
const MOST_SOURCES: usize = 32;

/// What the handshake chose, as the stack calls it.
pub(crate) fn profile(chosen: SrtpProtectionProfile) -> Result<ProtectionProfile> {
    match chosen {
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Ok(ProtectionProfile::AeadAes128Gcm),
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => {
            Ok(ProtectionProfile::Aes128CmHmacSha1_80)
        }
        _ => Err(Error::ErrNoSuchSrtpProfile),
    }
}

/// The header of a packet that leaves (RFC 3550, section 5.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    /// The packet's number in its stream, of which the lowest 16 bits are sent.
    pub(crate) index: u64,
    pub(crate) time: u32,
    pub(crate) ssrc: u32,
}

impl Header {
    fn bytes(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[0] = 2 << 6;
        out[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        out[2..4].copy_from_slice(&(self.index as u16).to_be_bytes());
        out[4..8].copy_from_slice(&self.time.to_be_bytes());
        out[8..].copy_from_slice(&self.ssrc.to_be_bytes());
        out
    }
}

/// Seals what we send.
pub(crate) struct Sealer {
    gcm: Option<Gcm>,
    context: Context,
    tag: usize,
}

struct Gcm {
    cipher: Box<dyn AeadCipher>,
    salt: [u8; SALT],
}

impl Sealer {
    /// With a master key and its salt.
    pub(super) fn new(
        profile: ProtectionProfile,
        (key, salt): (&[u8], &[u8]),
        crypto: &dyn RTCCrypto,
    ) -> Result<Self> {
        let gcm = match profile {
            ProtectionProfile::AeadAes128Gcm => Some(Gcm::new(key, salt, crypto)?),
            _ => None,
        };
        Ok(Self {
            gcm,
            context: Context::new(key, salt, profile, None, None, crypto)?,
            tag: profile.rtp_auth_tag_len() + profile.aead_auth_tag_len(),
        })
    }

    /// Bytes of a sealed packet with so many bytes of payload.
    pub(crate) fn length(&self, payload: usize) -> usize {
        HEADER + payload + self.tag
    }

    /// Appends a packet to `out`, sealed: [`Sealer::length`] bytes, whatever happens. The payload may
    /// lie in two pieces.
    pub(crate) fn seal(&mut self, header: &Header, payload: [&[u8]; 2], out: &mut Vec<u8>) {
        let from = out.len();
        let end = from + self.length(payload[0].len() + payload[1].len());
        out.extend_from_slice(&header.bytes());
        for piece in payload {
            out.extend_from_slice(piece);
        }
        let done = match &mut self.gcm {
            Some(gcm) => gcm.seal(header, from, out),
            None => self.context.encrypt_rtp(&out[from..]).map(|sealed| {
                out.truncate(from);
                out.extend_from_slice(&sealed);
            }),
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a packet could not be sealed");
            // What is not sealed is not sent: noughts have no tag that fits.
            out.truncate(from);
        }
        out.resize(end, 0);
    }

    /// Seals a compound of reports.
    pub(crate) fn seal_reports(&mut self, compound: &[u8]) -> Result<BytesMut> {
        self.context.encrypt_rtcp(compound)
    }
}

impl Gcm {
    fn new(key: &[u8], master_salt: &[u8], crypto: &dyn RTCCrypto) -> Result<Self> {
        let broken = |error: CryptoError| Error::Crypto(error.to_string());
        // RFC 3711, section 4.3: one block is as long as the key, and longer than the salt.
        let derive = |label: u8| {
            let mut block = [0; 16];
            block[..SALT].copy_from_slice(&master_salt[..SALT]);
            block[7] ^= label;
            crypto
                .block_encrypt(BlockCipherAlgorithm::Aes128, key, &mut block)
                .map_err(broken)?;
            Ok::<_, Error>(block)
        };
        if master_salt.len() != SALT {
            return Err(Error::SrtpSaltLength(SALT, master_salt.len()));
        }
        let session_key = derive(0)?;
        let session_salt = derive(2)?;
        let mut salt = [0; SALT];
        salt.copy_from_slice(&session_salt[..SALT]);
        let cipher = crypto
            .new_aead(AeadAlgorithm::Aes128Gcm, &session_key)
            .map_err(broken)?;
        Ok(Self { cipher, salt })
    }

    /// RFC 7714, section 8: the header is authenticated, the payload is encrypted as well.
    fn seal(&mut self, header: &Header, from: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut nonce = [0; SALT];
        nonce[2..6].copy_from_slice(&header.ssrc.to_be_bytes());
        // Roll-over counter and number stand beside each other.
        nonce[6..].copy_from_slice(&header.index.to_be_bytes()[2..]);
        for (byte, salt) in nonce.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        let mut tag = [0; LONGEST_TAG];
        let (header, payload) = out[from..].split_at_mut(HEADER);
        self.cipher
            .seal_in_place(&nonce, header, payload, &mut tag)
            .map_err(|error| Error::Crypto(error.to_string()))?;
        out.extend_from_slice(&tag);
        Ok(())
    }
}

/// Opens what the far end sends.
pub(crate) struct Opener {
    context: Context,
    sources: Vec<u32>,
}

impl Opener {
    /// With a master key and its salt.
    pub(super) fn new(
        profile: ProtectionProfile,
        (key, salt): (&[u8], &[u8]),
        crypto: &dyn RTCCrypto,
    ) -> Result<Self> {
        let media = Some(srtp_replay_protection(WINDOW));
        let reports = Some(srtcp_replay_protection(WINDOW));
        Ok(Self {
            context: Context::new(key, salt, profile, media, reports, crypto)?,
            sources: Vec::new(),
        })
    }

    /// Opens a packet of media.
    pub(crate) fn media(&mut self, sealed: &[u8]) -> Result<BytesMut> {
        self.listen_to(sealed.get(8..12))?;
        self.context.decrypt_rtp(sealed)
    }

    /// Opens a compound of reports.
    pub(crate) fn reports(&mut self, sealed: &[u8]) -> Result<BytesMut> {
        self.listen_to(sealed.get(4..8))?;
        self.context.decrypt_rtcp(sealed)
    }

    /// The stack remembers every source it is shown, before it knows whose it is.
    fn listen_to(&mut self, ssrc: Option<&[u8]>) -> Result<()> {
        let ssrc = ssrc.and_then(|bytes| bytes.first_chunk());
        let ssrc = u32::from_be_bytes(*ssrc.ok_or(Error::ErrTooShortRtp)?);
        if self.sources.contains(&ssrc) {
            return Ok(());
        }
        if self.sources.len() >= MOST_SOURCES {
            return Err(Error::Other("too many sources".into()));
        }
        self.sources.push(ssrc);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(profile: ProtectionProfile) -> (Sealer, Opener) {
        let provider = rtc::crypto::default_provider().unwrap();
        let key: Vec<u8> = (0..profile.key_len() as u8).collect();
        let salt: Vec<u8> = (100..100 + profile.salt_len() as u8).collect();
        (
            Sealer::new(profile, (&key, &salt), provider.crypto()).unwrap(),
            Opener::new(profile, (&key, &salt), provider.crypto()).unwrap(),
        )
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_stack_and_numbers_may_roll_over() {
        for profile in [
            ProtectionProfile::AeadAes128Gcm,
            ProtectionProfile::Aes128CmHmacSha1_80,
        ] {
            let (mut sealer, mut opener) = pair(profile);
            let mut out = b"before".to_vec();
            for index in 65_000..66_500 {
                let header = Header {
                    marker: index % 3 == 0,
                    payload_type: 96,
                    index,
                    time: 7,
                    ssrc: 0x1234_5678,
                };
                out.truncate(6);
                sealer.seal(&header, [b"two ", b"pieces"], &mut out);
                assert_eq!(out.len(), 6 + sealer.length(10));
                let opened = opener.media(&out[6..]).unwrap();
                assert_eq!(opened[..HEADER], header.bytes(), "{profile:?} {index}");
                assert_eq!(&opened[HEADER..], b"two pieces");
            }
        }
    }

    #[test]
    fn strangers_cannot_make_it_remember_without_end() {
        let (_, mut opener) = pair(ProtectionProfile::AeadAes128Gcm);
        for n in 0..100_u32 {
            let mut packet = vec![0x80; 40];
            packet[8..12].copy_from_slice(&n.to_be_bytes());
            assert!(opener.media(&packet).is_err());
        }
        assert_eq!(opener.sources.len(), MOST_SOURCES);
    }
}
