//! Storage that speaks S3, as a client: a file goes there in parts, by requests that are signed in their
//! address (AWS Signature Version 4, query parameters), and is read by whoever is given such an address.
//!
//! Nothing is retried here: [`Error`] says what is worth another try.

mod said;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use md5::{Digest, Md5};
use media::Clock;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, RANGE};
use reqwest::{Body, Method, RequestBuilder, Response, redirect};
use rusty_s3::actions::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, DeleteObject, GetObject,
    HeadBucket, HeadObject, PutObject, S3Action, UploadPart,
};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use url::Url;

use crate::{Roots, tls};
use said::Said;

/// How long the storage may take to be reached, and to answer what is small.
const REACH: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);

/// How long it may take to put the parts together.
const ASSEMBLY: Duration = Duration::from_secs(300);

/// How long a part may take that moves all the time.
const PART: Duration = Duration::from_secs(3_600);

/// A part of which so long nothing is taken is lost. What the system holds of it may take a slow line as long.
const STALL: Duration = Duration::from_secs(60);

/// How long a signed address of a request holds.
const SIGNED: Duration = Duration::from_secs(15 * 60);

/// How long a signed address for a viewer holds: a film, and pauses in it.
const LINK: Duration = Duration::from_secs(12 * 60 * 60);

/// Bytes that are counted at a time.
const CHUNK: usize = 64 << 10;

/// An answer larger than this is not read: the longest is what is read back.
const MAX_ANSWER: usize = 1 << 20;

