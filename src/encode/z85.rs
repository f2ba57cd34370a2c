//! Bytes from text in base 85, in the alphabet of ZeroMQ's Z85.

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The number of bytes that five characters stand for.
const GROUP_BYTES: usize = 4;
const GROUP_CHARS: usize = 5;

/// The bytes that `text` stands for (ZeroMQ RFC 32); `None` if it is not Z85.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(GROUP_CHARS) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / GROUP_CHARS * GROUP_BYTES);
    for group in text.chunks_exact(GROUP_CHARS) {
        let mut value = 0_u64;
        for character in group {
            let digit = ALPHABET.iter().position(|known| known == character)?;
            value = value * 85 + digit as u64;
        }
        bytes.extend_from_slice(&u32::try_from(value).ok()?.to_be_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(bytes: &[u8]) -> String {
        let mut text = String::new();
        for group in bytes.chunks_exact(GROUP_BYTES) {
            let value = u32::from_be_bytes(group.try_into().unwrap());
            for place in (0..5).rev() {
                text.push(char::from(ALPHABET[(value / 85_u32.pow(place) % 85) as usize]));
            }
        }
        text
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        assert_eq!(decode(b"HelloWorld").unwrap(), [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]);
        assert_eq!(decode(b"").unwrap(), b"");
    }

    #[test]
    fn text_that_is_not_z85_is_none() {
        for text in [&b"Hello1"[..], b"Hell", b"Hell\"", b"Hell ", b"\xff\xff\xff\xff\xff", b"#####"] {
            assert_eq!(decode(text), None, "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_panics(
            groups in proptest::collection::vec(any::<[u8; 4]>(), 0..8),
            garbage in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = groups.concat();
            prop_assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
            if let Some(bytes) = decode(&garbage) {
                prop_assert_eq!(bytes.len() * 5, garbage.len() * 4);
            }
        }
    }
}
