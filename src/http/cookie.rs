//! The session's cookie: out of reach of scripts and of other sites, and over TLS only in `serve`.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use super::Mode;

/// The cookie's name. `__Host-` binds it to this host, this path and TLS (RFC 6265bis, section 4.1.3.2).
pub fn session_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Dev { .. } => "sb_session",
        Mode::Serve => "__Host-sb_session",
    }
}

/// The name of the cookie of a recovery, which must not take the place of a session's.
pub fn recovery_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Dev { .. } => "sb_recovery",
        Mode::Serve => "__Host-sb_recovery",
    }
}

/// A cookie that a request brought.
pub fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

/// The `Set-Cookie` that gives a session's token to a browser.
pub fn given(mode: Mode, token: &str, life: Duration) -> String {
    given_as(session_name(mode), mode, token, life)
}

/// The same, under another name.
pub fn given_as(name: &str, mode: Mode, token: &str, life: Duration) -> String {
    format!("{name}={token}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", life.as_secs(), secure(mode))
}

/// The `Set-Cookie` that takes it away again.
pub fn removed(mode: Mode) -> String {
    removed_as(session_name(mode), mode)
}

/// The same, under another name.
pub fn removed_as(name: &str, mode: Mode) -> String {
    given_as(name, mode, "", Duration::ZERO)
}

fn secure(mode: Mode) -> &'static str {
    match mode {
        Mode::Dev { .. } => "",
        Mode::Serve => "; Secure",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=1; sb_session2=x; sb_session=y; b=2"));
        assert_eq!(find(&headers, "sb_session").as_deref(), Some("y"));
        assert_eq!(find(&headers, "session"), None);
    }

    #[test]
    fn in_serve_it_is_bound_to_the_host_and_to_tls() {
        let cookie = given(Mode::Serve, "t", Duration::from_mins(1));
        assert_eq!(cookie, "__Host-sb_session=t; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
        assert!(!removed(Mode::Dev { published_on_loopback: false }).contains("Secure"));
    }
}
