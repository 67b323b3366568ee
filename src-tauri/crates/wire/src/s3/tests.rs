use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderValue};

use super::*;

fn place() -> Place {
    Place {
        endpoint: "https://s3.example.org:9000".into(),
        bucket: "shows".into(),
        region: "us-east-1".into(),
        path_style: true,
    }
}

fn keys() -> Keys {
    Keys {
        access: "AKID".into(),
        secret: "orange umbrella".into(),
    }
}

fn client(place: &Place) -> Result<Client, Error> {
    Client::new(place, &keys(), &Roots::default(), Clock::start())
}

#[test]
fn places_that_cannot_be_are_refused_in_words() {
    for (change, says) in [
        (("endpoint", "s3.example.org"), "https://"),
        (("endpoint", "ftp://s3.example.org"), "https://"),
        (("bucket", ""), "bucket's name"),
        (("bucket", "a/../b"), "bucket's name"),
    ] {
        let mut place = place();
        match change {
            ("endpoint", text) => place.endpoint = text.into(),
            (_, text) => place.bucket = text.into(),
        }
        let refused = client(&place).unwrap_err().to_string();
        assert!(refused.contains(says), "{change:?}: {refused}");
    }
}

#[test]
fn an_address_shows_no_secret_and_a_link_holds_a_signature() {
    let client = client(&place()).unwrap();
    assert_eq!(client.name(), "The bucket shows at s3.example.org:9000");
    let key = "klieg/a1/Tag & Nacht.mp4";
    let address = client.address(key);
    assert_eq!(
        address,
        "https://s3.example.org:9000/shows/klieg/a1/Tag%20%26%20Nacht.mp4"
    );
    let link = client.link(key, Some("Tag & Nacht.mp4"));
    assert!(
        link.starts_with(&format!("{address}?")) && link.contains("X-Amz-Signature="),
        "{link}"
    );
    assert!(link.contains("response-content-disposition="), "{link}");
    assert!(!link.contains("umbrella") && !format!("{client:?} {:?}", keys()).contains("umbrella"));
}

#[test]
fn refusals_say_what_to_do() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000);
    let check = |status: u16, code: &str, apart: i64, says: &str, again: bool| {
        let mut headers = HeaderMap::new();
        let theirs = if apart < 0 {
            now - Duration::from_secs(apart.unsigned_abs())
        } else {
            now + Duration::from_secs(apart.unsigned_abs())
        };
        let date = httpdate::fmt_http_date(theirs);
        headers.insert(DATE, HeaderValue::from_str(&date).unwrap());
        let body = match code {
            "" => String::new(),
            code => format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No.</Message></Error>"
            ),
        };
        let error = Said::new(status, headers, body.into_bytes()).refusal("It", now);
        assert_eq!(matches!(error, Error::Lost(_)), again, "{status} {code}");
        assert!(error.to_string().contains(says), "{status} {code}: {error}");
    };
    check(403, "AccessDenied", 0, "may not do that", false);
    check(403, "", 0, "may not do that", false);
    check(
        403,
        "InvalidAccessKeyId",
        0,
        "does not know the access key",
        false,
    );
    check(403, "SignatureDoesNotMatch", 0, "secret key again", false);
    check(403, "AccessDenied", 1_200, "20 minutes behind", false);
    check(
        403,
        "RequestTimeTooSkewed",
        -3_600,
        "60 minutes ahead",
        false,
    );
    check(403, "RequestTimeTooSkewed", 0, "clock is wrong", false);
    check(404, "NoSuchBucket", 0, "no such bucket", false);
    check(404, "NoSuchUpload", 0, "forgotten", false);
    check(301, "PermanentRedirect", 0, "elsewhere", false);
    check(507, "", 0, "full", false);
    check(400, "BadDigest", 0, "as it was sent", true);
    check(500, "InternalError", 0, "out of order", true);
    check(503, "SlowDown", 0, "503 SlowDown", true);
    check(200, "InternalError", 0, "out of order", true);
    check(400, "Strange", 0, "No. (Strange)", false);
}

#[test]
fn the_fingerprint_of_a_whole_is_that_of_its_parts() {
    let parts = [b"one".as_slice(), b"two"].map(|part| {
        let part = Part::new(Bytes::from_static(part));
        hex(&part.digest)
    });
    // md5(md5("one") ‖ md5("two")), as `aws s3api` shows it for two parts.
    assert_eq!(
        whole(&parts).as_deref(),
        Some(
            format!(
                "{}-2",
                hex(&Md5::digest(
                    parts
                        .iter()
                        .flat_map(|p| (0..16)
                            .map(|i| u8::from_str_radix(&p[i * 2..i * 2 + 2], 16).unwrap()))
                        .collect::<Vec<u8>>()
                ))
            )
            .as_str()
        )
    );
    assert_eq!(whole(&["opaque".into()]), None);
    assert_eq!(bare("W/\"abc\""), "abc");
    assert_eq!(bare("&quot;abc-2&quot;"), "abc-2");
}

#[tokio::test(start_paused = true)]
async fn what_stands_still_is_given_up_and_what_moves_is_not() {
    let taken = AtomicU64::new(0);
    let second = Duration::from_secs(1);
    let never = std::future::pending::<()>();
    assert_eq!(while_it_moves(&taken, second * 10, never).await, None);
    let slow = async {
        for _ in 0..100 {
            tokio::time::sleep(second * 5).await;
            taken.fetch_add(1, Ordering::Relaxed);
        }
    };
    assert_eq!(while_it_moves(&taken, second * 10, slow).await, Some(()));
}
