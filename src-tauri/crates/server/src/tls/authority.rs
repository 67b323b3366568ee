//! A certificate authority of this machine's own, and the certificate it gives the station.
//!
//! Who installs it trusts it for nothing but local names and addresses: the constraints stand in the
//! certificate itself (RFC 5280, section 4.2.1.10), and its key never leaves this machine.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PublicKeyData, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::names::{NETWORKS, Names, host_name};
use super::{TlsError, files, provider};

const DAY: i64 = 86_400;

/// The authority outlives the phones that trust it.
const AUTHORITY_DAYS: i64 = 3650;

/// Apple refuses certificates that hold longer than 825 days, and others more than 398.
const LEAF_DAYS: i64 = 397;

/// Renewed this long before its end.
const RENEW_DAYS: i64 = 30;

/// Certificates begin a day early: clocks of phones differ.
const EARLY_DAYS: i64 = 1;

/// The authority.
pub(super) struct Authority {
    pub(super) certificate: CertificateDer<'static>,
    /// The same in PEM.
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// What people see in the list of authorities.
    pub(super) name: String,
    domains: Vec<String>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("name", &self.name)
            .field("domains", &self.domains)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority that lies in a folder, or a new one where none does. One that is damaged or near
    /// its end is set aside, never deleted.
    pub(super) fn open(folder: &Path, host: Option<&str>, now: i64) -> Result<Self, TlsError> {
        files::folder(folder)?;
        let [certificate, key] = ["ca.pem", "ca.key"].map(|name| folder.join(name));
        if let (Some(certificate), Some(key)) = (files::read(&certificate)?, files::read(&key)?) {
            match Self::read(&certificate, &key, now) {
                Ok(authority) => return Ok(authority),
                Err(reason) => tracing::warn!(
                    reason,
                    "the certificate authority is set aside and a new one made; devices have to trust that one anew"
                ),
            }
        }
        for path in [&certificate, &key] {
            if path.exists() {
                let aside = path.with_extension(format!("{}.old", extension(path)));
                std::fs::rename(path, aside).map_err(|source| TlsError::Folder {
                    path: path.clone(),
                    source,
                })?;
            }
        }
        let (certificate_text, key_text) = make(host, now)?;
        // The key first: a certificate without its key would be set aside.
        files::write(&key, &key_text)?;
        files::write(&certificate, &certificate_text)?;
        Self::read(&certificate_text, &key_text, now).map_err(TlsError::Make)
    }

    fn read(pem: &str, key: &str, now: i64) -> Result<Self, String> {
        let key = KeyPair::from_pem(key).map_err(|e| e.to_string())?;
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| e.to_string())?;
        let parsed = parse(&certificate)?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err("its key is another one's".into());
        }
        if ends_soon(&parsed, now) {
            return Err("it has ended, or soon will".into());
        }
        let constraints = parsed.name_constraints().map_err(|e| e.to_string())?;
        let permitted = constraints.and_then(|c| c.value.permitted_subtrees.as_ref());
        let domains = permitted
            .into_iter()
            .flatten()
            .filter_map(|subtree| match subtree.base {
                GeneralName::DNSName(domain) => Some(domain.to_owned()),
                _ => None,
            })
            .collect();
        let common_name = parsed.subject().iter_common_name().next();
        let name = common_name.and_then(|name| name.as_str().ok());
        let name = name.unwrap_or("Klieg").to_owned();
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|e| e.to_string())?;
        Ok(Self {
            issuer,
            name,
            domains,
            certificate: certificate.clone(),
            pem: pem.to_owned(),
        })
    }

    /// A certificate for these names, or those of them that the authority may vouch for: the one that
    /// lies in the folder while it fits, else a new one.
    pub(super) fn leaf(
        &self,
        folder: &Path,
        names: &Names,
        now: i64,
    ) -> Result<Arc<CertifiedKey>, TlsError> {
        let names = names.within(&self.domains);
        let [path, key_path] = ["leaf.pem", "leaf.key"].map(|name| folder.join(name));
        if let (Some(leaf), Some(key)) = (files::read(&path)?, files::read(&key_path)?)
            && let Some(kept) = self.kept(&leaf, &key, &names, now)
        {
            return Ok(kept);
        }
        let made = |e: rcgen::Error| TlsError::Make(e.to_string());
        let key = KeyPair::generate().map_err(made)?;
        let leaf = leaf_params(&names, now)
            .and_then(|params| params.signed_by(&key, &self.issuer))
            .map_err(made)?;
        files::write(&key_path, &key.serialize_pem())?;
        files::write(&path, &leaf.pem())?;
        tracing::info!(
            hosts = ?names.hosts, addresses = names.addresses.len(),
            "a certificate for this machine was made"
        );
        let der = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        self.certified(leaf.der().clone(), der)
            .map_err(TlsError::Make)
    }

    /// Signs whatever it is given.
    #[cfg(test)]
    pub(super) fn sign_anything(&self, names: &Names, now: i64) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let params = leaf_params(names, now).unwrap();
        params.signed_by(&key, &self.issuer).unwrap().into()
    }

    fn kept(&self, leaf: &str, key: &str, names: &Names, now: i64) -> Option<Arc<CertifiedKey>> {
        let leaf = CertificateDer::from_pem_slice(leaf.as_bytes()).ok()?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).ok()?;
        let parsed = parse(&leaf).ok()?;
        let authority = parse(&self.certificate).ok()?;
        parsed.verify_signature(Some(authority.public_key())).ok()?;
        let fits = names_of(&parsed)? == *names && !ends_soon(&parsed, now);
        fits.then(|| self.certified(leaf.clone(), key).ok())?
    }

    fn certified(
        &self,
        leaf: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Arc<CertifiedKey>, String> {
        // The authority comes along, so that its fingerprint can be looked at in any browser.
        let chain = vec![leaf, self.certificate.clone()];
        CertifiedKey::from_der(chain, key, &provider())
            .map(Arc::new)
            .map_err(|e| e.to_string())
    }
}

