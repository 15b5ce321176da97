//! Mails of every kind, read.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn mail(lines: &[&str]) -> Mail {
    read(lines.join("\r\n").as_bytes()).unwrap()
}

fn names(mail: &Mail) -> Vec<&str> {
    mail.files.iter().map(|file| file.name.as_deref().unwrap_or("-")).collect()
}

#[test]
fn a_header_is_read_as_it_is_written() {
    let head = mail(&[
        "From: =?utf-8?Q?Ann_M=C3=BCller?= <ann@example.com>",
        "Sender: list@example.com",
        "To: \"Support, all of it\" <support@example.org>,",
        "\tteam: bo@example.org, (a comment) cy@example.org;, undisclosed",
        "CC: dee@example.org",
        "Reply-To: <answers@example.com>",
        "Subject: =?ISO-8859-1?B?R3L832U=?= =?utf-8?q?_und?=",
        "  mehr",
        "Date: Mon, 2 Mar 2026 13:00:00 +0100 (CET)",
        "Message-Id:  <one@example.com> ",
        "In-Reply-To: <two@example.org> (your mail)",
        "References: <three@example.org>",
        " <two@example.org>",
        "Delivered-To: a@example.org",
        "X-Original-To: b@example.org",
        "",
        "hello",
    ])
    .head;
    assert_eq!(head.from, ["ann@example.com", "list@example.com"]);
    assert_eq!(head.to, ["support@example.org", "bo@example.org", "cy@example.org"]);
    assert_eq!((head.cc, head.reply_to), (vec!["dee@example.org".to_owned()], vec!["answers@example.com".to_owned()]));
    assert_eq!(head.subject.unwrap(), "Gr\u{fc}\u{df}e und mehr");
    assert_eq!(head.date.unwrap().to_string(), "2026-03-02T12:00:00.000000Z");
    assert_eq!(head.message_id.unwrap(), "one@example.com");
    assert_eq!((head.answers, head.references.len()), (vec!["two@example.org".to_owned()], 2));
    assert_eq!(head.delivered_to, ["b@example.org", "a@example.org"]);
    assert!(!head.is_automatic);
}

