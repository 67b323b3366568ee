//! The person's own certificate: `cert.pem` with its chain, and `key.pem`, in the data folder.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::provider;

const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

/// Tells versions of the two files apart: when each was written, and its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<(SystemTime, u64)>; 2]);

/// The files as they lie there; none when neither does.
pub(super) fn stamp(folder: &Path) -> Option<Stamp> {
    let of = |name: &str| {
        let about = std::fs::metadata(folder.join(name)).ok()?;
        Some((about.modified().ok()?, about.len()))
    };
    let files = [of(CERTIFICATE), of(KEY)];
    files.iter().any(Option::is_some).then_some(Stamp(files))
}

/// The pair; none when neither file is there.
///
/// # Errors
/// What is wrong with it, in a sentence for people.
pub(super) fn load(folder: &Path) -> Option<Result<Arc<CertifiedKey>, String>> {
    let [certificate, key] = [CERTIFICATE, KEY].map(|name| std::fs::read(folder.join(name)));
    let missing = |read: &std::io::Result<Vec<u8>>| matches!(read, Err(e) if e.kind() == std::io::ErrorKind::NotFound);
    if missing(&certificate) && missing(&key) {
        return None;
    }
    Some(pair(folder, certificate, key))
}

fn pair(
    folder: &Path,
    certificate: std::io::Result<Vec<u8>>,
    key: std::io::Result<Vec<u8>>,
) -> Result<Arc<CertifiedKey>, String> {
    let place = folder.display();
    let unread = |name: &str, error: &std::io::Error| {
        format!(
            "{name} in {place} cannot be read: {error}. Put both cert.pem and key.pem there, or neither."
        )
    };
    let certificate = certificate.map_err(|e| unread(CERTIFICATE, &e))?;
    let key = key.map_err(|e| unread(KEY, &e))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("{CERTIFICATE} in {place} is no certificate in PEM: {e}."))?;
    if chain.is_empty() {
        return Err(format!("{CERTIFICATE} in {place} holds no certificate."));
    }
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|e| format!("{KEY} in {place} is no private key in PEM: {e}."))?;
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(pair) => Ok(Arc::new(pair)),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(format!(
            "{KEY} in {place} does not belong to {CERTIFICATE}. Put the key there that the certificate was made with."
        )),
        Err(error) => Err(format!(
            "{CERTIFICATE} and {KEY} in {place} cannot be used: {error}."
        )),
    }
}
