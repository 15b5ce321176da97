//! The web app, embedded: its files as they were built, and its page for every address that it makes itself.
//!
//! A file is found by its exact name among those that were embedded; nothing is read from a disk.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::{Error, State};

/// The page that makes all the others.
const INDEX: &str = "index.html";
/// Files whose names hold their hash.
const HASHED: &str = "assets/";
/// What only the API, or a file of the app, answers.
const NO_PAGES: [&str; 3] = ["api", "api-docs", "assets"];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; font-src 'self'; frame-src 'self' blob:; media-src 'self' blob:; manifest-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// The files of the web app. There are none in a server that was built without it.
#[derive(Debug, Default)]
pub struct WebApp {
    files: BTreeMap<String, File>,
}

/// One file, in the forms it was built in.
#[derive(Debug)]
struct File {
    kind: &'static str,
    is_hashed: bool,
    plain: Form,
    brotli: Option<Form>,
    gzip: Option<Form>,
}

/// The bytes of a file in one encoding, and their name.
#[derive(Debug, Clone)]
struct Form {
    bytes: Bytes,
    etag: HeaderValue,
}

/// Marks an answer as a file of the web app, for the metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct IsWeb;

impl WebApp {
    /// What was built before the server was.
    pub fn embedded() -> Self {
        let read = |name: &str| {
            let data = Dist::get(name)?.data;
            Some(match data {
                std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                std::borrow::Cow::Owned(bytes) => bytes.into(),
            })
        };
        Self::of(&Dist::iter().filter_map(|name| Some((name.to_string(), read(&name)?))).collect())
    }

    /// Those files, each with its `.br` and `.gz` beside it where they are.
    pub fn of(files: &BTreeMap<String, Bytes>) -> Self {
        let form = |name: &str| files.get(name).cloned().map(Form::of);
        let is_form = |name: &str| {
            let plain = name.strip_suffix(".br").or_else(|| name.strip_suffix(".gz"));
            plain.is_some_and(|plain| files.contains_key(plain))
        };
        let file = |name: &String| {
            let plain = form(name)?;
            let (brotli, gzip) = (form(&format!("{name}.br")), form(&format!("{name}.gz")));
            let file = File { kind: kind_of(name), is_hashed: name.starts_with(HASHED), plain, brotli, gzip };
            Some((name.clone(), file))
        };
        Self { files: files.keys().filter(|name| !is_form(name)).filter_map(file).collect() }
    }

    /// Whether that path is one of its files.
    pub(super) fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// Its page; nothing in a server that was built without it.
    pub(super) fn page(&self, headers: &HeaderMap) -> Option<Response> {
        self.files.get(INDEX).map(|page| page.answer(headers))
    }

    fn find(&self, path: &str) -> Option<&File> {
        self.files.get(path.strip_prefix('/')?)
    }
}

/// What no route answers: a file of the app, or its page where a browser asks for one.
pub(super) async fn serve(state: State, request: Request) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let found = match state.web.find(path) {
        Some(file) if is_read => Some(file.answer(headers)),
        // HTML is asked for by name only from the address bar and by links.
        None if is_read && is_page(path) && accepts(headers, &ACCEPT, "text/html") => state.web.page(headers),
        Some(_) | None => None,
    };
    found.unwrap_or_else(|| Error::not_found("not_found", "there is nothing here").into_response())
}

/// Whether the app may have a page there: not where the API and files are, nor where a path tries to climb.
fn is_page(path: &str) -> bool {
    let mut parts = path.split('/').skip(1).peekable();
    let is_taken = parts.peek().is_some_and(|first| NO_PAGES.contains(first));
    let is_plain = |part: &str| {
        let part = part.to_ascii_lowercase().replace("%2e", ".");
        !matches!(part.as_str(), "." | "..") && !["%2f", "%5c", "%00", "\\"].iter().any(|odd| part.contains(odd))
    };
    !is_taken && parts.all(is_plain)
}

