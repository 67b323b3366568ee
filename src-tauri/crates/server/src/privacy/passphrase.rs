//! Passphrases: Argon2id with a salt of their own (RFC 9106), so that a stolen database tells none.

use std::sync::Arc;
use std::time::Duration;

use api::{Code, Problem};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Characters of a passphrase.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=128;

/// Passphrases that are tried at the same time: each takes 19 MiB for its time.
const AT_ONCE: usize = 2;

/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hash of a new passphrase, with its salt and parameters (PHC string).
///
/// # Errors
/// [`Code::Invalid`] for one that cannot be, [`Code::Internal`] without randomness.
pub(super) fn hash(passphrase: &str) -> Result<String, Problem> {
    let passphrase = tidy(passphrase);
    if !LENGTH.contains(&passphrase.chars().count()) || passphrase.chars().any(char::is_control) {
        let text = "A passphrase has 4 to 128 characters.";
        return Err(Problem::new(Code::Invalid, text).about("passphrase"));
    }
    let hash = argon2()?.hash_password(passphrase.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|e| failed(&e.to_string()))
}

/// Whether a passphrase is the one of a hash. Takes some tens of milliseconds of another thread.
///
/// # Errors
/// [`Code::Internal`] when the hash cannot be read.
pub(super) async fn fits(passphrase: String, hash: Arc<str>) -> Result<bool, Problem> {
    let judged = tokio::task::spawn_blocking(move || {
        let passphrase = tidy(&passphrase);
        // A longer one cannot be it.
        if passphrase.chars().count() > *LENGTH.end() {
            return Ok(false);
        }
        let hash = PasswordHash::new(&hash).map_err(|e| failed(&e.to_string()))?;
        let judged = argon2()?.verify_password(passphrase.as_bytes(), &hash);
        Ok(judged.is_ok())
    });
    judged.await.map_err(|e| failed(&e.to_string()))?
}

/// The recommended minimum of OWASP: 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| failed(&e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The same passphrase typed on another keyboard is the same.
fn tidy(passphrase: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc()
        .normalize(passphrase.trim())
        .into_owned()
}

fn failed(reason: &str) -> Problem {
    let text = format!("The passphrase cannot be judged: {reason}.");
    Problem::new(Code::Internal, text)
}

/// Where passphrases wait for their turn to be tried.
#[derive(Debug)]
pub(super) struct Bench(Semaphore);

impl Default for Bench {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Bench {
    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Code::TooMany`] when too many wait.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        match tokio::time::timeout(PATIENCE, self.0.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Problem::new(
                Code::TooMany,
                "Too many passphrases are being tried. Wait a moment, then try again.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_passphrase_fits_its_own_hash_however_it_is_typed() {
        let kept: Arc<str> = hash(" Grüße an alle ").unwrap().into();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        for (given, expect) in [
            ("Grüße an alle", true),
            ("Gru\u{308}ße an alle", true),
            ("Grüße an alle  ", true),
            ("grüße an alle", false),
            ("", false),
        ] {
            let got = fits(given.into(), Arc::clone(&kept)).await.unwrap();
            assert_eq!(got, expect, "{given:?}");
        }
        assert_ne!(hash("Grüße an alle").unwrap(), *kept, "the salt is its own");
        assert!(!fits("x".repeat(5000), kept).await.unwrap());
    }

    #[test]
    fn passphrases_that_cannot_be() {
        for bad in ["", "abc", "   a   ", "a\nbcd", &"x".repeat(129)] {
            assert_eq!(hash(bad).unwrap_err().code, Code::Invalid, "{bad:?}");
        }
    }
}
