//! Mails made to do harm are kept or refused, in bounded time, and never break the server.

use std::time::{Duration, Instant};

use axum::http::Request;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::sendgrid::{PATH, with_sendgrid};
use super::{from_ann, post_raw, raw};
use crate::harness::{Setup, TestApp, text};

fn hostile() -> Vec<(&'static str, Vec<u8>, u16)> {
    let nested = |depth: usize| {
        let begin = |n: usize| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
        format!("From: a@b.c\r\nTo: d@e.f\r\n{}\r\nx", (0..depth).map(begin).collect::<Vec<_>>().concat()).into_bytes()
    };
    let headers = format!("From: a@b.c\r\n{}To: d@e.f\r\n\r\nx", "X-Odd: odd\r\n".repeat(10_000)).into_bytes();
    let many: Vec<String> = (0..20_000).map(|at| format!("x{at}@y.z,\r\n ")).collect();
    let many = many.concat();
    let recipients = |body: &str| format!("From: a@b.c\r\nTo: {many}d@e.f\r\n\r\n{body}").into_bytes();
    let parts = format!(
        "From: a@b.c\r\nTo: d@e.f\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\n\r\n".repeat(5_000)
    );
    let files = format!(
        "From: a@b.c\r\nTo: d@e.f\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\nContent-Type: text/csv; name=a\r\n\r\nx\r\n".repeat(300)
    );
    let inner = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    vec![
        ("10,000 header fields", headers, 200),
        ("20,000 recipients", recipients("x"), 200),
        ("the same once more", recipients("y"), 200),
        ("nested as deep as may be", nested(30), 200),
        ("nested too deep", nested(31), 202),
        ("nested absurdly", nested(20_000), 202),
        ("too many parts", parts.into_bytes(), 202),
        ("too many files", files.into_bytes(), 200),
        ("mails in mails", format!("From: a@b.c\r\nTo: d@e.f\r\n{inner}").into_bytes(), 200),
        (
            "NUL everywhere",
            b"From: a@b.c\r\nTo: d@e.f\r\nSubject: a\0b\r\nMessage-ID: <a\0b@c>\r\n\r\nx\0y".to_vec(),
            200,
        ),
        (
            "a long subject",
            format!("From: a@b.c\r\nTo: d@e.f\r\nSubject: {}\r\n\r\nx", "y".repeat(500_000)).into_bytes(),
            200,
        ),
        (
            "a long name",
            format!("From: a@b.c\r\nTo: d@e.f\r\nMessage-ID: <{}@x>\r\n\r\nx", "y".repeat(5_000)).into_bytes(),
            200,
        ),
        (
            "a date of no calendar",
            b"From: a@b.c\r\nTo: d@e.f\r\nDate: 99 Foo 999999 99:99:99 +9999\r\n\r\nx".to_vec(),
            200,
        ),
        ("no body", b"From: a@b.c\r\nTo: d@e.f\r\n".to_vec(), 200),
        ("no sender", b"To: d@e.f\r\n\r\nx".to_vec(), 202),
        ("an odd sender", b"From: nobody in particular\r\nTo: d@e.f\r\n\r\nx".to_vec(), 202),
    ]
}

#[tokio::test]
async fn a_mail_made_to_do_harm_is_taken_or_kept_in_little_time() {
    let app = TestApp::start().await;
    for (name, mail, status) in hostile() {
        let begun = Instant::now();
        let answer = post_raw(&app, "", mail).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {:.300?}", answer.body);
        assert!(begun.elapsed() < Duration::from_secs(15), "{name}: {:?}", begun.elapsed());
    }
    let listed = app.list("/api/conversations?limit=200").await;
    let sizes: Vec<usize> = listed.iter().map(|one| one["participants"].as_array().unwrap().len()).collect();
    assert_eq!(sizes.iter().filter(|size| **size == 1_001).count(), 1, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 1_001), "{sizes:?}");
}

#[tokio::test]
async fn a_mail_over_the_limit_is_refused_and_one_of_its_size_is_kept_whole() {
    let app = Setup::default().with("SWITCHBOARD_LARGE_BODY_LIMIT_BYTES", "2000000").start().await;
    let answer = post_raw(&app, "", from_ann("large", &[], &"x".repeat(1_900_000))).await;
    assert_eq!((answer.status.as_u16(), text(&answer["body"]).len()), (200, 1_900_000));
    assert_eq!(post_raw(&app, "", from_ann("larger", &[], &"x".repeat(2_000_000))).await.status, 413);
}

#[tokio::test]
async fn no_bytes_break_either_door() {
    let app = with_sendgrid(Setup::default()).start().await;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let whole = super::with_files();
    for at in 0..300 {
        let mut mail = if at % 3 == 0 { raw(&["From: a@b.c", "To: d@e.f", ""]) } else { whole.clone() };
        for _ in 0..random.random_range(1..40) {
            let place = random.random_range(0..mail.len());
            match random.random_range(0..4) {
                0 => mail[place] = random.random(),
                1 => mail.truncate(place.max(1)),
                2 => mail.insert(place, b'\n'),
                _ => {
                    let piece = mail[place..(place + 30).min(mail.len())].to_vec();
                    mail.splice(place..place, piece);
                }
            }
        }
        let (path, media) = if at % 2 == 0 {
            ("/api/webhooks/email/raw", "text/plain")
        } else {
            mail.splice(0..0, b"--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n".iter().copied());
            mail.extend_from_slice(b"\r\n--b--\r\n");
            (PATH, "multipart/form-data; boundary=b")
        };
        let request = Request::post(path).header("content-type", media).body(mail.into()).unwrap();
        let status = app.raw(request).await.status.as_u16();
        assert!([200, 202].contains(&status), "{at}: {status}");
    }
}
