//! How deep the elements of HTML may lie within each other, counted without building them.
//!
//! A parser closes elements by rules of its own. So an end tag counts only where every parser takes it for the end of the
//! innermost element, and whatever is in doubt stays open: the count is never below the parser's, save for elements that
//! it adds by itself.

/// Elements that never hold anything.
const EMPTY: [&[u8]; 14] = [
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"param", b"source",
    b"track", b"wbr",
];
/// Elements that end where the next of their kind begins.
const SELF_ENDING: [&[u8]; 5] = [b"p", b"li", b"dd", b"dt", b"option"];
/// Elements whose end also ends what ends by itself within them.
const BLOCKS: [&[u8]; 6] = [b"blockquote", b"center", b"div", b"dl", b"ol", b"ul"];
/// Elements that hold text alone.
const TEXT: [&[u8]; 8] = [b"iframe", b"noembed", b"noframes", b"script", b"style", b"textarea", b"title", b"xmp"];
/// What begins stretches in which tags mean other things: no end tag counts then.
const ODD: [&[u8]; 7] = [b"<svg", b"<math", b"<select", b"<frameset", b"<noscript", b"<template", b"<![cdata["];

/// Whether elements may lie deeper within each other than `most`.
pub(super) fn is_deeper_than(html: &str, most: usize) -> bool {
    let lower = html.to_ascii_lowercase();
    let html = lower.as_bytes();
    if ODD.iter().any(|odd| find(html, odd).is_some()) {
        let starts = html.windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic());
        return starts.count() > most;
    }
    let mut open: Vec<&[u8]> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at + 1..];
        let Some(after) = take_tag(rest, &mut open) else { return true };
        rest = after;
        if open.len() > most {
            return true;
        }
    }
    false
}

/// Takes in what stands behind a `<`, and gives what follows it; nothing, when nobody can tell what it means.
fn take_tag<'a>(rest: &'a [u8], open: &mut Vec<&'a [u8]>) -> Option<&'a [u8]> {
    match rest {
        [b'!', b'-', b'-', rest @ ..] => Some(after_comment(rest)),
        [b'/', first, ..] if first.is_ascii_alphabetic() => {
            let (name, after) = tag(&rest[1..]);
            close(open, name);
            Some(after)
        }
        [b'/', b'>', after @ ..] => Some(after),
        [b'!' | b'?' | b'/', ..] => Some(behind(rest, b">")),
        [first, ..] if first.is_ascii_alphabetic() => {
            let (name, after) = tag(rest);
            if TEXT.contains(&name) {
                return after_text(after, name);
            }
            let ends = |last: &&[u8]| *last == name || is_definition(last) && is_definition(name);
            let is_next = SELF_ENDING.contains(&name) && open.last().is_some_and(ends);
            if !is_next && !EMPTY.contains(&name) {
                open.push(name);
            }
            Some(after)
        }
        _ => Some(rest),
    }
}

fn is_definition(name: &[u8]) -> bool {
    matches!(name, b"dd" | b"dt")
}

/// Closes the innermost element, if that is its name.
fn close(open: &mut Vec<&[u8]>, name: &[u8]) {
    let is_over = |last: &[u8]| match name {
        b"td" | b"th" => last == b"p",
        _ => BLOCKS.contains(&name) && SELF_ENDING.contains(&last),
    };
    let ended = open.iter().rev().take_while(|last| is_over(last)).count();
    let at = open.len() - ended;
    if at > 0 && open[at - 1] == name {
        open.truncate(at - 1);
    }
}

