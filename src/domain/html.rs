//! The HTML of a mail: told apart from text, made harmless, and read as text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::nesting::is_deeper_than;

const TAGS: &[&str] = &[
    "a",
    "abbr",
    "article",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "center",
    "code",
    "div",
    "em",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "object",
    "ol",
    "p",
    "pre",
    "script",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "title",
    "tr",
    "u",
    "ul",
];

/// Whether a mail's body is HTML: it holds a tag of that language, or its document type.
pub fn is_html(body: &str) -> bool {
    body.split('<').skip(1).any(|rest| {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let name_ends = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_ends);
        let closes = after.starts_with(['>', '/', ' ', '\t', '\r', '\n']) && after.contains('>');
        let is_tag = closes && TAGS.binary_search(&name.to_ascii_lowercase().as_str()).is_ok();
        is_tag || rest.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("!doctype"))
    })
}

/// Bytes of HTML that are parsed, and open elements within each other: what is more costs a parser more than a mail is
/// worth, and is shown as its bare text.
const MOST_PARSED: usize = 256 * 1024;
const DEEPEST: usize = 200;
/// Columns after which a line of text is broken.
const WIDTH: usize = 500;

/// The two forms in which the HTML of a mail is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What cannot run: no script, style, form, frame or handler; links open without a referrer, and no picture is
    /// loaded from elsewhere, which would tell its sender who reads when and where.
    pub html: String,
    /// As text.
    pub text: String,
}

/// Makes HTML harmless and reads it as text, in bounded time and memory.
///
/// HTML that is too large or too deep to be parsed comes back as its bare text, preformatted.
pub fn render(html: &str) -> Rendered {
    render_with(html, BTreeMap::new())
}

/// The same for HTML that shows pictures of its own: `pictures` says by the name that stands behind `cid:` where each
/// is (RFC 2392).
pub fn render_with(html: &str, pictures: BTreeMap<String, String>) -> Rendered {
    if is_unbearable(html) {
        let text = bare_text(html);
        return Rendered { html: format!("<pre>{}</pre>", ammonia::clean_text(&text)), text };
    }
    let harmless = ammonia::Builder::default()
        .link_rel(Some("noopener noreferrer nofollow"))
        .add_url_schemes(["cid"])
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") => picture(value, &pictures),
            (_, "href" | "cite") if !is_absolute(value) => None,
            _ => (!is_picture_name(value)).then_some(Cow::Borrowed(value)),
        })
        .clean(html)
        .to_string();
    let text = html2text::config::plain_no_decorate()
        .raw_mode(true)
        .no_table_borders()
        .string_from_read(harmless.as_bytes(), WIDTH)
        .map_or_else(|_| bare_text(html), |text| text.trim().to_owned());
    Rendered { html: harmless, text }
}

/// Where a picture of the mail's own is; nothing for every other.
fn picture<'a>(source: &str, pictures: &BTreeMap<String, String>) -> Option<Cow<'a, str>> {
    let name = source.trim().get(4..).filter(|_| is_picture_name(source))?;
    let found = pictures.get(name).or_else(|| pictures.get(&percent_decoded(name)));
    found.map(|url| Cow::Owned(url.clone()))
}

/// Whether a link leads anywhere by itself: a mail is no page of the app, and has none beside it.
fn is_absolute(link: &str) -> bool {
    url::Url::parse(link).is_ok()
}

fn is_picture_name(value: &str) -> bool {
    value.trim().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"))
}

