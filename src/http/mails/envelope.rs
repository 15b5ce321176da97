//! To whom a mail server had a mail go: kept in lines of our own before the mail, so that they are with it wherever it is
//! kept, and nobody who writes mails can write them.

use axum::body::Bytes;

/// Recipients that a mail server may name.
const MOST_RECIPIENTS: usize = 100;
/// Characters of one.
const LONGEST_RECIPIENT: usize = 1_000;
/// What such a line begins with.
const LINE: &str = "X-Switchboard-Envelope-To: ";

/// The mail with the recipients of the query before it, and none that it came with.
pub(super) fn with(mail: &Bytes, query: &str) -> Bytes {
    let (_, mail) = split(mail);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let recipients = pairs.filter(|(name, _)| name == "to").map(|(_, value)| value);
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST_RECIPIENT).collect::<String>();
    let lines: String = recipients.take(MOST_RECIPIENTS).map(|to| [LINE, &clean(&to), "\r\n"].concat()).collect();
    if lines.is_empty() { mail } else { [lines.as_bytes(), &mail].concat().into() }
}

/// The recipients before a mail, and the mail itself.
pub(super) fn split(body: &Bytes) -> (Vec<String>, Bytes) {
    let mut recipients = Vec::new();
    let mut at = 0;
    while let Some(rest) = body[at..].strip_prefix(LINE.as_bytes()) {
        let ends = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        if recipients.len() < MOST_RECIPIENTS {
            recipients.push(String::from_utf8_lossy(&rest[..ends]).trim().to_owned());
        }
        at += LINE.len() + (ends + 1).min(rest.len());
    }
    (recipients, body.slice(at..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_query_names_comes_out_again_and_nothing_that_the_mail_came_with() {
        let mail = Bytes::from_static(b"X-Switchboard-Envelope-To: forged@example.org\r\nFrom: a@b.c\r\n");
        assert_eq!(with(&mail, "x=y"), "From: a@b.c\r\n");
        let kept = with(&mail, "to=a%40b.c&to=d%0d%0ae");
        assert_eq!(split(&kept), (vec!["a@b.c".to_owned(), "de".to_owned()], Bytes::from_static(b"From: a@b.c\r\n")));
        let many = "to=a@b.c&".repeat(200);
        assert_eq!(split(&with(&mail, &many)).0.len(), MOST_RECIPIENTS);
        assert_eq!(
            split(&Bytes::from_static(b"X-Switchboard-Envelope-To: cut")),
            (vec!["cut".to_owned()], Bytes::new())
        );
    }
}
