//! `Content-Disposition` (RFC 6266), with the file's name in both of its forms.

use std::fmt::Write;

/// Shown in place or kept as a file, under that name.
pub fn disposition(is_inline: bool, name: &str) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    let mut value = format!("{kind}; filename=\"{}\"; filename*=UTF-8''", name.replace(|c| !is_plain(c), "_"));
    for byte in name.bytes() {
        if is_attr_char(byte) {
            value.push(char::from(byte));
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

/// What every client reads alike between quotes.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._-()".contains(c)
}

/// What stands for itself in an extended value (RFC 8187, section 3.2.1).
fn is_attr_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_out_of_its_place() {
        assert_eq!(disposition(true, "a b.png"), "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png");
        let value = disposition(false, "x\"; filename=evil.html\r\n\u{fc}\\%41");
        assert_eq!(
            value,
            "attachment; filename=\"x__ filename_evil.html_____41\"; \
             filename*=UTF-8''x%22%3B%20filename%3Devil.html%0D%0A%C3%BC%5C%2541"
        );
    }
}
