use std::fs;
use std::io::Write as _;
use std::process::Command;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tempfile::TempDir;

use super::*;

/// 2027, in milliseconds.
const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 86_400_000;

fn open(folder: &TempDir, now: i64) -> Tls {
    Tls::open(folder.path(), Some("studio".into()), 8443, now).unwrap()
}

fn served(tls: &Tls) -> Vec<CertificateDer<'static>> {
    tls.serving.0.read().cert.clone()
}

fn at(now: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now).unwrap()))
}

/// What a client says that trusts `authority`.
fn verify(
    authority: &CertificateDer<'static>,
    chain: &[CertificateDer<'static>],
    name: &str,
    now: i64,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], at(now))
        .map(drop)
        .map_err(|e| e.to_string())
}

#[test]
fn a_client_that_trusts_the_authority_trusts_the_station_by_all_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(&folder, NOW);
    let chain = served(&tls);
    for name in ["localhost", "studio", "studio.local", "127.0.0.1", "::1"] {
        verify(&tls.authority.certificate, &chain, name, NOW).unwrap();
    }
    for name in ["other.local", "example.com", "203.0.113.7"] {
        let refused = verify(&tls.authority.certificate, &chain, name, NOW);
        assert!(refused.is_err(), "{name}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = open(&elsewhere, NOW).authority.certificate;
    assert!(verify(&stranger, &chain, "localhost", NOW).is_err());
    #[cfg(unix)]
    for entry in fs::read_dir(folder.path().join("tls")).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let file = entry.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[test]
fn the_authority_can_vouch_for_no_name_on_the_internet() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(&folder, NOW).authority;
    for (host, address) in [
        (Some("bank.example"), None),
        (Some("notlocal"), None),
        (None, Some("203.0.113.7")),
        (None, Some("2001:db8::1")),
    ] {
        let mut names = Names::default();
        names.hosts.extend(host.map(str::to_owned));
        names
            .addresses
            .extend(address.map(|a| a.parse::<std::net::IpAddr>().unwrap()));
        // As whoever stole its key would sign it, past what `leaf` leaves out.
        let forged = authority.sign_anything(&names, NOW);
        let name = host.or(address).unwrap();
        let said = verify(&authority.certificate, &[forged], name, NOW).unwrap_err();
        assert!(said.contains("NameConstraint"), "{name}: {said}");
        assert!(
            names.within(&["local".into()]) == Names::default(),
            "{name}"
        );
    }
}

#[test]
fn openssl_verifies_the_chain() {
    if Command::new("openssl").arg("version").output().is_err() {
        let why = "SKIPPED openssl_verifies_the_chain: openssl is not installed";
        // Past the test runner, which keeps to itself what passing tests say.
        drop(writeln!(std::io::stderr(), "{why}"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::start();
    drop(open(&folder, clock.unix_millis(clock.now())));
    let verified = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver"])
        .args([
            "-verify_hostname",
            "studio.local",
            "-CAfile",
            "ca.pem",
            "leaf.pem",
        ])
        .current_dir(folder.path().join("tls"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
}

#[test]
fn a_restart_serves_the_same_and_a_certificate_near_its_end_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder, NOW);
    let (authority, leaf) = (first.authority.certificate.clone(), served(&first));
    let again = open(&folder, NOW + 365 * DAY);
    assert_eq!(
        (&again.authority.certificate, served(&again)),
        (&authority, leaf.clone())
    );
    // A year and a month are nearly over.
    again.look(NOW + 370 * DAY);
    let renewed = served(&again);
    assert_ne!(renewed, leaf);
    verify(&authority, &renewed, "localhost", NOW + 398 * DAY).unwrap();
    assert!(verify(&authority, &leaf, "localhost", NOW + 398 * DAY).is_err());

    let much_later = open(&folder, NOW + 3640 * DAY);
    assert_ne!(much_later.authority.certificate, authority);
    assert!(
        folder.path().join("tls/ca.pem.old").exists(),
        "nothing is deleted"
    );
}

#[test]
fn other_addresses_make_another_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(&folder, NOW);
    let place = folder.path().join("tls");
    let mut names = Names::of_this_machine(Some("studio"));
    let leaf = tls.authority.leaf(&place, &names, NOW).unwrap();
    assert_eq!(
        leaf.cert,
        served(&tls),
        "the same ones, the same certificate"
    );
    let more: std::net::IpAddr = "192.168.77.7".parse().unwrap();
    assert!(names.addresses.insert(more));
    let leaf = tls.authority.leaf(&place, &names, NOW).unwrap();
    verify(&tls.authority.certificate, &leaf.cert, "192.168.77.7", NOW).unwrap();
}

#[test]
fn what_is_damaged_is_set_aside() {
    for (file, text) in [
        ("ca.pem", "nonsense"),
        ("ca.key", "nonsense"),
        ("ca.key", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let before = open(&folder, NOW).authority.certificate;
        fs::write(folder.path().join("tls").join(file), text).unwrap();
        let tls = open(&folder, NOW);
        assert_ne!(tls.authority.certificate, before, "{file}");
        verify(&tls.authority.certificate, &served(&tls), "localhost", NOW).unwrap();
        let kept = folder.path().join(format!("tls/{file}.old"));
        assert_eq!(fs::read_to_string(kept).unwrap(), text);
    }
}

/// A pair as a person brings it.
fn pair(name: &str) -> (String, String, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    (
        made.cert.pem(),
        made.signing_key.serialize_pem(),
        certificate,
    )
}

#[test]
fn a_pair_of_the_persons_own_is_picked_up_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let tls = open(&folder, NOW);
    let made = served(&tls);
    let (first, first_key, first_der) = pair("club.example");
    let (second, second_key, second_der) = pair("club.example.org");

    put("cert.pem", &first);
    tls.look(NOW);
    assert_eq!(served(&tls), made);
    let said = tls.problem().unwrap().message;
    assert!(
        said.contains("key.pem") && said.contains("cannot be read"),
        "{said}"
    );

    put("key.pem", &first_key);
    tls.look(NOW);
    assert_eq!(served(&tls), std::slice::from_ref(&first_der));
    assert_eq!(tls.problem(), None);

    for (certificate, key, expect) in [
        (
            second.as_str(),
            first_key.as_str(),
            "does not belong to cert.pem",
        ),
        ("nothing of the kind", &second_key, "holds no certificate"),
        (&second, "nothing of the kind, but long", "no private key"),
    ] {
        put("cert.pem", certificate);
        put("key.pem", key);
        tls.look(NOW);
        assert_eq!(served(&tls), std::slice::from_ref(&first_der), "{expect}");
        let said = tls.problem().unwrap().message;
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    }
    put("cert.pem", &second);
    put("key.pem", &second_key);
    tls.look(NOW);
    assert_eq!(served(&tls), std::slice::from_ref(&second_der));
    // After a restart, too.
    assert_eq!(served(&open(&folder, NOW)), [second_der]);

    fs::remove_file(folder.path().join("cert.pem")).unwrap();
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    tls.look(NOW);
    assert_eq!((served(&tls), tls.problem()), (made, None));
}

#[test]
fn a_pair_that_has_ended_or_soon_will_is_served_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let day =
        |n: i64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis((NOW + n * DAY) as u64);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["club.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (day(0), day(90));
    let made = params.self_signed(&key).unwrap();
    fs::write(folder.path().join("cert.pem"), made.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let tls = open(&folder, NOW);
    for (at, expect) in [
        (0, None),
        (80, None),
        (84, Some("ends in 5 days")),
        (89, Some("ends today")),
        (91, Some("has ended")),
        (-1, Some("is not valid yet")),
        (1, None),
    ] {
        tls.look(NOW + at * DAY + 1_000);
        let said = tls.problem().map(|problem| problem.message);
        match expect {
            Some(expect) => assert!(said.as_ref().unwrap().contains(expect), "{at}: {said:?}"),
            None => assert_eq!(said, None, "{at}"),
        }
        assert_eq!(served(&tls)[0], *made.der(), "{at}");
    }
}