#[test]
fn text_is_read_in_the_charset_that_it_says_or_that_it_must_be_in() {
    for (charset, bytes, wanted) in [
        ("utf-8", "Z\u{fc}rich \u{1f600}".as_bytes(), "Z\u{fc}rich \u{1f600}"),
        ("ISO-8859-1", b"Z\xfcrich", "Z\u{fc}rich"),
        ("\"windows-1251\"", b"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"),
        ("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
        ("iso-2022-jp", b"\x1b$B%O%m!<\x1b(B", "ハロー"),
        ("shift_jis", b"\x83n\x83\x8D\x81[", "ハロー"),
        ("gb18030", b"\xc4\xe3\xba\xc3", "你好"),
        ("big5", b"\xa7A\xa6n", "你好"),
        ("euc-kr", b"\xbe\xc8\xb3\xe7", "안녕"),
        ("windows-1255", b"\xf9\xec\xe5\xed", "שלום"),
        ("windows-1256", b"\xe3\xd1\xcd\xc8\xc7", "مرحبا"),
        ("iso-8859-7", b"\xc3\xe5\xe9\xdc", "Γειά"),
        ("utf-7", b"+ZYeB9A-", "文致"),
        ("us-ascii", b"caf\xe9", "caf\u{e9}"),
        ("no-such-charset", b"caf\xe9", "caf\u{e9}"),
        ("no-such-charset", "caf\u{e9}".as_bytes(), "caf\u{e9}"),
        ("utf-8", b"caf\xe9", "caf\u{fffd}"),
        ("utf-8", b"a\0b", "a\u{fffd}b"),
    ] {
        let head = format!("From: a@b.c\nContent-Type: text/plain; charset={charset}\n\n");
        let read = read(&[head.as_bytes(), bytes].concat()).unwrap();
        assert_eq!(read.body, wanted, "{charset}");
    }
}

#[test]
fn transfer_encodings_are_undone_also_where_they_are_broken() {
    for (encoding, text, wanted) in [
        ("base64", "aGVsbG8g\r\nd29ybGQ=\r\n", "hello world"),
        ("Base64", "aGVsbG8gd29ybGQ", "hello world"),
        ("base64", "aGVs!bG8g*d29ybGQ=", "hello world"),
        ("quoted-printable", "caf=C3=A9 =\r\nau lait=20", "caf\u{e9} au lait"),
        ("quoted-printable", "one = \t\r\ntwo", "one two"),
        ("quoted-printable", "100 = 50 =C3=A9=", "100 = 50 \u{e9}="),
        ("8bit", "caf\u{e9}", "caf\u{e9}"),
        ("x-unknown", "as it is", "as it is"),
    ] {
        let read = mail(&["From: a@b.c", &format!("Content-Transfer-Encoding: {encoding}"), "", text]);
        assert_eq!(read.body, wanted, "{encoding} {text}");
    }
}

const NESTED: &[&str] = &[
    "From: a@b.c",
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=\"outer\"",
    "",
    "This is for programs of before.",
    "--outer",
    "Content-Type: multipart/alternative; boundary=outer-inner",
    "",
    "--outer-inner",
    "",
    "as text",
    "--outer-inner",
    "Content-Type: multipart/related; boundary=rel; type=\"text/html\"",
    "",
    "--rel",
    "Content-Type: text/html; charset=utf-8",
    "",
    "<p>as <b>HTML</b> <img src=\"cid:pic@1\"></p>",
    "--rel",
    "Content-Type: image/png; name=\"pic.png\"",
    "Content-Transfer-Encoding: base64",
    "Content-ID: <pic@1>",
    "Content-Disposition: inline",
    "",
    "iVBORw0KGgo=",
    "--rel--",
    "--outer-inner--",
    "nobody reads this",
    "--outer  ",
    "Content-Type: text/plain; name*0*=utf-8''gr%C3%BC; name*1=ne.txt",
    "Content-Disposition: attachment",
    "",
    "in a file",
    "--outer",
    "Content-Type: message/rfc822",
    "",
    "From: inner@b.c",
    "Subject: before",
    "Content-Type: multipart/mixed; boundary=outer",
    "",
    "--not one of ours",
    "--outer",
    "Content-Type: text/plain",
    "",
    "a footer of a list",
    "--outer--",
    "nor this",
];

#[test]
fn parts_within_parts_are_one_body_and_files() {
    for end in ["\r\n", "\n"] {
        let read = read(NESTED.join(end).as_bytes()).unwrap();
        assert_eq!(read.body, "<p>as <b>HTML</b> <img src=\"cid:pic@1\"></p>\n<p>a footer of a list</p>");
        assert_eq!(names(&read), ["pic.png", "gr\u{fc}ne.txt", "before.eml"]);
        assert_eq!(
            (read.files[0].content_id.as_deref(), &read.files[0].bytes[..]),
            (Some("pic@1"), &b"\x89PNG\r\n\x1a\n"[..])
        );
        assert_eq!(read.files[1].bytes, b"in a file");
        assert_eq!(read.files[2].media_type, "message/rfc822");
        assert!(read.files[2].bytes.ends_with(b"--not one of ours"));
    }
}

#[test]
fn a_mail_that_is_cut_off_or_has_no_boundary_is_read_as_far_as_it_goes() {
    let whole = NESTED.join("\r\n");
    for at in whole.char_indices().map(|(at, _)| at).skip(10) {
        let read = read(&whole.as_bytes()[..at]);
        assert!(read.is_ok(), "{}", &whole[..at]);
    }
    let read = mail(&["From: a@b.c", "Content-Type: multipart/mixed; boundary=x", "", "no part at all"]);
    assert_eq!((read.body.as_str(), read.files.len()), ("no part at all", 0));
    let read = mail(&["From: a@b.c", "Content-Type: multipart/mixed", "", "no boundary"]);
    assert_eq!(read.body, "no boundary");
    let read = mail(&["From ann Mon Mar  2 12:00:00 2026", "From: a@b.c", "this is no field", "hello"]);
    assert_eq!((read.head.from.len(), read.body.as_str()), (1, "this is no field\nhello"));
    assert_eq!(mail(&["Subject: only this"]).head.subject.unwrap(), "only this");
}

#[test]
fn what_is_no_mail_is_none() {
    for raw in [
        &b""[..],
        b"\r\n\r\n",
        b"hello",
        b"{\"a\": 1}",
        b"\0\0\0\0",
        b" folded: from nothing\r\n",
        b"GET / HTTP/1.1\r\n",
    ] {
        let read = read(raw).map(|mail| mail.head.from);
        assert_eq!(read, Err(Unreadable::NoHeader), "{}", String::from_utf8_lossy(raw));
    }
}

#[test]
fn a_machine_or_a_list_is_known_by_its_header() {
    let is_automatic = |line: &str| mail(&["From: a@b.c", line, "", "x"]).head.is_automatic;
    for line in [
        "Auto-Submitted: auto-replied",
        "auto-submitted: auto-generated; owner-email=\"a@b.c\"",
        "Precedence: bulk",
        "Precedence: LIST",
        "Precedence: junk (spam)",
        "List-Id: <news.example.com>",
        "Return-Path: <>",
        "Return-Path: < >",
        "Sender: MAILER-DAEMON@example.com",
        "Sender: postmaster@example.com",
    ] {
        assert!(is_automatic(line), "{line}");
    }
    for line in
        ["Auto-Submitted: no", "Auto-Submitted: No (really)", "Precedence: first-class", "Return-Path: <a@b.c>", "X: y"]
    {
        assert!(!is_automatic(line), "{line}");
    }
    assert!(mail(&["From: MAILER-DAEMON", "", "x"]).head.is_automatic);
    assert!(!mail(&["From: postmasters@b.c", "", "x"]).head.is_automatic);
}

#[test]
fn what_a_mail_server_reports_is_found() {
    let read = mail(&[
        "From: MAILER-DAEMON@mx.example",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "",
        "--b",
        "",
        "I am sorry.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example",
        "",
        "Original-Recipient: rfc822;bo@example.com",
        "Final-Recipient: rfc822; bob@elsewhere.example",
        "Action: failed",
        "Status: 5.1.1 (nobody)",
        "Diagnostic-Code: smtp; 550 5.1.1 <bo@example.com>:",
        "    nobody here",
        "",
        "Final-Recipient: rfc822; cy@example.com",
        "Action: delayed",
        "Status: 4.4.1",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        "Message-ID: <e-1-0@messages.example.com>",
        "X-Switchboard-Proof: tok-en_1",
        "--b--",
    ]);
    let report = read.report.unwrap();
    assert_eq!(report.message_id.as_deref(), Some("e-1-0@messages.example.com"));
    assert_eq!(report.proof.as_deref(), Some("tok-en_1"));
    let shown: Vec<_> = report
        .deliveries
        .iter()
        .map(|one| (one.recipient.as_deref().unwrap(), one.action, one.status.as_str(), one.reason.as_deref()))
        .collect();
    let wanted = [
        ("bo@example.com", DeliveryAction::Failed, "5.1.1", Some("550 5.1.1 <bo@example.com>: nobody here")),
        ("cy@example.com", DeliveryAction::Delayed, "4.4.1", None),
    ];
    assert_eq!(shown, wanted);
    assert!(read.head.is_automatic);
    assert_eq!((read.body.as_str(), read.files.len()), ("I am sorry.", 2));
}

#[test]
fn depth_and_number_of_parts_have_an_end() {
    let deep = |depth: usize| {
        let begin = |n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
        format!("From: a@b.c\n{}\n\nx", (0..depth).map(begin).collect::<Vec<_>>().concat())
    };
    assert!(read(deep(part::MOST_DEPTH).as_bytes()).is_ok());
    assert_eq!(read(deep(part::MOST_DEPTH + 1).as_bytes()).unwrap_err(), Unreadable::TooDeep);
    assert_eq!(read(deep(100_000).as_bytes()).unwrap_err(), Unreadable::TooDeep);
    let wide = |parts: usize| format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(parts));
    assert!(read(wide(part::MOST_PARTS - 1).as_bytes()).is_ok());
    assert_eq!(read(wide(part::MOST_PARTS).as_bytes()).unwrap_err(), Unreadable::TooManyParts);
    let mails = "Content-Type: message/rfc822\n\n".repeat(100_000);
    assert_eq!(read(mails.as_bytes()).unwrap().files.len(), 1);
}

