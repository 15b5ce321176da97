//! Which bytes of a file are asked for (RFC 9110, section 14).

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};

/// What of a file is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Nothing,
}

/// What of a file of that size and tag is asked for. Several ranges at once, other units, what cannot be read, and a
/// range of other bytes than these are answered with the whole, as the RFC lets a server do.
pub fn asked(headers: &HeaderMap, (size, tag): (u64, &str)) -> Asked {
    let is_of_these = headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes());
    let range = headers.get(RANGE).filter(|_| is_of_these && headers.get_all(RANGE).iter().count() == 1);
    range.and_then(|value| read(value.to_str().ok()?, size)).unwrap_or(Asked::Whole)
}

fn read(value: &str, size: u64) -> Option<Asked> {
    let (unit, range) = value.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let range = if first.is_empty() {
        size.saturating_sub(digits(last)?)..size
    } else {
        let first = digits(first)?;
        let last = if last.is_empty() { u64::MAX } else { digits(last).filter(|last| *last >= first)? };
        first..last.saturating_add(1).min(size)
    };
    Some(if range.is_empty() { Asked::Nothing } else { Asked::Part(range) })
}

/// A number of digits alone; one that is too large is as large as can be.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_as_the_rfc_has_it() {
        for (value, wanted) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=2-99999999999999999999999", Asked::Part(2..10)),
            ("Bytes= 9-9", Asked::Part(9..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=-0", Asked::Nothing),
            ("bytes=10-", Asked::Nothing),
            ("bytes=99999999999999999999999-", Asked::Nothing),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes", Asked::Whole),
        ] {
            let headers = HeaderMap::from_iter([(RANGE, value.parse().unwrap())]);
            assert_eq!(asked(&headers, (10, "\"tag\"")), wanted, "{value}");
        }
    }

    #[test]
    fn a_range_of_other_bytes_gives_the_whole() {
        let of = |tag: &str| {
            let pairs = [(RANGE, "bytes=0-0".parse().unwrap()), (IF_RANGE, tag.parse().unwrap())];
            asked(&HeaderMap::from_iter(pairs), (10, "\"tag\""))
        };
        assert_eq!([of("\"tag\""), of("\"other\""), of("W/\"tag\"")], [Asked::Part(0..1), Asked::Whole, Asked::Whole]);
    }
}
