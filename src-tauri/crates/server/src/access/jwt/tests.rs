use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

// Keys of these tests and of nothing else.
const SHARED: &str = "a shared key that is long enough to be one";
const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub.pem");
const ED: &str = include_str!("keys/ed25519.pem");
const ED_PUBLIC: &str = include_str!("keys/ed25519.pub.pem");
const P256_PUBLIC: &str = include_str!("keys/p256.pub.pem");

const NOW: i64 = 1_800_000_000_000;

fn sign(algorithm: Algorithm, claims: &Value) -> String {
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap(),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(ED.as_bytes()).unwrap(),
        _ => EncodingKey::from_secret(SHARED.as_bytes()),
    };
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn claims() -> Value {
    json!({ "aud": "klieg", "sub": "stage", "scope": "publish watch", "exp": NOW / 1000 + 60 })
}

fn changed(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn reads(key: &JwtKey, token: &str) -> Result<Told, Fault> {
    key.read(token, "publish", &"stage".parse().unwrap(), NOW)
}

#[test]
fn what_a_token_has_to_say() {
    let key = JwtKey::new(SHARED, "klieg").unwrap();
    let now = NOW / 1000;
    for (changes, expect) in [
        (json!({}), Ok("stage")),
        (json!({ "aud": ["other", "klieg"] }), Ok("stage")),
        (json!({ "aud": "other" }), Err(Fault::Audience)),
        (json!({ "aud": null }), Err(Fault::Strange)),
        (json!({ "exp": null }), Err(Fault::Strange)),
        (json!({ "exp": now - 29 }), Ok("stage")),
        (json!({ "exp": now - 31 }), Err(Fault::Ended)),
        (json!({ "exp": now as f64 + 0.5 }), Ok("stage")),
        (json!({ "exp": "soon" }), Err(Fault::Strange)),
        (json!({ "exp": -1 }), Err(Fault::Strange)),
        (json!({ "nbf": now + 29 }), Ok("stage")),
        (json!({ "nbf": now + 31 }), Err(Fault::Early)),
        (json!({ "scope": "watch" }), Err(Fault::Scope)),
        (json!({ "scope": "publisher" }), Err(Fault::Scope)),
        (json!({ "scope": null }), Err(Fault::Strange)),
        (json!({ "sub": "ana", "channel": "stage" }), Ok("ana")),
        (json!({ "sub": null, "channel": "stage" }), Ok("stage")),
        (json!({ "channel": "other" }), Err(Fault::Channel)),
        (json!({ "sub": "ana" }), Err(Fault::Channel)),
        (json!({ "sub": null }), Err(Fault::Channel)),
    ] {
        let token = sign(Algorithm::HS256, &changed(&changes));
        let told = reads(&key, &token).map(|told| told.subject);
        assert_eq!(told, expect.map(str::to_owned), "{changes}");
    }
    let told = reads(&key, &sign(Algorithm::HS256, &claims())).unwrap();
    assert_eq!(told.expires, NOW + 60_000 + LEEWAY);
}

#[test]
fn the_key_decides_the_algorithm() {
    let keys = [
        (Algorithm::HS256, SHARED),
        (Algorithm::RS256, RSA_PUBLIC),
        (Algorithm::EdDSA, ED_PUBLIC),
    ];
    for (own, text) in keys {
        let key = JwtKey::new(text, "klieg").unwrap();
        for (algorithm, _) in keys {
            let fine = reads(&key, &sign(algorithm, &claims())).is_ok();
            assert_eq!(fine, own == algorithm, "{algorithm:?} against {own:?}");
        }
        let token = sign(own, &claims());
        let (head, tail) = token.split_at(token.len() - 10);
        for wrong in [
            format!("{head}AAAAAAAAAA"),
            head.to_owned(),
            tail.to_owned(),
            String::new(),
            // {"alg":"none"}
            format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap()),
        ] {
            assert_eq!(reads(&key, &wrong), Err(Fault::Strange), "{own:?}: {wrong}");
        }
    }
    // A public key is no shared one: a token that was signed with its text is refused.
    let confused = EncodingKey::from_secret(RSA_PUBLIC.as_bytes());
    let token = encode(&Header::new(Algorithm::HS256), &claims(), &confused).unwrap();
    let key = JwtKey::new(RSA_PUBLIC, "klieg").unwrap();
    assert_eq!(reads(&key, &token), Err(Fault::Strange));
}

#[test]
fn what_is_wrong_with_a_token_is_said_to_whom_it_was_given_alone() {
    let key = JwtKey::new(SHARED, "klieg").unwrap();
    let ended = changed(&json!({ "exp": NOW / 1000 - 60, "aud": "other" }));
    let forged = EncodingKey::from_secret(b"another key that is as long as the first one");
    let forged = encode(&Header::new(Algorithm::HS256), &ended, &forged).unwrap();
    assert_eq!(reads(&key, &forged), Err(Fault::Strange));
    let own = sign(Algorithm::HS256, &ended);
    assert_eq!(reads(&key, &own), Err(Fault::Audience));
}

#[test]
fn keys_that_check_nothing_are_refused() {
    for (key, expect) in [
        ("", JwtError::Short),
        ("too short to be a key", JwtError::Short),
        (P256_PUBLIC, JwtError::Pem),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            JwtError::Pem,
        ),
    ] {
        assert_eq!(JwtKey::new(key, "klieg").unwrap_err(), expect, "{key}");
    }
    let shown = format!("{:?}", JwtKey::new(SHARED, "klieg").unwrap());
    assert!(!shown.contains("shared"), "{shown}");
}