/// What films are.
const MP4: &str = "video/mp4";

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The service: `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// Its bucket.
    pub bucket: String,
    /// Its region, as the service calls it; most that are no cloud take any.
    pub region: String,
    /// The bucket stands in the path (`host/bucket/…`), not in the host's name (`bucket.host/…`).
    pub path_style: bool,
}

/// What requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The access key's identity.
    pub access: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Why the storage does not do what it is asked, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another try may do better.
    #[error("{0}")]
    Lost(String),
    /// A person must change something.
    #[error("{0}")]
    Refused(String),
    /// The storage knows nothing of the upload: it was taken away there, or is whole already.
    #[error("the storage has forgotten the upload")]
    Forgotten,
}

/// A part of a file, on its way.
#[derive(Clone, Debug)]
pub struct Part {
    bytes: Bytes,
    digest: [u8; 16],
}

impl Part {
    /// Takes a part's digest, which is some work: away from threads that serve.
    pub fn new(bytes: Bytes) -> Self {
        let digest = Md5::digest(&bytes).into();
        Self { bytes, digest }
    }
}

/// What the storage says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub len: u64,
    /// Its fingerprint, as far as one is given.
    pub etag: Option<String>,
    /// Fingerprints are of what is encrypted, and say nothing of what was sent.
    pub sealed: bool,
}

/// A bucket, and what it takes to speak to it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    bucket: Bucket,
    keys: Credentials,
    name: String,
    clock: Clock,
    stall: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.name).finish()
    }
}

impl Client {
    /// Reads a place. `roots` are trusted beside what browsers trust. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Refused`] with what is wrong with the place.
    pub fn new(place: &Place, keys: &Keys, roots: &Roots, clock: Clock) -> Result<Self, Error> {
        let refused = |text: &str| Error::Refused(text.to_owned());
        let endpoint = Url::parse(place.endpoint.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or_else(|| {
                refused("The storage's address begins with https:// (or http://) and names a host.")
            })?;
        let name = place.bucket.trim();
        let fine = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if name.is_empty() || !name.chars().all(fine) {
            let text = "A bucket's name has letters, digits, dots and hyphens.";
            return Err(refused(text));
        }
        let style = if place.path_style {
            UrlStyle::Path
        } else {
            UrlStyle::VirtualHost
        };
        let host = match endpoint.port() {
            Some(port) => format!("{}:{port}", endpoint.host_str().unwrap_or_default()),
            None => endpoint.host_str().unwrap_or_default().to_owned(),
        };
        let shown = format!("The bucket {name} at {host}");
        let region = place.region.trim().to_owned();
        let bucket = Bucket::new(endpoint, style, name.to_owned(), region)
            .map_err(|e| Error::Refused(format!("The storage's address is no use: {e}.")))?;
        let broken = |e: reqwest::Error| Error::Refused(format!("HTTP cannot be set up: {e}."));
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(REACH);
        for root in roots.certificates() {
            let root = reqwest::Certificate::from_der(root).map_err(broken)?;
            http = http.add_root_certificate(root);
        }
        Ok(Self {
            http: http.build().map_err(broken)?,
            bucket,
            keys: Credentials::new(keys.access.trim(), keys.secret.trim()),
            name: shown,
            clock,
            stall: STALL,
        })
    }

    /// The same, but a part is lost when so long nothing of it is taken.
    pub fn with_stall(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// What people know it by: "The bucket shows at s3.example.org".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where an object lies, without a right to it.
    pub fn address(&self, key: &str) -> String {
        self.bucket.object_url(key).to_string()
    }

    /// An address that lets whoever has it read an object for twelve hours; `save_as` is the name under which
    /// it is saved.
    pub fn link(&self, key: &str, save_as: Option<&str>) -> String {
        let mut action = GetObject::new(&self.bucket, Some(&self.keys), key);
        if let Some(name) = save_as {
            let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes())
                .map(|part| part.replace('+', "%20"))
                .collect();
            let value = format!("attachment; filename*=UTF-8''{encoded}");
            action
                .query_mut()
                .insert("response-content-disposition", value);
        }
        action.sign(LINK).to_string()
    }

    /// Begins to put a film there in parts; gives the upload's identity.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn begin(&self, key: &str) -> Result<String, Error> {
        let mut action = CreateMultipartUpload::new(&self.bucket, Some(&self.keys), key);
        action.headers_mut().insert("content-type", MP4);
        let url = action.sign(SIGNED);
        let request = self.request(Method::POST, url).header(CONTENT_TYPE, MP4);
        let said = self.ask(request, ANSWER).await?;
        let text = String::from_utf8_lossy(&said.body);
        let begun = CreateMultipartUpload::parse_response(text.as_ref());
        let begun = begun.map_err(|_| self.nonsense())?;
        Ok(begun.upload_id().to_owned())
    }

    /// Puts a part there, the first is 1; gives its fingerprint. `taken` grows as its bytes are taken.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Refused`] when the fingerprint is of something else.
    pub async fn put(
        &self,
        (key, upload): (&str, &str),
        number: u16,
        part: Part,
        taken: &Arc<AtomicU64>,
    ) -> Result<String, Error> {
        let mut action = UploadPart::new(&self.bucket, Some(&self.keys), key, number, upload);
        // The storage itself compares what came with this, and it is signed.
        let digest = STANDARD.encode(part.digest);
        action.headers_mut().insert("content-md5", digest.clone());
        let url = action.sign(SIGNED);
        let len = part.bytes.len();
        let request = self
            .request(Method::PUT, url)
            .header("content-md5", digest)
            .header(CONTENT_LENGTH, len)
            .body(counted(part.bytes, Arc::clone(taken)));
        let sending = self.ask(request, PART);
        let said = match while_it_moves(taken, self.stall, sending).await {
            Some(said) => said?,
            None => return Err(self.stalled()),
        };
        let etag = said.etag().ok_or_else(|| self.nonsense())?;
        let is_digest = etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit());
        if is_digest && !said.is_sealed() && !etag.eq_ignore_ascii_case(&hex(&part.digest)) {
            return Err(self.lies(&format!(
                "for part {number} it gives the fingerprint of something else"
            )));
        }
        Ok(etag)
    }

    /// Puts the parts together; gives the whole's fingerprint.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn complete(
        &self,
        (key, upload): (&str, &str),
        etags: &[String],
    ) -> Result<Option<String>, Error> {
        let quoted: Vec<String> = etags.iter().map(|etag| format!("\"{etag}\"")).collect();
        let etags = quoted.iter().map(String::as_str);
        let action =
            CompleteMultipartUpload::new(&self.bucket, Some(&self.keys), key, upload, etags);
        let url = action.sign(SIGNED);
        let request = self
            .request(Method::POST, url)
            .header(CONTENT_TYPE, "application/xml")
            .body(action.body());
        let said = self.ask(request, ASSEMBLY).await?;
        // It begins to answer before it knows: what failed then stands below a 200.
        if said.code().is_some() {
            return Err(self.refusal(&said));
        }
        Ok(said.element("ETag").map(|etag| bare(&etag)))
    }

    /// Takes an upload away that is not to be completed.
    ///
    /// # Errors
    /// [`Error`]; one that is gone is as good.
    pub async fn abort(&self, (key, upload): (&str, &str)) -> Result<(), Error> {
        let action = AbortMultipartUpload::new(&self.bucket, Some(&self.keys), key, upload);
        let request = self.request(Method::DELETE, action.sign(SIGNED));
        match self.ask(request, ANSWER).await {
            Ok(_) | Err(Error::Forgotten) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What is said of an object; nothing when there is none.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn object(&self, key: &str) -> Result<Option<Object>, Error> {
        let action = HeadObject::new(&self.bucket, Some(&self.keys), key);
        let request = self.request(Method::HEAD, action.sign(SIGNED));
        let response = request.timeout(ANSWER).send().await;
        let response = response.map_err(|e| self.unreachable(&e))?;
        if response.status().as_u16() == 404 {
            return Ok(None);
        }
        let said = self.said(response).await?;
        if !said.is_success() {
            return Err(self.refusal(&said));
        }
        let len = said.header(&CONTENT_LENGTH).and_then(|l| l.parse().ok());
        Ok(Some(Object {
            len: len.ok_or_else(|| self.nonsense())?,
            etag: said.etag(),
            sealed: said.is_sealed(),
        }))
    }

    /// Looks whether there is such a bucket. A key that may not ask that may do all else.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn look(&self) -> Result<(), Error> {
        let action = HeadBucket::new(&self.bucket, Some(&self.keys));
        let request = self.request(Method::HEAD, action.sign(SIGNED));
        let response = request.timeout(ANSWER).send().await;
        let response = response.map_err(|e| self.unreachable(&e))?;
        if response.status().as_u16() == 404 {
            return Err(said::no_such_bucket(&self.name));
        }
        Ok(())
    }

    /// Reads some bytes of an object, a megabyte at most.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn read(&self, key: &str, bytes: Range<u64>) -> Result<Vec<u8>, Error> {
        let action = GetObject::new(&self.bucket, Some(&self.keys), key);
        let range = format!("bytes={}-{}", bytes.start, bytes.end.saturating_sub(1));
        let request = self.request(Method::GET, action.sign(SIGNED));
        let said = self.ask(request.header(RANGE, range), ANSWER).await?;
        Ok(said.body)
    }

    /// Puts something small there.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn write(&self, key: &str, bytes: &'static [u8]) -> Result<(), Error> {
        let action = PutObject::new(&self.bucket, Some(&self.keys), key);
        let request = self.request(Method::PUT, action.sign(SIGNED)).body(bytes);
        self.ask(request, ANSWER).await.map(drop)
    }

    /// Deletes an object; one that is gone is as good.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let action = DeleteObject::new(&self.bucket, Some(&self.keys), key);
        let request = self.request(Method::DELETE, action.sign(SIGNED));
        let response = request.timeout(ANSWER).send().await;
        let response = response.map_err(|e| self.unreachable(&e))?;
        let said = self.said(response).await?;
        if said.is_success() || said.code().as_deref() == Some("NoSuchKey") {
            return Ok(());
        }
        Err(self.refusal(&said))
    }

    /// What is wrong when the storage does not hold what was sent.
    pub fn lies(&self, how: &str) -> Error {
        Error::Refused(format!(
            "{} does not hold what was sent: {how}. Nothing was removed here. Try again, or choose another storage.",
            self.name
        ))
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request; whatever is no success is an error.
    async fn ask(&self, request: RequestBuilder, within: Duration) -> Result<Said, Error> {
        let response = request.timeout(within).send().await;
        let response = response.map_err(|e| self.unreachable(&e))?;
        let said = self.said(response).await?;
        if said.is_success() {
            return Ok(said);
        }
        Err(self.refusal(&said))
    }

    async fn said(&self, mut response: Response) -> Result<Said, Error> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.nonsense());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Said::new(status.as_u16(), headers, body))
    }

    fn refusal(&self, said: &Said) -> Error {
        said.refusal(&self.name, self.clock.wall(self.clock.now()))
    }

    fn nonsense(&self) -> Error {
        Error::Refused(format!(
            "{} does not answer as S3 does. Check the storage's address.",
            self.name
        ))
    }

    fn stalled(&self) -> Error {
        Error::Lost(format!(
            "{} takes nothing any more; nothing went there for {} s.",
            self.name,
            self.stall.as_secs()
        ))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let why = if let Some(why) = tls::words_below(error) {
            format!("no secure connection ({why})")
        } else if error.is_timeout() {
            "it does not answer".to_owned()
        } else {
            let what = if error.is_connect() {
                "no connection"
            } else {
                "the connection broke"
            };
            format!("{what} ({})", crate::endpoint::cause(error))
        };
        Error::Lost(format!("{} cannot be reached: {why}.", self.name))
    }
}

