//! Text as JSON strings that every client's line reader survives.

use crate::simd::escape::{STRIDE, escape};

/// Writes the inside of a JSON string that stands for `text`.
///
/// Beside what RFC 8259 section 7 demands, U+007F, U+0085, U+2028 and U+2029 become `\uXXXX`: Python
/// clients split an answer at these characters and would take half a line for the whole.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let taken = escape(rest, out);
        rest = rest.get(taken..).unwrap_or_default();
        if rest.len() < STRIDE {
            return escape_last(rest, out);
        }
        rest = escape_rare(rest, STRIDE, out);
    }
}

/// Bytes of spare memory with which [`escape_into`] does not ask for more, unless characters other than quotes and
/// backslashes are escaped.
pub fn room(text: &str) -> usize {
    2 * text.len() + 3 * STRIDE
}

/// Writes less than a stride: filled up with spaces, it is one.
fn escape_last(rest: &[u8], out: &mut Vec<u8>) {
    let mut stride = [b' '; STRIDE];
    if let Some(start) = stride.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    if escape(&stride, out) == STRIDE {
        out.truncate(out.len() - (STRIDE - rest.len()));
    } else {
        escape_rare(rest, rest.len(), out);
    }
}

/// Writes `text` as a whole JSON string, with its quotes.
pub fn string_into(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(text, out);
    out.push(b'"');
}

/// Writes the text for which `escaped`, the inside of a JSON string, stands; what is no escape is kept as it is.
///
/// A pair of escaped surrogates, which nothing here writes, becomes two replacement characters.
pub fn unescape_into(escaped: &[u8], out: &mut Vec<u8>) {
    out.reserve(escaped.len());
    let mut rest = escaped;
    while let Some(plain) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        rest = match rest.get(plain + 1..).unwrap_or_default() {
            [b'u', digits @ ..] => unescape_unicode(digits, out),
            [letter, after @ ..] => {
                out.push(match letter {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    other => *other,
                });
                after
            }
            [] => return,
        };
    }
    out.extend_from_slice(rest);
}

fn unescape_unicode<'a>(digits: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let (hex, after) = digits.split_at_checked(4).unwrap_or((digits, &[]));
    let code = std::str::from_utf8(hex).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let character = code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    after
}

/// Writes at least the first `count` bytes of `rest`, and returns what is left: a character that
/// begins within `count` is finished.
fn escape_rare<'a>(mut rest: &'a [u8], count: usize, out: &mut Vec<u8>) -> &'a [u8] {
    let end = rest.len() - count;
    while rest.len() > end {
        rest = match *rest {
            [0xC2, 0x85, ref after @ ..] => {
                out.extend_from_slice(b"\\u0085");
                after
            }
            [0xE2, 0x80, last @ (0xA8 | 0xA9), ref after @ ..] => {
                out.extend_from_slice(if last == 0xA8 { b"\\u2028" } else { b"\\u2029" });
                after
            }
            [byte @ (b'"' | b'\\'), ref after @ ..] => {
                out.extend([b'\\', byte]);
                after
            }
            [b'\n', ref after @ ..] => {
                out.extend_from_slice(b"\\n");
                after
            }
            [b'\r', ref after @ ..] => {
                out.extend_from_slice(b"\\r");
                after
            }
            [b'\t', ref after @ ..] => {
                out.extend_from_slice(b"\\t");
                after
            }
            [byte @ (0..=0x1F | 0x7F), ref after @ ..] => {
                out.extend_from_slice(b"\\u00");
                out.extend([byte >> 4, byte & 15].map(hex_digit));
                after
            }
            [byte, ref after @ ..] => {
                out.push(byte);
                after
            }
            [] => return rest,
        };
    }
    rest
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        string_into(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ordinary_text_is_copied_and_quotes_get_a_backslash() {
        assert_eq!(escaped("{\"a\":1}\\\n\r\t"), r#""{\"a\":1}\\\n\r\t""#);
        assert_eq!(escaped(""), "\"\"");
    }

    #[test]
    fn characters_at_which_clients_break_lines_are_escaped_wherever_they_stand() {
        for lead in 0..70 {
            let text = format!("{}\u{2028}é\u{2029}\u{85}\u{0}\u{7f}\u{20ac}", "x".repeat(lead));
            let expected = format!("\"{}\\u2028é\\u2029\\u0085\\u0000\\u007f\u{20ac}\"", "x".repeat(lead));
            assert_eq!(escaped(&text), expected);
        }
    }

    proptest! {
        #[test]
        fn reading_an_escaped_string_gives_the_text_back(text in any::<String>()) {
            let json = escaped(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            let mut unescaped = Vec::new();
            unescape_into(&json.as_bytes()[1..json.len() - 1], &mut unescaped);
            prop_assert_eq!(unescaped, text.into_bytes());
        }

        #[test]
        fn escaped_text_is_one_line_for_every_reader(text in "[a\"\\\\\u{2028}\u{2029}\u{85}\u{b}\u{c}\u{1c}-\u{1f}é]{0,90}") {
            let json = escaped(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            let breaks_lines = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
            prop_assert_eq!(json.chars().find(|&c| breaks_lines(c)), None);
        }
    }
}
