//! Ids of files: hashes of their paths.
//!
//! An id never changes, because streaming clients keep places in lists that are sorted by it. These are the ids of the
//! reference server, so that its recipients can move: SHA-256 in the delta format, MD5 in the parquet format.

use ::md5::{Digest, Md5};
use sha2::Sha256;

use super::capabilities::Format;
use crate::sigv4::hexadecimal::{push_md5, push_sha256};
use crate::sigv4::midstate::Midstate;
use crate::simd::md5;

/// The id of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileId {
    Md5([u8; 16]),
    Sha256([u8; 32]),
}

impl FileId {
    /// Appends the digits.
    pub fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Md5(digest) => push_md5(digest, out),
            Self::Sha256(digest) => push_sha256(digest, out),
        }
    }
}

/// Directory and name of a file, spelled as in the log.
pub type Path<'a> = [&'a [u8]; 2];

/// Hashes paths.
pub struct FileIds {
    hash: Format,
    start: Midstate,
    /// Padded paths.
    messages: [[Vec<u8>; 4]; 2],
}

impl FileIds {
    /// Ids by the hash of a format, which need not be that of the answer.
    pub fn new(hash: Format) -> Self {
        Self { hash, start: Midstate::begin(&[]).0, messages: [const { [const { Vec::new() }; 4] }; 2] }
    }

    /// Of which format the hash is.
    pub fn hash(&self) -> Format {
        self.hash
    }

    /// The id of one file.
    pub fn of(&self, path: Path<'_>) -> FileId {
        match self.hash {
            Format::Parquet => FileId::Md5(Md5::digest(path.concat()).into()),
            Format::Delta => FileId::Sha256(Sha256::digest(path.concat()).into()),
        }
    }

    /// The ids of eight files, for less than the time of two.
    pub fn of_eight(&mut self, paths: [[Path<'_>; 4]; 2]) -> [[FileId; 4]; 2] {
        let messages = self.messages.iter_mut().flatten();
        for (message, path) in messages.zip(paths.into_iter().flatten()) {
            message.clear();
            for piece in path {
                message.extend_from_slice(piece);
            }
        }
        match self.hash {
            Format::Parquet => {
                self.messages.iter_mut().flatten().for_each(pad_md5);
                let blocks =
                    self.messages.each_ref().map(|four| four.each_ref().map(|message| message.as_chunks().0));
                let mut states = [[md5::INITIAL; 4]; 2];
                md5::compress_eight(&mut states, blocks);
                states.map(|four| four.map(|words| FileId::Md5(md5_digest(words))))
            }
            Format::Delta => {
                self.messages.iter_mut().flatten().for_each(|message| self.start.pad(message));
                self.messages.each_ref().map(|four| {
                    let [first, second, third, fourth] = four.each_ref().map(Vec::as_slice);
                    let [first, second] = self.start.finish_pair([first, second]);
                    let [third, fourth] = self.start.finish_pair([third, fourth]);
                    [first, second, third, fourth].map(FileId::Sha256)
                })
            }
        }
    }
}

/// Appends the padding of RFC 1321, sections 3.1 and 3.2.
fn pad_md5(message: &mut Vec<u8>) {
    let message_bits = (message.len() as u64).wrapping_mul(8);
    message.push(0x80);
    message.resize((message.len() + 8).next_multiple_of(md5::BLOCK_BYTES) - 8, 0);
    message.extend_from_slice(&message_bits.to_le_bytes());
}

fn md5_digest(words: md5::Words) -> [u8; 16] {
    let mut digest = [0; 16];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_are_the_hashes_of_the_whole_paths(
            paths in prop::array::uniform8("[a-zA-Z0-9=%/é.-]{0,200}"),
            cut in 0_usize..200,
        ) {
            let pieces = paths.each_ref().map(|path| {
                let (directory, name) = path.as_bytes().split_at(cut.min(path.len()));
                [directory, name]
            });
            let text = |id: FileId| {
                let mut out = Vec::new();
                id.push(&mut out);
                String::from_utf8(out).unwrap()
            };
            for (format, hash) in [
                (Format::Delta, (|path: &String| hex::encode(Sha256::digest(path))) as fn(&String) -> String),
                (Format::Parquet, |path| hex::encode(Md5::digest(path))),
            ] {
                let mut ids = FileIds::new(format);
                let wanted = paths.each_ref().map(hash);
                let (halves, _) = pieces.as_chunks::<4>();
                let eight = ids.of_eight([halves[0], halves[1]]);
                prop_assert_eq!(eight.into_iter().flatten().map(text).collect::<Vec<_>>(), &wanted);
                prop_assert_eq!(&pieces.map(|path| text(ids.of(path))), &wanted);
            }
        }
    }
}