/// A name as it was before it stood in a URL.
fn percent_decoded(name: &str) -> String {
    let plus = name.replace('+', "%2B");
    let pair = format!("x={plus}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, name)| name.into_owned()).unwrap_or_default()
}

fn is_unbearable(html: &str) -> bool {
    html.len() > MOST_PARSED || is_deeper_than(html, DEEPEST)
}

/// The text between the tags, as it stands, in one pass.
fn bare_text(html: &str) -> String {
    let end = html.floor_char_boundary(MOST_PARSED);
    let mut text = String::with_capacity(end / 2);
    for (at, part) in html[..end].split('<').enumerate() {
        let after = if at == 0 { part } else { part.split_once('>').map_or("", |(_, after)| after) };
        if !after.is_empty() && !text.is_empty() && !text.ends_with(char::is_whitespace) {
            text.push(' ');
        }
        text.push_str(after);
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_in_order() {
        assert!(TAGS.is_sorted());
    }

    #[test]
    fn text_is_not_taken_for_html() {
        for text in ["a < b and c > d", "x <y@z.com> wrote", "<3", "1<2", "if a<b then", "plain"] {
            assert!(!is_html(text), "{text}");
        }
        for html in [
            "<html><body>html is <b>allowed</b> here </body></html>",
            "hi<br>there",
            "<p class='x'>y</p>",
            "<!DOCTYPE html>",
        ] {
            assert!(is_html(html), "{html}");
        }
    }

    #[test]
    fn script_does_not_survive() {
        let html = render("<p onclick=alert(1)>hi<script>alert(2)</script><img src=x onerror=alert(3)></p>").html;
        assert_eq!(html, "<p>hi<img></p>");
    }

    #[test]
    fn only_the_pictures_of_the_mail_itself_are_shown() {
        let pictures = BTreeMap::from([("a@b+c".to_owned(), "/api/attachments/7".to_owned())]);
        for (source, shown) in [
            ("cid:a@b+c", "<img src=\"/api/attachments/7\" alt=\"x\">"),
            (" CID:a%40b%2Bc", "<img src=\"/api/attachments/7\" alt=\"x\">"),
            ("cid:other", "<img alt=\"x\">"),
            ("cid:", "<img alt=\"x\">"),
            ("https://tracker.example/1.gif", "<img alt=\"x\">"),
            ("//tracker.example/1.gif", "<img alt=\"x\">"),
            ("/api/auth/logout", "<img alt=\"x\">"),
            ("data:image/png;base64,AAAA", "<img alt=\"x\">"),
            ("\u{e9}\u{e9}\u{e9}", "<img alt=\"x\">"),
        ] {
            let html = format!("<img src=\"{source}\" alt=\"x\">");
            assert_eq!(render_with(&html, pictures.clone()).html, shown, "{source}");
        }
        for relative in ["/sign-in", "inbox", "//example.org/x", "?q", "#top"] {
            let link = render(&format!("<a href=\"{relative}\">x</a>")).html;
            assert_eq!(link, "<a rel=\"noopener noreferrer nofollow\">x</a>", "{relative}: a mail is no page of ours");
        }
        let link = render_with("<a href=\"cid:a@b+c\">x</a>", pictures).html;
        assert_eq!(link, "<a rel=\"noopener noreferrer nofollow\">x</a>");
    }

    #[test]
    fn html_reads_as_text() {
        assert_eq!(render("<p>one <b>two</b></p><p>three &amp; four</p>").text, "one two\n\nthree & four");
    }

    #[test]
    fn a_mail_made_to_cost_much_costs_little() {
        let begun = std::time::Instant::now();
        let wide =
            format!("<table><tr><td>{}</td></tr>{}</table>", "x".repeat(9_980), "<tr><td>y</td></tr>".repeat(9_000));
        let deep = "<div>".repeat(20_000);
        let fonts = "<b><i><font>".repeat(20_000);
        let large = "<p>word</p>".repeat(100_000);
        let stray = "<div></x>".repeat(28_000);
        let mut cases = vec![wide, deep, fonts, large, stray];
        for piece in ["<div><!-- </div> -->", "<li><dd>", "<span><p></span><div></div>", "<div a=\"</div>\">"] {
            cases.push(piece.repeat(250_000 / piece.len()));
        }
        for html in cases {
            assert!(render(&html).text.len() <= html.len() + 1_000, "{}", render(&html).text.len());
            assert!(render(&html).html.len() <= html.len() * 2);
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
