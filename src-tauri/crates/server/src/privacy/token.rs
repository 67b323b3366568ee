//! Tokens that stand for a passphrase: `p1.EXPIRES.MAC`, the MAC over the channel, the end, and the
//! hash of the passphrase, so that a new passphrase makes the old tokens worth nothing.

use media::ChannelName;
use ring::hmac;
use store::Store;

/// What the store calls the key.
const KEY: &str = "watch_key";

const VERSION: &str = "p1.";

/// Makes tokens and reads them.
#[derive(Debug)]
pub(super) struct Signer(hmac::Key);

impl Signer {
    /// With the station's own key, which is made on first use.
    ///
    /// # Errors
    /// [`store::Error::Query`].
    pub(super) fn open(store: &Store) -> Result<Self, store::Error> {
        let kept = store.get(KEY)?.and_then(|hex| bytes(&hex));
        let key = match kept {
            Some(key) => key,
            None => {
                let mut key = [0; 32];
                if getrandom::fill(&mut key).is_err() {
                    // As with the control token: nothing may go on with a weak one.
                    tracing::error!("the system gives no random numbers");
                    std::process::abort();
                }
                store.set(KEY, &hex(&key))?;
                key
            }
        };
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// A token for a channel whose passphrase has this hash, until a time in milliseconds since 1970
    /// UTC.
    pub(super) fn sign(&self, channel: &ChannelName, hash: &str, expires: i64) -> String {
        let mac = hmac::sign(&self.0, &said(channel, hash, expires));
        format!("{VERSION}{expires}.{}", hex(mac.as_ref()))
    }

    /// Until when a token holds; none when it was not made here for this channel and passphrase.
    pub(super) fn read(&self, token: &str, channel: &ChannelName, hash: &str) -> Option<i64> {
        let (expires, mac) = token.strip_prefix(VERSION)?.split_once('.')?;
        let expires: i64 = expires.parse().ok()?;
        let mac = bytes(mac)?;
        hmac::verify(&self.0, &said(channel, hash, expires), &mac).ok()?;
        Some(expires)
    }
}

/// Whether a secret says of itself that it is one of these.
pub(crate) fn is_signed(secret: &str) -> bool {
    secret.starts_with(VERSION)
}

fn said(channel: &ChannelName, hash: &str, expires: i64) -> Vec<u8> {
    format!("watch\n{channel}\n{expires}\n{hash}").into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_its_channel_its_passphrase_and_this_station() {
        let store = Store::in_memory().unwrap();
        let signer = Signer::open(&store).unwrap();
        let [stage, other] = ["stage", "other"].map(|name| name.parse::<ChannelName>().unwrap());
        let token = signer.sign(&stage, "hash", 5000);
        assert!(is_signed(&token));
        assert_eq!(signer.read(&token, &stage, "hash"), Some(5000));
        let again = Signer::open(&store).unwrap();
        assert_eq!(again.read(&token, &stage, "hash"), Some(5000), "a restart");
        let elsewhere = Signer::open(&Store::in_memory().unwrap()).unwrap();
        assert_eq!(elsewhere.read(&token, &stage, "hash"), None);
        assert_eq!(signer.read(&token, &other, "hash"), None);
        assert_eq!(signer.read(&token, &stage, "new hash"), None);
        for bad in [
            "",
            "p1.",
            "p1.5000.",
            &token.replace("5000", "9999"),
            &token[..token.len() - 2],
            &format!("{token}00"),
            &token.to_uppercase(),
            &format!("p1.5000.{}", "é".repeat(32)),
        ] {
            assert_eq!(signer.read(bad, &stage, "hash"), None, "{bad}");
        }
    }
}