/// The name of a tag, and what follows its end (HTML, section 13.2.5.8 and those behind it).
fn tag(rest: &[u8]) -> (&[u8], &[u8]) {
    enum In {
        Tag,
        Name,
        AfterName,
        BeforeValue,
        Value(Option<u8>),
    }
    let name_ends = rest.iter().position(|byte| is_space(*byte) || b"/>".contains(byte)).unwrap_or(rest.len());
    let mut state = In::Tag;
    for (at, byte) in rest.iter().copied().enumerate().skip(name_ends) {
        state = match (state, byte) {
            (In::Value(Some(quote)), _) if byte == quote => In::Tag,
            (In::Value(Some(quote)), _) => In::Value(Some(quote)),
            (_, b'>') => return (&rest[..name_ends], &rest[at + 1..]),
            (In::Value(None), _) => {
                if is_space(byte) {
                    In::Tag
                } else {
                    In::Value(None)
                }
            }
            (In::BeforeValue, b'"' | b'\'') => In::Value(Some(byte)),
            (In::BeforeValue, _) => {
                if is_space(byte) {
                    In::BeforeValue
                } else {
                    In::Value(None)
                }
            }
            (In::Tag | In::Name | In::AfterName, b'/') => In::Tag,
            (In::Name | In::AfterName, b'=') => In::BeforeValue,
            (In::Name | In::AfterName, _) if is_space(byte) => In::AfterName,
            (In::Tag, _) if is_space(byte) => In::Tag,
            _ => In::Name,
        };
    }
    (&rest[..name_ends], &[])
}

fn after_comment(rest: &[u8]) -> &[u8] {
    if let Some(after) = rest.strip_prefix(b">").or_else(|| rest.strip_prefix(b"->")) {
        return after;
    }
    let mut at = 0;
    while let Some(found) = find(&rest[at..], b"--") {
        at += found;
        match &rest[at + 2..] {
            [b'>', after @ ..] | [b'!', b'>', after @ ..] => return after,
            _ => at += 1,
        }
    }
    &[]
}

/// What follows an element that holds text alone; in a script some text means that its end is none.
fn after_text<'a>(rest: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut at = 0;
    while let Some(found) = find(&rest[at..], b"</") {
        let end = &rest[at + found + 2..];
        let ends = end
            .strip_prefix(name)
            .is_some_and(|after| after.first().is_some_and(|b| is_space(*b) || b"/>".contains(b)));
        if ends {
            let is_plain = name != b"script" || find(&rest[..at + found], b"<!--").is_none();
            return is_plain.then(|| tag(end).1);
        }
        at += found + 2;
    }
    Some(&[])
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn behind<'a>(rest: &'a [u8], end: &[u8]) -> &'a [u8] {
    find(rest, end).map_or(&[], |at| &rest[at + end.len()..])
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_as_people_write_them_are_flat() {
        for piece in [
            "<div>one</div>",
            "<p>one<p>two",
            "<p>a</p><br>",
            "<ul><li>a<li>b</ul>",
            "<dl><dt>a<dd>b</dl>",
            "<table><tr><td><p>a</td><td><b>b</b></td></tr></table>",
            "<div><p>one</div>",
            "<!--[if mso]><table><tr><td><![endif]-->x<!--[if mso]></td></tr></table><![endif]-->",
            "<![if !mso]><b>x</b><![endif]>",
            "<style>@media { a > b {} } <!-- p {} --></style>",
            "<a href=\"x\" title='a>b</a>'>y</a>",
            "<script type=x>{\"a\": \"<div>\"}</script>",
        ] {
            assert!(!is_deeper_than(&piece.repeat(500), 12), "{piece}");
        }
    }

    #[test]
    fn no_end_tag_that_a_parser_passes_over_lowers_the_count() {
        for piece in [
            "<div>",
            "<div></x>",
            "<div></span>",
            "<span><div></span>",
            "<div><!-- </div> -->",
            "<div a=\"</div>\">",
            "<div a'=\"x'>y</div>\">",
            "<div><style></div></style>",
            "<div></ div>",
            "<div></div\u{0}>",
            "<div><script><!--<script></script></div></script>",
            "<li><dd>",
            "<li><p><dd>",
            "<td><li></td><td><dd></td>",
            "<span><p></span><div></div>",
            "<b><font></b>",
            "<svg><g></svg>",
            "<svg><title><div></title>",
            "<select></div><div>",
            "<DIV></Span>",
        ] {
            assert!(is_deeper_than(&piece.repeat(500), 200), "{piece}");
        }
    }
}