/// A new authority and its key, both in PEM.
fn make(host: Option<&str>, now: i64) -> Result<(String, String), TlsError> {
    let made = |e: rcgen::Error| TlsError::Make(e.to_string());
    let host = host.and_then(host_name);
    let mut domains = vec!["local".to_owned(), "localhost".to_owned()];
    domains.extend(host.clone());
    let networks = NETWORKS
        .iter()
        .map(|(network, prefix)| CidrSubnet::from_addr_prefix(*network, *prefix));
    let mut params = base(now, AUTHORITY_DAYS).map_err(made)?;
    let name = format!("Klieg at {}", host.as_deref().unwrap_or("this machine"));
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Klieg");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains
            .into_iter()
            .map(GeneralSubtree::DnsName)
            .chain(networks.map(GeneralSubtree::IpAddress))
            .collect(),
        excluded_subtrees: Vec::new(),
    });
    let key = KeyPair::generate().map_err(made)?;
    let certificate = params.self_signed(&key).map_err(made)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn leaf_params(names: &Names, now: i64) -> Result<CertificateParams, rcgen::Error> {
    let mut params = base(now, LEAF_DAYS)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Klieg station");
    for host in &names.hosts {
        let host = host.as_str().try_into()?;
        params.subject_alt_names.push(SanType::DnsName(host));
    }
    let addresses = names.addresses.iter().copied();
    params
        .subject_alt_names
        .extend(addresses.map(SanType::IpAddress));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn base(now: i64, days: i64) -> Result<CertificateParams, rcgen::Error> {
    let seconds = now.div_euclid(1000);
    let at =
        |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time);
    let mut params = CertificateParams::default();
    params.not_before = at(seconds - EARLY_DAYS * DAY)?;
    params.not_after = at(seconds + (days - EARLY_DAYS) * DAY)?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params)
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    let (_, parsed) = X509Certificate::from_der(der).map_err(|e| e.to_string())?;
    Ok(parsed)
}

fn ends_soon(certificate: &X509Certificate<'_>, now: i64) -> bool {
    let end = certificate.validity().not_after.timestamp();
    end - RENEW_DAYS * DAY <= now.div_euclid(1000)
}

fn names_of(certificate: &X509Certificate<'_>) -> Option<Names> {
    let mut names = Names::default();
    let alternatives = certificate.subject_alternative_name().ok()??;
    for name in &alternatives.value.general_names {
        match name {
            GeneralName::DNSName(host) => {
                names.hosts.insert((*host).to_owned());
            }
            GeneralName::IPAddress(bytes) => {
                names.addresses.insert(address_of(bytes)?);
            }
            _ => return None,
        }
    }
    Some(names)
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or("pem")
}
