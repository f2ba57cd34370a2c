//! Object keys as URL paths.

/// Paths that begin so lie outside of the table and name their bucket first: `//bucket/key`. No path below a table
/// begins so, because none has an empty part.
pub const OUTSIDE: &[u8] = b"//";

/// Writes `key` as a URL path: unreserved characters and slashes as they are, all else as `%XX` (RFC 3986).
pub fn encode_into(key: &[u8], out: &mut Vec<u8>) {
    let is_plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/');
    let mut rest = key;
    loop {
        let plain = rest.iter().take_while(|byte| is_plain(byte)).count();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_unreserved_characters_and_slashes_is_encoded() {
        let mut out = Vec::new();
        encode_into("a/b c=ä%+~".as_bytes(), &mut out);
        assert_eq!(out, b"a/b%20c%3D%C3%A4%25%2B~");
    }
}
