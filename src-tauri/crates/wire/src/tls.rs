//! What far ends are trusted by, and what is wrong with their certificates, in words.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, pem};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};

/// Certificates trusted beside those that browsers trust: of an authority of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text).collect();
        let found = found.map_err(|error| format!("its PEM cannot be read: {error}"))?;
        if found.is_empty() {
            return Err("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".into());
        }
        let mut store = RootCertStore::empty();
        for root in &found {
            store
                .add(root.clone())
                .map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
        }
        Ok(Self(found))
    }

    /// The certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }
}

impl From<Vec<CertificateDer<'static>>> for Roots {
    fn from(certificates: Vec<CertificateDer<'static>>) -> Self {
        Self(certificates)
    }
}

/// A client's side of TLS that trusts these beside what browsers trust.
pub(crate) fn client(trusted: &Roots) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in trusted.certificates() {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// What a failed handshake means, as the end of a sentence; `None` when it says nothing of TLS.
pub(crate) fn words(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    inner.downcast_ref::<Error>().map(told)
}

/// The same for an error that has the reason somewhere below it.
pub(crate) fn words_below(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut now = Some(error);
    while let Some(error) = now {
        if let Some(tls) = error.downcast_ref::<Error>() {
            return Some(told(tls));
        }
        // An `io::Error` hides what it carries from `source`.
        if let Some(said) = error.downcast_ref::<io::Error>().and_then(nested) {
            return Some(said);
        }
        now = error.source();
    }
    None
}

fn nested(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    if let Some(tls) = inner.downcast_ref::<Error>() {
        return Some(told(tls));
    }
    match inner.downcast_ref::<io::Error>() {
        Some(deeper) => nested(deeper),
        None => inner.source().and_then(words_below),
    }
}

fn told(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => format!("its certificate {}", certificate(why)),
        Error::InvalidMessage(_) => "what it answers is not TLS".into(),
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "it speaks no version of TLS that is still safe".into()
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it does not know itself by this name".into()
        }
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "is signed by nobody who is trusted here; where the authority is your own, name its certificate \
             in the setting outputs.ca_file"
                .into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; its operator has to renew it, or this machine's clock is wrong".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; look at this machine's clock".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name; check the address".into()
        }
        CertificateError::Revoked => "was revoked".into(),
        CertificateError::Other(other) => format!("cannot be used: {other}"),
        other => format!("cannot be used: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_wherever_they_are_wrapped() {
        let reason = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let once = io::Error::new(io::ErrorKind::InvalidData, reason());
        assert!(words(&once).unwrap().contains("outputs.ca_file"));
        let twice = io::Error::other(io::Error::other(reason()));
        assert!(words_below(&twice).unwrap().contains("outputs.ca_file"));
        assert_eq!(words(&io::ErrorKind::ConnectionReset.into()), None);
        assert_eq!(words_below(&io::Error::other("nothing of TLS")), None);
    }

    #[test]
    fn certificates_are_read_from_pem_and_nothing_else() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let roots = Roots::from_pem(made.cert.pem().as_bytes()).unwrap();
        assert_eq!(roots.certificates(), [made.cert.der().clone()]);
        for (text, expect) in [
            ("", "no certificate"),
            ("hello", "no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "cannot be used",
            ),
            ("-----BEGIN CERTIFICATE-----\n§§", "cannot be read"),
        ] {
            let said = Roots::from_pem(text.as_bytes()).unwrap_err();
            assert!(said.contains(expect), "{text:?}: {said}");
        }
    }
}
