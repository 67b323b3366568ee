//! Tokens of an identity provider: JSON Web Tokens (RFC 7519), signed with HS256, RS256 or EdDSA.
//!
//! The kind of key decides the algorithm, never the token: a token that names another one is refused
//! (RFC 8725, section 3.1).

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use media::ChannelName;
use serde::Deserialize;

/// How far the clocks of provider and station may be apart, in milliseconds.
const LEEWAY: i64 = 30_000;

/// A shared key is this long at least, in bytes (RFC 7518, section 3.2).
const SHARED_MIN: usize = 32;

/// What tokens are checked with.
#[derive(Clone)]
pub struct JwtKey {
    key: DecodingKey,
    rules: Validation,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey").finish_non_exhaustive()
    }
}

/// Why a key cannot check tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// PEM, but of neither kind.
    #[error("the key is no public key in PEM of RSA or Ed25519 (BEGIN PUBLIC KEY)")]
    Pem,
    /// A shared key that can be guessed.
    #[error("a shared key (HS256) has at least 32 characters")]
    Short,
}

impl JwtKey {
    /// From a public key in PEM (RS256 with RSA, EdDSA with Ed25519), or from a shared key as it is
    /// (HS256). Tokens must be made for `audience`.
    ///
    /// # Errors
    /// [`JwtError`].
    pub fn new(key: &str, audience: &str) -> Result<Self, JwtError> {
        let key = key.trim();
        let (key, algorithm) = if key.starts_with("-----BEGIN") {
            DecodingKey::from_ed_pem(key.as_bytes())
                .map(|key| (key, Algorithm::EdDSA))
                .or_else(|_| {
                    DecodingKey::from_rsa_pem(key.as_bytes()).map(|key| (key, Algorithm::RS256))
                })
                .map_err(|_| JwtError::Pem)?
        } else if key.len() < SHARED_MIN {
            return Err(JwtError::Short);
        } else {
            (DecodingKey::from_secret(key.as_bytes()), Algorithm::HS256)
        };
        let mut rules = Validation::new(algorithm);
        rules.set_required_spec_claims(&["exp", "aud"]);
        rules.set_audience(&[audience]);
        // Times are compared with the station's clock, below.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        Ok(Self { key, rules })
    }

    /// What a token says, when it is good for `scope` on `channel` at `now` (ms since 1970 UTC).
    pub(super) fn read(
        &self,
        token: &str,
        scope: &str,
        channel: &ChannelName,
        now: i64,
    ) -> Option<Told> {
        let claims = decode::<Claims>(token, &self.key, &self.rules).ok()?.claims;
        let expires = millis(claims.exp)?;
        let from = claims.nbf.map_or(Some(i64::MIN), millis)?;
        let timely = now < expires.saturating_add(LEEWAY) && now >= from.saturating_sub(LEEWAY);
        let subject = claims.sub;
        let named = claims.channel.as_deref().or(subject.as_deref())?;
        let granted = claims.scope.split_ascii_whitespace().any(|s| s == scope);
        (timely && granted && named == channel.as_str()).then(|| Told {
            subject: subject.unwrap_or_else(|| channel.to_string()),
            expires,
        })
    }
}

/// What a good token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) subject: String,
    /// In milliseconds since 1970 UTC.
    pub(super) expires: i64,
}

#[derive(Deserialize)]
struct Claims {
    /// Seconds since 1970 UTC, perhaps with a fraction (RFC 7519, section 2).
    exp: f64,
    nbf: Option<f64>,
    sub: Option<String>,
    /// The channel, when it is not named as the subject is.
    channel: Option<String>,
    /// Separated by spaces (RFC 8693, section 4.2).
    scope: String,
}

fn millis(seconds: f64) -> Option<i64> {
    let fine = seconds.is_finite() && (0.0..1e12).contains(&seconds);
    fine.then_some((seconds * 1000.0) as i64)
}

#[cfg(test)]
mod tests;
