//! Sealed texts: what a client carries for us, unread and unchanged.
//!
//! The seal is made as in SIV mode: the tag is an HMAC over context and content, and the content is hidden under a
//! pad that an HMAC with another key draws from the tag. So equal contents have equal seals, nothing has to be
//! drawn at random, and a seal that is opened in another context, or with one bit flipped, is none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// First byte of every seal, so that a later form can be told apart.
const FORM: u8 = 2;
/// Bytes of the tag: 128 bits cannot be guessed over a network.
const TAG_BYTES: usize = 16;

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    tag: Hmac<Sha256>,
    pad: Hmac<Sha256>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a key up to the block of its hash with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into())
}

fn digest(mac: &Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    mac.clone().chain_update(message).finalize().into_bytes().into()
}

/// A secret of its own for each use of `key`.
pub fn derive(key: &[u8; 32], purpose: &str) -> [u8; 32] {
    digest(&keyed(key), purpose.as_bytes())
}

impl Sealer {
    /// `key` comes from the state store, so that seals survive a restart.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { tag: keyed(&derive(key, "seal: tag")), pad: keyed(&derive(key, "seal: pad")) }
    }

    /// A text of `A-Z a-z 0-9 - _` that opens to `content` in the same context only.
    pub fn seal(&self, context: &[&[u8]], content: &[u8]) -> String {
        let tag = self.tag(context, content).finalize().into_bytes();
        let mut sealed = vec![FORM];
        sealed.extend(tag.iter().take(TAG_BYTES));
        sealed.extend_from_slice(content);
        self.cover(&mut sealed);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The content of a seal that was made in this context; `None` for all other text.
    pub fn open(&self, context: &[&[u8]], text: &str) -> Option<Vec<u8>> {
        let mut sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        self.cover(&mut sealed);
        let (tag, content) = sealed.strip_prefix(&[FORM])?.split_at_checked(TAG_BYTES)?;
        self.tag(context, content).verify_truncated_left(tag).ok()?;
        Some(content.to_vec())
    }

    /// Every field carries its length, so that no two contexts make the same message.
    fn tag(&self, context: &[&[u8]], content: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.tag.clone();
        mac.update(&(context.len() as u64).to_le_bytes());
        for field in context.iter().copied().chain([content]) {
            mac.update(&(field.len() as u64).to_le_bytes());
            mac.update(field);
        }
        mac
    }

    /// Lays the pad that belongs to the tag over the content, or takes it off.
    fn cover(&self, sealed: &mut [u8]) {
        let Some((head, content)) = sealed.split_at_mut_checked(1 + TAG_BYTES) else { return };
        for (number, block) in (0_u64..).zip(content.chunks_mut(32)) {
            let pad = digest(&self.pad, &[head, number.to_le_bytes().as_slice()].concat());
            block.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTEXT: &[&[u8]] = &[b"page", b"recipient"];

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    #[test]
    fn a_seal_opens_in_its_own_context_only() {
        let seal = sealer().seal(CONTEXT, b"version 7");
        assert_eq!(sealer().open(CONTEXT, &seal).unwrap(), b"version 7");
        let others: [&[&[u8]]; 4] =
            [&[], &[b"page"], &[b"pag", b"erecipient"], &[b"page", b"recipient", b""]];
        for context in others {
            assert_eq!(sealer().open(context, &seal), None);
        }
        assert_eq!(Sealer::new(&[8; 32]).open(CONTEXT, &seal), None);
    }

    #[test]
    fn content_is_not_readable_and_equal_seals_are_equal() {
        let content = [b'x'; 100];
        let seal = sealer().seal(CONTEXT, &content);
        assert_eq!(seal, sealer().seal(CONTEXT, &content));
        let bytes = URL_SAFE_NO_PAD.decode(&seal).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"xxxx"));
        assert!(seal.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }

    #[test]
    fn uses_of_one_key_have_secrets_of_their_own() {
        assert_ne!(derive(&[7; 32], "a"), derive(&[7; 32], "b"));
        assert_ne!(derive(&[7; 32], "a"), derive(&[8; 32], "a"));
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_opened(content: Vec<u8>, field: Vec<u8>) {
            let seal = sealer().seal(&[&field], &content);
            prop_assert_eq!(sealer().open(&[&field], &seal), Some(content));
        }

        #[test]
        fn a_changed_seal_is_none(content: Vec<u8>, at: usize, by in 1_u8..=255) {
            let mut bytes = URL_SAFE_NO_PAD.decode(sealer().seal(CONTEXT, &content)).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= by;
            prop_assert_eq!(sealer().open(CONTEXT, &URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn foreign_text_is_no_seal(text in ".{0,120}") {
            prop_assert_eq!(sealer().open(CONTEXT, &text), None);
        }
    }
}
