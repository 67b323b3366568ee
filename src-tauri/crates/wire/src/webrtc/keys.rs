//! How a session's keys are agreed on: DTLS (RFC 6347), and the SRTP keys that come of it (RFC 5764).

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use bytes::BytesMut;
use media::{Clock, Timestamp};
use rtc::crypto::{HashAlgorithm, RTCCryptoProvider};
use rtc::dtls::config::{
    ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig,
    VerifyPeerCertificateFn,
};
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::shared::TransportProtocol;
use rtc::shared::error::{Error, Result};
use rtc::srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};

use super::link::Common;
use super::offer::Remote;
use super::seal::{self, Opener, Sealer};
use super::setup;

/// DTLS runs over the path, whichever that is: to it the far end always stands here.
const FAR: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 65_535));
const NEAR: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// What a datagram has brought about.
pub(crate) enum Told {
    /// Nothing yet.
    Nothing,
    /// The keys, ours and those of the far end.
    Agreed(Box<(Sealer, Opener)>),
    /// The far end has said goodbye (`close_notify`).
    Left,
}

/// A handshake, and the goodbye.
pub(crate) struct Handshake {
    clock: Clock,
    provider: Arc<dyn RTCCryptoProvider>,
    endpoint: Endpoint,
    /// What we begin with, when it is ours to begin and not yet done.
    begins: Option<Arc<HandshakeConfig>>,
}

impl Handshake {
    /// A handshake with a far end of this certificate; `peer_begins` tells who says hello.
    pub(crate) fn new(common: &Common, remote: &Remote, peer_begins: bool) -> Result<Self> {
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&common.provider))
            .with_certificates(vec![common.certificate.dtls_certificate.clone()])
            .with_srtp_protection_profiles(setup::protection())
            // Certificates are self-signed on both ends: what counts is the fingerprint.
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            .with_verify_peer_certificate(Some(fingerprint(common, remote)))
            // The stack asks for one, and nobody reads it.
            .with_server_name("localhost".to_owned())
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(!peer_begins, None)?;
        let config = Arc::new(config);
        let (server, begins) = if peer_begins {
            (Some(config), None)
        } else {
            (None, Some(config))
        };
        Ok(Self {
            clock: common.clock,
            provider: Arc::clone(&common.provider),
            endpoint: Endpoint::new(NEAR, TransportProtocol::UDP, server),
            begins,
        })
    }

    /// Says hello, once, when that is ours to do.
    pub(crate) fn begin(&mut self, now: Timestamp) -> Result<()> {
        let Some(config) = self.begins.take() else {
            return Ok(());
        };
        let now = self.clock.instant(now);
        self.endpoint.connect(now, FAR, config, None)
    }

    /// Takes a record from the network.
    pub(crate) fn read(&mut self, data: BytesMut, now: Timestamp) -> Result<Told> {
        let now = self.clock.instant(now);
        let mut told = Told::Nothing;
        for event in self.endpoint.read(now, FAR, None, data)? {
            match event {
                EndpointEvent::HandshakeComplete => told = Told::Agreed(Box::new(self.keys()?)),
                EndpointEvent::PeerClosed => return Ok(Told::Left),
                // Nothing is carried beside the media.
                _ => {}
            }
        }
        Ok(told)
    }

    fn keys(&self) -> Result<(Sealer, Opener)> {
        let state = self.endpoint.get_connection_state(FAR);
        let state = state.ok_or(Error::ErrDtlsTransportNotStarted)?;
        let mut config = Config {
            profile: seal::profile(state.srtp_protection_profile())?,
            ..Config::default()
        };
        let length = config.keying_material_len();
        let material = state.export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], length)?;
        config.set_session_keys_from_keying_material(material.as_ref(), state.is_client())?;
        let keys = &config.keys;
        let crypto = self.provider.crypto();
        let local = (&keys.local_master_key[..], &keys.local_master_salt[..]);
        let remote = (&keys.remote_master_key[..], &keys.remote_master_salt[..]);
        Ok((
            Sealer::new(config.profile, local, crypto)?,
            Opener::new(config.profile, remote, crypto)?,
        ))
    }

    /// Lets time pass: what was not answered is said again.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) -> Result<()> {
        if self.deadline().is_none_or(|at| at > now) {
            return Ok(());
        }
        self.endpoint.handle_timeout(FAR, self.clock.instant(now))
    }

    /// Says goodbye (`close_notify`).
    pub(crate) fn close(&mut self, now: Timestamp) {
        if let Err(error) = self.endpoint.close(self.clock.instant(now)) {
            tracing::debug!(%error, "a session did not close cleanly");
        }
    }

    /// The next record to send, until there is none.
    pub(crate) fn poll_transmit(&mut self) -> Option<BytesMut> {
        Some(self.endpoint.poll_transmit()?.message)
    }

    /// When [`Handshake::handle_timeout`] is due.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        Some(self.clock.stamp(self.endpoint.poll_timeout(&FAR)?))
    }
}

/// Takes the certificate whose fingerprint the offer carries (RFC 8122, section 5), and no other.
fn fingerprint(common: &Common, remote: &Remote) -> VerifyPeerCertificateFn {
    let expected = remote.fingerprints.clone();
    let provider = Arc::clone(&common.provider);
    Arc::new(move |certificates, _| {
        let certificate = certificates.first().ok_or(Error::ErrNonCertificate)?;
        let hash = provider.crypto().hash(HashAlgorithm::Sha256, certificate);
        let hash = hash.map_err(|error| Error::Crypto(error.to_string()))?;
        if expected.contains(&hash) {
            Ok(())
        } else {
            Err(Error::ErrNoMatchingCertificateFingerprint)
        }
    })
}
