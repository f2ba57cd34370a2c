//! Object keys as URL paths.

/// Paths that begin so lie outside of the table and name their bucket first: `//bucket/key`. A file below a table whose
/// path would begin so is refused.
pub const OUTSIDE: &[u8] = b"//";

/// Writes `key` as a URL path: unreserved characters and slashes as they are, all else as `%XX` (RFC 3986).
pub fn encode_into(key: &[u8], out: &mut Vec<u8>) {
    let mut rest = key;
    loop {
        let plain = rest.iter().take_while(|&&byte| plain(byte) == 1).count();
        let (head, tail) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        out.extend_from_slice(head);
        let Some((&byte, after)) = tail.split_first() else { return };
        out.push(b'%');
        out.extend(
            [byte >> 4, byte & 15].map(|digit| if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }),
        );
        rest = after;
    }
}

/// Whether `key` is its own URL path.
pub fn is_plain(key: &[u8]) -> bool {
    // No branch for each byte: whole vectors are compared.
    key.iter().fold(1, |all, &byte| all & plain(byte)) == 1
}

/// 1 for a byte that stays as it is, else 0.
#[inline]
fn plain(byte: u8) -> u8 {
    let letter = u8::from((byte | 0x20).wrapping_sub(b'a') < 26);
    let digit = u8::from(byte.wrapping_sub(b'0') < 10);
    let [hyphen, dot, line, tilde, slash] = [b'-', b'.', b'_', b'~', b'/'].map(|mark| u8::from(byte == mark));
    letter | digit | hyphen | dot | line | tilde | slash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_unreserved_characters_and_slashes_is_encoded() {
        let mut out = Vec::new();
        encode_into("a/b c=ä%+~".as_bytes(), &mut out);
        assert_eq!(out, b"a/b%20c%3D%C3%A4%25%2B~");
    }

    #[test]
    fn a_path_is_plain_exactly_if_encoding_leaves_it_as_it_is() {
        for byte in 0..=u8::MAX {
            for lead in [0, 3, 40] {
                let mut key = vec![b'x'; lead];
                key.push(byte);
                let mut encoded = Vec::new();
                encode_into(&key, &mut encoded);
                assert_eq!(is_plain(&key), encoded == key, "{byte}");
            }
        }
        assert!(is_plain(b""));
    }
}