/// Whether a list header names something, and does not weigh it as nothing.
pub(super) fn accepts(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    listed(headers, name).any(|(member, weight)| weight > 0.0 && member.eq_ignore_ascii_case(wanted))
}

impl Form {
    fn of(bytes: Bytes) -> Self {
        let hash = hex::encode(&Sha256::digest(&bytes)[..16]);
        let etag = HeaderValue::from_str(&format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { bytes, etag }
    }
}

impl File {
    /// The form that the client likes best, or word that it has it.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let (encoding, form) = self.form_for(headers);
        let has_it = headers.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags, &form.etag));
        let mut response = Response::new(if has_it { Body::empty() } else { Body::from(form.bytes.clone()) });
        if has_it {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let caching = if self.is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let mut fixed = vec![
            (CACHE_CONTROL, caching),
            (CONTENT_SECURITY_POLICY, POLICY),
            (CONTENT_TYPE, self.kind),
            (REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (VARY, if self.kind == HTML { "accept, accept-encoding" } else { "accept-encoding" }),
        ];
        fixed.extend(encoding.map(|encoding| (CONTENT_ENCODING, encoding)));
        let fixed = fixed.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
        response.headers_mut().extend(fixed.chain([(ETAG, form.etag.clone())]));
        response.extensions_mut().insert(IsWeb);
        response
    }

    /// Brotli before gzip before neither, where the client weighs them the same.
    fn form_for(&self, headers: &HeaderMap) -> (Option<&'static str>, &Form) {
        let weight = |encoding: &str| {
            let weight_of = |wanted: &str| {
                let mut found = listed(headers, &ACCEPT_ENCODING);
                found.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, weight)| weight)
            };
            weight_of(encoding).or_else(|| weight_of("*")).unwrap_or(0.0)
        };
        let forms = [(Some("br"), self.brotli.as_ref()), (Some("gzip"), self.gzip.as_ref())];
        let mut best = (None, &self.plain, 0.0);
        for (encoding, form) in forms {
            let weight = weight(encoding.unwrap_or_default());
            if let Some(form) = form.filter(|_| weight > best.2) {
                best = (encoding, form, weight);
            }
        }
        (best.0, best.1)
    }
}

/// Whether a list of entity tags names that one, or everything (RFC 9110, section 13.1.2).
pub(super) fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}

/// The members of a list header, each with its weight.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = (&'a str, f32)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
    })
}

const HTML: &str = "text/html; charset=utf-8";

/// The media type by a name's ending.
fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => HTML,
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_nowhere_that_a_path_climbs_to() {
        for path in ["/", "/inbox", "/inbox/12", "/people/bob.smith", "/admin/dead-letters", "/a%20b"] {
            assert!(is_page(path), "{path}");
        }
        for path in [
            "/api",
            "/api/nothing",
            "/api-docs/x",
            "/assets/gone.js",
            "/../x",
            "/inbox/..",
            "/inbox/%2e%2E/x",
            "/inbox/.%2e/x",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
        ] {
            assert!(!is_page(path), "{path}");
        }
    }

    #[test]
    fn weights_decide_which_form_is_given() {
        let file = |name: &str| (name.to_owned(), Bytes::from(name.to_owned()));
        let app = WebApp::of(&["a.js", "a.js.br", "a.js.gz", "b.txt.gz"].map(file).into());
        let given = |accepted: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(accepted).unwrap())]);
            app.find("/a.js").unwrap().form_for(&headers).0
        };
        for (accepted, wanted) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip", Some("gzip")),
            ("GZIP;q=0.5, br;q=0.4", Some("gzip")),
            ("br;q=0, gzip;q=0", None),
            ("*", Some("br")),
            ("*;q=0.1, br;q=0", Some("gzip")),
            ("identity", None),
            ("", None),
            ("br;q=x", None),
        ] {
            assert_eq!(given(accepted), wanted, "{accepted}");
        }
        assert!(app.has("/b.txt.gz") && !app.has("/a.js.br"), "what is no form of another file is one itself");
    }
}
