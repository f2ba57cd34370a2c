//! Text in base 85, in the alphabet of ZeroMQ's Z85.

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The number of bytes that five characters stand for.
const GROUP_BYTES: usize = 4;
const GROUP_CHARS: usize = 5;

/// What a digit stands for at each place of a group.
const PLACES: [u32; GROUP_CHARS] = [85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1];

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

/// The text of `bytes` (ZeroMQ RFC 32), filled up with zeros to whole groups: whoever reads it has to know the length.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(GROUP_BYTES) * GROUP_CHARS);
    for part in bytes.chunks(GROUP_BYTES) {
        let mut group = [0; GROUP_BYTES];
        group.iter_mut().zip(part).for_each(|(into, byte)| *into = *byte);
        let value = u32::from_be_bytes(group);
        for place in PLACES {
            let digit = value / place % 85;
            // A digit is below 85, so that there is a character for it.
            let character = ALPHABET.get(digit as usize).copied().unwrap_or(b'0');
            text.push(char::from(character));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_read_and_written() {
        let bytes = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B];
        assert_eq!(decode(b"HelloWorld").unwrap(), bytes);
        assert_eq!(encode(&bytes), "HelloWorld");
        assert_eq!(encode(b""), "");
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
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            garbage in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut read = decode(encode(&bytes).as_bytes()).unwrap();
            prop_assert!(read.len() < bytes.len() + GROUP_BYTES);
            prop_assert!(read.split_off(bytes.len()).iter().all(|byte| *byte == 0));
            prop_assert_eq!(read, bytes);
            if let Some(bytes) = decode(&garbage) {
                prop_assert_eq!(bytes.len() * 5, garbage.len() * 4);
            }
        }
    }
}
