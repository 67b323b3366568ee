//! Tokens of an identity provider: JSON Web Tokens (RFC 7519), signed with HS256, RS256 or EdDSA.
//!
//! The kind of key decides the algorithm, never the token: a token that names another one is refused
//! (RFC 8725, section 3.1).

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
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
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) fn read(
        &self,
        token: &str,
        scope: &str,
        channel: &ChannelName,
        now: i64,
    ) -> Result<Told, Fault> {
        let read = decode::<Claims>(token, &self.key, &self.rules);
        // The signature is looked at first: whoever is told more has a token of the provider's.
        let claims = read.map_err(|error| match error.kind() {
            ErrorKind::InvalidAudience => Fault::Audience,
            _ => Fault::Strange,
        })?;
        let claims = claims.claims;
        let expires = millis(claims.exp).ok_or(Fault::Strange)?;
        let from = claims.nbf.map_or(Some(i64::MIN), millis);
        // Whoever is let in by a clock that is behind is not put out by ours.
        let ends = expires.saturating_add(LEEWAY);
        if now >= ends {
            return Err(Fault::Ended);
        }
        if now < from.ok_or(Fault::Strange)?.saturating_sub(LEEWAY) {
            return Err(Fault::Early);
        }
        if !claims.scope.split_ascii_whitespace().any(|s| s == scope) {
            return Err(Fault::Scope);
        }
        let subject = claims.sub;
        let named = claims.channel.as_deref().or(subject.as_deref());
        if named != Some(channel.as_str()) {
            return Err(Fault::Channel);
        }
        Ok(Told {
            subject: subject.unwrap_or_else(|| channel.to_string()),
            expires: ends,
        })
    }
}

/// Why a token opens nothing. Its words go on from a name of the token's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It is none of this provider's, or says less than it has to.
    #[error("is not one that this station checks")]
    Strange,
    /// It was made for somebody else.
    #[error("was made for another audience (aud)")]
    Audience,
    /// Its time is over.
    #[error("has expired (exp)")]
    Ended,
    /// Its time has not begun.
    #[error("does not hold yet (nbf)")]
    Early,
    /// It is for something else.
    #[error("does not allow that (scope)")]
    Scope,
    /// It names another channel, or none.
    #[error("is for another channel (channel, sub)")]
    Channel,
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
