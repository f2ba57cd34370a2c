//! Digests as small hexadecimal digits, without an allocation.

/// Writes `bytes` as lower-case hexadecimal digits into `digits`, as far as both reach.
#[inline]
pub fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// Appends the digits of a SHA-256.
#[inline]
pub fn push_sha256(digest: &[u8; 32], out: &mut Vec<u8>) {
    let mut digits = [0; 64];
    write_hex(digest, &mut digits);
    out.extend_from_slice(&digits);
}

/// Appends the digits of an MD5.
#[inline]
pub fn push_md5(digest: &[u8; 16], out: &mut Vec<u8>) {
    let mut digits = [0; 32];
    write_hex(digest, &mut digits);
    out.extend_from_slice(&digits);
}

/// Plain arithmetic instead of a table, because the compiler turns it into vector code.
#[inline]
const fn digit(nibble: u8) -> u8 {
    nibble + if nibble > 9 { b'a' - 10 } else { b'0' }
}

#[cfg(test)]
mod tests {
    use super::{push_md5, push_sha256};

    #[test]
    fn digits_equal_those_of_the_hex_crate() {
        for start in 0..=u8::MAX {
            let digest: [u8; 32] =
                std::array::from_fn(|index| start.wrapping_mul(7).wrapping_add(u8::try_from(index).unwrap()));
            let mut out = Vec::new();
            push_sha256(&digest, &mut out);
            assert_eq!(out, hex::encode(digest).into_bytes());
            let half: [u8; 16] = std::array::from_fn(|index| digest[index]);
            out.clear();
            push_md5(&half, &mut out);
            assert_eq!(out, hex::encode(half).into_bytes());
        }
    }
}
