//! How many SMS segments a text takes (3GPP TS 23.038, TS 23.040).

use serde::{Deserialize, Serialize};

/// The alphabet a text is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[sqlx(type_name = "text")]
pub enum Encoding {
    /// The default alphabet: 160 septets alone, 153 joined; extension characters count two.
    #[serde(rename = "GSM-7")]
    #[sqlx(rename = "GSM-7")]
    Gsm7,
    /// UTF-16 code units: 70 alone, 67 joined.
    #[serde(rename = "UCS-2")]
    #[sqlx(rename = "UCS-2")]
    Ucs2,
}

/// A text's cost as an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// How many segments; at least one.
    pub count: i64,
    /// The alphabet.
    pub encoding: Encoding,
}

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

impl Segments {
    /// Counts the segments of a text. A character is never split over two segments.
    pub fn of(text: &str) -> Self {
        let (encoding, alone, joined) = if text.chars().all(|c| septets(c).is_some()) {
            (Encoding::Gsm7, 160, 153)
        } else {
            (Encoding::Ucs2, 70, 67)
        };
        let unit = |c: char| match encoding {
            Encoding::Gsm7 => septets(c).unwrap_or(1),
            Encoding::Ucs2 => c.len_utf16(),
        };
        let total: usize = text.chars().map(unit).sum();
        if total <= alone {
            return Self { count: 1, encoding };
        }
        let mut count = 1;
        let mut used = 0;
        for size in text.chars().map(unit) {
            if used + size > joined {
                count += 1;
                used = 0;
            }
            used += size;
        }
        Self { count, encoding }
    }
}

fn septets(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> (i64, Encoding) {
        let segments = Segments::of(text);
        (segments.count, segments.encoding)
    }

    #[test]
    fn the_limits_are_those_of_the_standard() {
        assert_eq!(of(""), (1, Encoding::Gsm7));
        assert_eq!(of(&"a".repeat(160)), (1, Encoding::Gsm7));
        assert_eq!(of(&"a".repeat(161)), (2, Encoding::Gsm7));
        assert_eq!(of(&"a".repeat(306)), (2, Encoding::Gsm7));
        assert_eq!(of(&"a".repeat(307)), (3, Encoding::Gsm7));
        assert_eq!(of(&"€".repeat(80)), (1, Encoding::Gsm7));
        assert_eq!(of(&"€".repeat(81)), (2, Encoding::Gsm7));
        assert_eq!(of(&"я".repeat(70)), (1, Encoding::Ucs2));
        assert_eq!(of(&"я".repeat(71)), (2, Encoding::Ucs2));
        assert_eq!(of(&"😀".repeat(35)), (1, Encoding::Ucs2));
        assert_eq!(of(&"😀".repeat(36)), (2, Encoding::Ucs2));
    }

    #[test]
    fn a_character_of_two_units_is_not_split() {
        assert_eq!(of(&format!("{}€{}", "a".repeat(152), "a".repeat(152))).0, 3);
        assert_eq!(of(&format!("{}😀{}", "я".repeat(66), "я".repeat(66))).0, 3);
    }

    proptest! {
        #[test]
        fn a_longer_text_never_takes_fewer(text in "[a-zà€я😀]{0,400}", more in "[a-zà€я😀]{0,10}") {
            let longer = format!("{text}{more}");
            prop_assert!(Segments::of(&longer).count >= Segments::of(&text).count);
        }
    }
}
