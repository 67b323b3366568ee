//! What a device needs to trust this station: the authority's certificate in the forms that devices
//! take, and where HTTPS is.

use std::sync::Arc;

use api::Code;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

use super::Tls;
use crate::app::App;
use crate::problem::Refusal;

/// `GET /api/trust`
pub(crate) async fn trust(State(app): State<Arc<App>>) -> Result<Json<api::Trust>, Refusal> {
    let tls = tls(&app)?;
    Ok(Json(api::Trust {
        port: tls.port,
        own: tls.watched.lock().own,
        name: tls.authority.name.clone(),
        fingerprint: tls.fingerprint(),
    }))
}

/// `GET /ca.pem`
pub(crate) async fn pem(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let tls = tls(&app)?;
    let text = tls.authority.pem.clone();
    Ok(download("application/x-pem-file", "klieg-ca.pem", text))
}

/// `GET /ca.crt`: DER, as Android and Windows take it.
pub(crate) async fn der(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let tls = tls(&app)?;
    let bytes = tls.authority.certificate.to_vec();
    Ok(download(
        "application/x-x509-ca-cert",
        "klieg-ca.crt",
        bytes,
    ))
}

/// `GET /ca.mobileconfig`: a configuration profile, as iOS takes it.
pub(crate) async fn profile(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let tls = tls(&app)?;
    Ok(download(
        "application/x-apple-aspen-config",
        "klieg-ca.mobileconfig",
        tls.profile(),
    ))
}

fn tls(app: &App) -> Result<Arc<Tls>, Refusal> {
    app.tls.read().clone().ok_or_else(|| {
        Refusal::new(
            Code::NotFound,
            "HTTPS is off here. The host can turn it on with the setting server.https.",
        )
    })
}

fn download(kind: &'static str, name: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(value) = format!("attachment; filename=\"{name}\"").parse() {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

impl Tls {
    /// SHA-256 of the authority's certificate, as browsers and systems show it.
    fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, &self.authority.certificate);
        let pairs: Vec<String> = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        pairs.join(":")
    }

    /// The authority as a profile with one payload (Apple's Configuration Profile Reference). Its
    /// identity follows from the certificate, so that the same one is not installed twice.
    fn profile(&self) -> String {
        let hash = digest(&SHA256, &self.authority.certificate);
        let [profile, payload] = [0, 16].map(|at| uuid(&hash.as_ref()[at..at + 16]));
        // PEM is base64 between two lines (RFC 7468).
        let certificate: String = self
            .authority
            .pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        // A host name is of letters, digits, '-' and '.' alone: nothing of it is markup.
        let name = &self.authority.name;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\"><dict>\n\
             <key>PayloadType</key><string>Configuration</string>\n\
             <key>PayloadVersion</key><integer>1</integer>\n\
             <key>PayloadIdentifier</key><string>studio.klieg.ca.{profile}</string>\n\
             <key>PayloadUUID</key><string>{profile}</string>\n\
             <key>PayloadDisplayName</key><string>{name}</string>\n\
             <key>PayloadDescription</key><string>Lets this device trust the station over HTTPS, for local names and addresses alone.</string>\n\
             <key>PayloadContent</key><array><dict>\n\
             <key>PayloadType</key><string>com.apple.security.root</string>\n\
             <key>PayloadVersion</key><integer>1</integer>\n\
             <key>PayloadIdentifier</key><string>studio.klieg.ca.{payload}</string>\n\
             <key>PayloadUUID</key><string>{payload}</string>\n\
             <key>PayloadDisplayName</key><string>{name}</string>\n\
             <key>PayloadCertificateFileName</key><string>klieg-ca.crt</string>\n\
             <key>PayloadContent</key><data>{certificate}</data>\n\
             </dict></array>\n\
             </dict></plist>\n"
        )
    }
}

/// Sixteen bytes as a UUID of version 8 (RFC 9562, section 5.8).
pub(crate) fn uuid(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}
