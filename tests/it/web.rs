//! The embedded web app: what is served where, in which form, and for how long browsers keep it.

use axum::body::Body;
use axum::http::Request;

use crate::harness::{Answer, Setup, TestApp};

const PAGE: &[u8] = b"<!doctype html><title>Switchboard</title>";
const SCRIPT: &[u8] = b"export const inbox = 'as it was written';";

/// What the address bar of a browser asks for.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

fn setup(setup: Setup) -> Setup {
    let web: Vec<(&'static str, &'static [u8])> = vec![
        ("index.html", PAGE),
        ("assets/inbox-B0rk3d1a.js", SCRIPT),
        ("assets/inbox-B0rk3d1a.js.br", b"as brotli"),
        ("assets/inbox-B0rk3d1a.js.gz", b"as gzip"),
        ("emoji/data.json", b"[]"),
    ];
    Setup { web, ..setup }
}

async fn start() -> TestApp {
    setup(Setup::default()).start().await
}

fn is_page(answer: &Answer) -> bool {
    answer.status == 200 && answer.bytes == PAGE && answer.header("content-type") == "text/html; charset=utf-8"
}

#[tokio::test]
async fn a_browser_gets_the_page_wherever_the_app_has_one() {
    let app = start().await;
    for path in
        ["/", "/send", "/inbox", "/inbox/12?filter=mine", "/people", "/admin/dead-letters", "/sign-in", "/phones"]
    {
        let answer = app.get_with(path, &[BROWSER]).await;
        assert!(is_page(&answer), "{path}: {} {}", answer.status, answer.text());
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
    }
    let head = Request::head("/inbox").header(BROWSER.0, BROWSER.1).body(Body::empty()).unwrap();
    let head = app.raw(head).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
}

#[tokio::test]
async fn the_page_is_nothing_that_the_api_says_and_no_file_that_is_gone() {
    let app = start().await;
    for path in [
        "/api",
        "/api/nothing",
        "/api/live/nothing",
        "/api-docs/nothing.js",
        "/assets/inbox-0ld.js",
        "/assets/",
        "/inbox/../../etc/passwd",
        "/inbox/%2e%2e/%2e%2e/Cargo.toml",
        "/..%2f..%2fCargo.toml",
        "/..%5cCargo.toml",
    ] {
        let answer = app.get_with(path, &[BROWSER]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert_ne!(answer.bytes, PAGE, "{path}");
    }
    for path in ["/inbox", "/nothing", "/assets/../index.html", "//index.html"] {
        for accepted in ["application/json", "*/*", "text/html;q=0", ""] {
            let answer = app.get_with(path, &[("accept", accepted)]).await;
            assert_eq!(
                (answer.status.as_u16(), answer["code"].as_str()),
                (404, Some("not_found")),
                "{path} {accepted}"
            );
        }
    }
    assert_eq!(app.get_with("/messages", &[BROWSER]).await.text(), "[]");
    assert_eq!(app.get_with("/send-message", &[BROWSER]).await.status, 405);
    let posted = app.post_with("/inbox", &[BROWSER], "{}").await;
    assert_eq!((posted.status.as_u16(), posted["code"].as_str()), (404, Some("not_found")));
}

#[tokio::test]
async fn a_hashed_file_is_kept_for_a_year_and_no_other() {
    let app = start().await;
    let script = app.get("/assets/inbox-B0rk3d1a.js").await;
    assert_eq!((script.status.as_u16(), &script.bytes[..]), (200, SCRIPT));
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let data = app.get("/emoji/data.json").await;
    assert_eq!((data.header("cache-control"), data.header("content-type")), ("no-cache", "application/json"));
    assert!(!data.header("etag").is_empty());
}

#[tokio::test]
async fn each_form_of_a_file_has_a_tag_of_its_own_and_a_client_that_has_it_gets_no_other() {
    let app = start().await;
    let path = "/assets/inbox-B0rk3d1a.js";
    let mut tags = Vec::new();
    for (accepted, encoding, body) in
        [("gzip, br", "br", &b"as brotli"[..]), ("gzip", "gzip", b"as gzip"), ("identity", "", SCRIPT)]
    {
        let answer = app.get_with(path, &[("accept-encoding", accepted)]).await;
        assert_eq!((answer.header("content-encoding"), &answer.bytes[..]), (encoding, body));
        assert_eq!(answer.header("vary"), "accept-encoding");
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = app.get_with(path, &[("accept-encoding", accepted), ("if-none-match", &known)]).await;
            assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0), "{known}");
            for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(again.header(name), answer.header(name), "{name}");
            }
        }
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3);
    let other = app.get_with(path, &[("accept-encoding", "br"), ("if-none-match", "\"other\"")]).await;
    assert_eq!((other.status.as_u16(), &other.bytes[..]), (200, &b"as brotli"[..]));
}

#[tokio::test]
async fn the_page_runs_no_script_but_its_own() {
    let app = start().await;
    let page = app.get_with("/inbox", &[BROWSER]).await;
    let policy = page.header("content-security-policy");
    for wanted in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|part| part == wanted), "{wanted} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(app.get("/api-docs/").await.header("content-security-policy").contains("style-src 'self' 'unsafe-inline'"));
}

#[tokio::test]
async fn in_serve_the_app_is_there_for_everybody_and_its_files_cost_nothing() {
    let app = setup(Setup::serve()).with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "2").start().await;
    for _ in 0..5 {
        assert_eq!(app.get("/assets/inbox-B0rk3d1a.js").await.status, 200);
    }
    assert!(is_page(&app.get_with("/inbox", &[BROWSER]).await));
    assert!(is_page(&app.get_with("/", &[BROWSER]).await));
    assert_eq!(app.get_with("/inbox", &[BROWSER]).await.status, 429);
}

#[tokio::test]
async fn a_server_built_without_the_app_says_how_to_build_it() {
    let app = TestApp::start().await;
    let page = app.get_with("/", &[BROWSER]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("npm --prefix web run build"), "{}", page.text());
    let missing = app.get_with("/inbox", &[BROWSER]).await;
    assert_eq!((missing.status.as_u16(), missing["code"].as_str()), (404, Some("not_found")));
}
