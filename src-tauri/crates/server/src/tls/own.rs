//! The person's own certificate: `cert.pem` with its chain, and `key.pem`, in the data folder.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::provider;

const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

/// In seconds.
const DAY: i64 = 86_400;

/// A certificate that ends within so many days is named.
const SOON_DAYS: i64 = 7;

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

/// What is wrong with how long a certificate is valid, in a sentence for people: it has ended, ends
/// soon, or has not begun. `now` in milliseconds since 1970 UTC.
pub(super) fn lapse(folder: &Path, pair: &CertifiedKey, now: i64) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(pair.cert.first()?).ok()?;
    let (validity, now) = (parsed.validity(), now.div_euclid(1000));
    let days = (validity.not_after.timestamp() - now).div_euclid(DAY);
    let place = folder.display();
    let instead = "or take both files away: HTTPS then uses the certificate that the station makes";
    if days < 0 {
        Some(format!(
            "{CERTIFICATE} in {place} has ended, and browsers refuse it. Put a renewed one there with its key, {instead}."
        ))
    } else if validity.not_before.timestamp() > now {
        Some(format!(
            "{CERTIFICATE} in {place} is not valid yet, and browsers refuse it. Set this machine's clock if it is wrong, {instead}."
        ))
    } else if days < SOON_DAYS {
        let when = match days {
            0 => "today".into(),
            1 => "tomorrow".into(),
            days => format!("in {days} days"),
        };
        Some(format!(
            "{CERTIFICATE} in {place} ends {when}. Put a renewed one there with its key before browsers refuse it."
        ))
    } else {
        None
    }
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
