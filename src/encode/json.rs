//! Text as JSON strings that every client's line reader survives.

/// How one byte of text goes into a JSON string.
#[derive(Clone, Copy)]
struct Class {
    /// The byte itself, or the letter after the backslash.
    letter: u8,
    /// 1 if a backslash goes before the letter.
    backslash: u8,
    /// 1 if the byte needs more than that, or may be the start of a character that does.
    rare: u8,
}

const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut table = [Class { letter: 0, backslash: 0, rare: 0 }; 256];
    let mut byte = 0_u8;
    loop {
        let (letter, backslash, rare) = match byte {
            b'"' | b'\\' => (byte, 1, 0),
            b'\n' => (b'n', 1, 0),
            b'\r' => (b'r', 1, 0),
            b'\t' => (b't', 1, 0),
            // 0xC2 0x85 is U+0085; 0xE2 0x80 0xA8 and 0xA9 are U+2028 and U+2029.
            0..=0x1F | 0x7F | 0xC2 | 0xE2 => (byte, 0, 1),
            0x20..=0xFF => (byte, 0, 0),
        };
        #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
        {
            table[byte as usize] = Class { letter, backslash, rare };
        }
        if byte == 255 {
            return table;
        }
        byte += 1;
    }
}

fn class(byte: u8) -> Class {
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    CLASSES[usize::from(byte)]
}

const STRIDE: usize = 32;

/// Writes the inside of a JSON string that stands for `text`.
///
/// Beside what RFC 8259 section 7 demands, U+007F, U+0085, U+2028 and U+2029 become `\uXXXX`: Python
/// clients split an answer at these characters and would take half a line for the whole.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + rest.len() / 4 + 2 * STRIDE);
    while let Some((stride, after)) = rest.split_first_chunk::<STRIDE>() {
        rest = if escape_plain(stride, out) { after } else { escape_rare(rest, STRIDE, out) };
    }
    escape_rare(rest, rest.len(), out);
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

/// Writes the escaped stride unless a rare byte is in it. No branch depends on a byte, because quotes
/// in statistics come at intervals that no processor foresees.
fn escape_plain(stride: &[u8; STRIDE], out: &mut Vec<u8>) -> bool {
    let mut escaped = [0_u8; 2 * STRIDE];
    let mut length = 0_usize;
    let mut rare = 0_u8;
    for &byte in stride {
        let class = class(byte);
        rare |= class.rare;
        #[expect(
            clippy::indexing_slicing,
            reason = "each byte adds at most two, and 2 * STRIDE is a power of two"
        )]
        {
            escaped[length & (2 * STRIDE - 1)] = b'\\';
            length += usize::from(class.backslash);
            escaped[length & (2 * STRIDE - 1)] = class.letter;
            length += 1;
        }
    }
    if rare == 0 {
        out.extend_from_slice(escaped.get(..length).unwrap_or_default());
    }
    rare == 0
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
            [byte @ (0..=0x1F | 0x7F), ref after @ ..] if class(byte).backslash == 0 => {
                out.extend_from_slice(b"\\u00");
                out.extend([byte >> 4, byte & 15].map(hex_digit));
                after
            }
            [byte, ref after @ ..] => {
                let class = class(byte);
                if class.backslash == 1 {
                    out.push(b'\\');
                }
                out.push(class.letter);
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