/// The fingerprint that a whole has by those of its parts, where they are digests; none where they are not.
pub fn whole(etags: &[String]) -> Option<String> {
    let mut all = Md5::new();
    for etag in etags {
        let digits = etag.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        for pair in digits.chunks(2) {
            let text = std::str::from_utf8(pair).ok()?;
            all.update([u8::from_str_radix(text, 16).ok()?]);
        }
    }
    let digest: [u8; 16] = all.finalize().into();
    Some(format!("{}-{}", hex(&digest), etags.len()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A fingerprint without its quotes.
fn bare(etag: &str) -> String {
    let etag = etag.trim().replace("&quot;", "\"");
    etag.trim_start_matches("W/").trim_matches('"').to_owned()
}

/// A body whose bytes are counted as they are taken.
fn counted(bytes: Bytes, taken: Arc<AtomicU64>) -> Body {
    let chunks = stream::unfold((bytes, taken), |(mut rest, taken)| async move {
        if rest.is_empty() {
            return None;
        }
        let chunk = rest.split_to(rest.len().min(CHUNK));
        taken.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Some((Ok::<_, std::convert::Infallible>(chunk), (rest, taken)))
    });
    Body::wrap_stream(chunks)
}

/// What comes of a request, unless nothing moves for so long.
async fn while_it_moves<T>(
    taken: &AtomicU64,
    stall: Duration,
    request: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(request);
    let mut before = taken.load(Ordering::Relaxed);
    loop {
        tokio::select! {
            done = &mut request => return Some(done),
            () = tokio::time::sleep(stall) => {
                let now = taken.load(Ordering::Relaxed);
                if std::mem::replace(&mut before, now) == now {
                    return None;
                }
            }
        }
    }
}

/// Whether fingerprints are of what is encrypted with a key that is kept there.
fn is_sealed(headers: &HeaderMap) -> bool {
    let how = headers.get("x-amz-server-side-encryption");
    how.is_some_and(|how| how.as_bytes().starts_with(b"aws:kms"))
        || headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

/// The fingerprint that an answer gives.
fn etag(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?;
    Some(bare(etag)).filter(|etag| !etag.is_empty())
}

#[cfg(test)]
mod tests;
