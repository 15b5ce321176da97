//! Uploads as a burden: parts of files, quotas, and places that are held while bytes come.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use switchboard::domain::{Role, WorkspaceId};
use switchboard::messaging::sweep_files;

use crate::attachments::{form, kept_files, post, read, upload};
use crate::harness::{Person, Setup, TestApp, hours, text};

#[tokio::test]
async fn a_part_of_a_file_is_read_alone() {
    let app = TestApp::start().await;
    let person = app.person("uploader", Role::Member).await;
    let file = upload(&app, &person, "a.txt", b"0123456789").await;
    let tag = read(&app, &person, &file).await.header("etag").to_owned();
    let part = async |range: &str, more: &[(&str, &str)]| {
        let mut headers = vec![("authorization", person.authorization.as_str()), ("range", range)];
        headers.extend(more);
        app.get_with(text(&file["url"]), &headers).await
    };
    for (range, content, wanted) in
        [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=8-99", "89", "bytes 8-9/10"), ("bytes=-1", "9", "bytes 9-9/10")]
    {
        let answer = part(range, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (206, content), "{range}");
        assert_eq!(
            (answer.header("content-range"), answer.header("content-length")),
            (wanted, &*content.len().to_string())
        );
        for (name, value) in [
            ("content-type", "text/plain; charset=utf-8"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
            ("accept-ranges", "bytes"),
            ("etag", tag.as_str()),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
    }
    let beyond = part("bytes=10-", &[]).await;
    assert_eq!((beyond.status.as_u16(), text(&beyond["code"])), (416, "range_not_satisfiable"));
    assert_eq!(beyond.header("content-range"), "bytes */10");
    for range in ["bytes=0-1,3-4", "lines=1-2", "bytes=4-2"] {
        let whole = part(range, &[]).await;
        assert_eq!((whole.status.as_u16(), whole.text()), (200, "0123456789"), "{range}");
    }
    assert_eq!(part("bytes=0-0", &[("if-range", &tag)]).await.status, 206);
    assert_eq!(part("bytes=0-0", &[("if-range", "\"another\"")]).await.status, 200);
    std::fs::remove_dir_all(app.folder.path().join("attachments")).unwrap();
    let known = part("bytes=0-0", &[("if-none-match", &tag)]).await;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0), "nothing is read for whoever has it");
}

#[tokio::test]
async fn a_person_uploads_so_much_a_day_and_a_workspace_stores_so_much() {
    let setup = Setup::default().with("SWITCHBOARD_UPLOAD_LIMIT_BYTES_A_DAY", "10");
    let app = setup.with("SWITCHBOARD_STORAGE_LIMIT_BYTES", "25").start().await;
    let [one, other] = [app.person("uploader", Role::Member).await, app.person("another", Role::Member).await];
    let send =
        async |person: &Person, content: &[u8]| post(&app, Some(&person.authorization), form("a.txt", content)).await;
    assert_eq!(send(&one, b"123456").await.status, 201);
    let limited = send(&one, b"12345").await;
    assert_eq!((limited.status.as_u16(), text(&limited["code"])), (429, "rate_limited"));
    assert_eq!(limited.header("retry-after"), "86400");
    assert_eq!(send(&one, b"1234").await.status, 201, "what is refused costs nothing");
    assert_eq!(send(&other, b"1234567890").await.status, 201, "everybody has a day of their own");
    app.advance(hours(24));
    let full = send(&one, b"123456").await;
    assert_eq!((full.status.as_u16(), text(&full["code"])), (403, "storage_full"));
    assert_eq!(send(&one, b"12345").await.status, 201);
    let stored = "select stored_bytes from workspaces where id = 1";
    assert_eq!((app.database().number(stored).await, kept_files(&app)), (25, 4));
    app.advance(hours(2));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 3);
    assert_eq!(app.database().number(stored).await, 5, "what is gone has given its room back");
    let foreign = app.workspace("shop").await;
    let theirs = app.person_of(foreign, "elsewhere", Role::Member).await;
    assert_eq!(send(&theirs, b"1234567890").await.status, 201);
}

#[tokio::test]
async fn an_upload_has_its_place_until_it_is_kept_and_nobody_waits_for_one_without_end() {
    let app = Arc::new(TestApp::start().await);
    let person = app.person("uploader", Role::Member).await;
    let send = |body: Body| {
        let (app, authorization) = (Arc::clone(&app), person.authorization.clone());
        tokio::spawn(async move { post(&app, Some(&authorization), body).await })
    };
    let whole = || Body::from(form("a.txt", b"text"));
    let without_end = || Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
    let mut tx = app.store().begin().await.unwrap();
    tx.lock_workspace(WorkspaceId(1)).await.unwrap();
    let kept = send(whole());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let coming: Vec<_> = (0..15).map(|_| send(without_end())).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refused = tokio::time::timeout(Duration::from_secs(8), send(whole())).await.unwrap().unwrap();
    assert_eq!((refused.status.as_u16(), text(&refused["code"]), refused.header("retry-after")), (503, "busy", "5"));
    drop(tx);
    assert_eq!(kept.await.unwrap().status, 201);
    for upload in coming {
        upload.abort();
    }
    assert_eq!(send(whole()).await.unwrap().status, 201);
}