#[test]
fn a_mail_made_to_cost_much_costs_little() {
    let begun = Instant::now();
    let million = |text: &str| text.repeat(2_000_000 / text.len());
    let dashes = format!("Content-Type: multipart/mixed; boundary=\"{}\"\n\n{}", "-".repeat(199), million("-"));
    let lines = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", million("--\n"));
    let missing = million("--b\nContent-Type: multipart/mixed; boundary=c\n\n");
    for raw in [
        million("X: y\n"),
        million("To: a@b.c\n"),
        format!("To: {}", million("a@b.c,")),
        format!("To: {}", million("((((")),
        format!("To: {}", million("\"<\\(")),
        format!("Subject: {}", million("=?utf-8?q?")),
        format!("Subject: {}", million("=?utf-8?b?aGk=?= ")),
        format!("Subject: {}", million(" =?aa?q?x")),
        format!("To: {}", million(" =?aa?q?x")),
        format!("References: {}", million("<a@b>")),
        format!("References: {}", million("<")),
        format!("Content-Type: a/b{}", million("; x*1=y")),
        format!("Content-Type: a/b{}", million(";x=y")),
        format!("Content-Type: multipart/mixed; boundary=b\n\n{missing}"),
        format!("From: a@b.c\nContent-Transfer-Encoding: quoted-printable\n\n{}", million("=")),
        dashes,
        lines,
    ] {
        let one = Instant::now();
        let _ = read(raw.as_bytes());
        assert!(one.elapsed() < Duration::from_secs(10), "{:?}: {}", one.elapsed(), &raw[..60]);
    }
    let one = Instant::now();
    let _ = read_addresses(&million(" =?aa?q?x"));
    assert!(one.elapsed() < Duration::from_secs(10), "{:?}", one.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

#[test]
fn no_address_is_cut_into_another_one() {
    let many = "someone@example.com,".repeat(10_000);
    let read = read_addresses(&many);
    assert!(read.len() > 900 && read.iter().all(|address| address == "someone@example.com"), "{:?}", read.last());
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&raw);
        let _ = read(&[b"From: a@b.c\r\n", raw.as_slice()].concat());
        let _ = read_head(&raw);
        let _ = read_addresses(&String::from_utf8_lossy(&raw));
    }

    #[test]
    fn no_mail_of_any_pieces_breaks_the_reader(pieces in proptest::collection::vec(piece(), 0..40)) {
        let raw = pieces.concat();
        let _ = read(&raw);
        let _ = read_head(&raw);
    }
}

/// A piece as mails have it, or nearly.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"From: ",
        b"To: ",
        b"Subject: ",
        b"Date: ",
        b"Content-Type: ",
        b"Content-Disposition: ",
        b"References: ",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"--b",
        b"--b--",
        b"multipart/mixed; boundary=b",
        b"multipart/alternative; boundary=\"b\"",
        b"message/rfc822",
        b"text/html; charset=",
        b"utf-7",
        b"iso-2022-jp",
        b"=?utf-8?q?",
        b"=?x?b?",
        b"?=",
        b"=",
        b"=C3",
        b"<a@b>",
        b"<",
        b">",
        b"(",
        b")",
        b"\"",
        b"\\",
        b";",
        b"filename*0*=utf-8''%",
        b"filename*1=",
        b" ",
        b"\t",
        b",",
        b":",
        b"\0",
        b"\xff",
        b"a@b.c",
        b"31 Feb 99999 99:99 +9999",
        b"multipart/report; report-type=delivery-status; boundary=b",
        b"message/delivery-status",
        b"Action: failed\nStatus: 5\nFinal-Recipient: rfc822;a@b.c\n",
    ];
    prop_oneof![
        8 => proptest::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ]
}
