//! The HTML of a mail: told apart from text, made harmless, and read as text.

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

/// Keeps what cannot run: no script, style, form, frame or handler; links open without a referrer.
pub fn sanitize(html: &str) -> String {
    ammonia::Builder::default().link_rel(Some("noopener noreferrer nofollow")).clean(html).to_string()
}

/// Reads HTML as text, wrapped nowhere by us but at its own breaks.
pub fn to_text(html: &str) -> String {
    let harmless = sanitize(html);
    html2text::config::plain_no_decorate()
        .string_from_read(harmless.as_bytes(), 10_000)
        .map_or(harmless, |text| text.trim().to_owned())
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
        let html = sanitize("<p onclick=alert(1)>hi<script>alert(2)</script><img src=x onerror=alert(3)></p>");
        assert_eq!(html, "<p>hi<img src=\"x\"></p>");
    }

    #[test]
    fn html_reads_as_text() {
        assert_eq!(to_text("<p>one <b>two</b></p><p>three &amp; four</p>"), "one two\n\nthree & four");
    }
}
