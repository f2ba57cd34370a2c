//! Shares and tokens at one moment, ready for look-ups.

use std::collections::HashMap;

use hashbrown::HashTable;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::entry::ShareEntry;
use crate::state::name;
use crate::state::record::{Share, Token};

/// All shares and all tokens at one moment, never changed.
#[derive(Debug, Default)]
pub struct Directory {
    /// Sorted by [`ShareEntry::key`].
    shares: Vec<ShareEntry>,
    /// Found by the first bytes of the digest, which are as good as any hash.
    tokens: HashTable<TokenEntry>,
}

#[derive(Debug)]
struct TokenEntry {
    id: Uuid,
    digest: [u8; 32],
    expires_ms: Option<i64>,
    /// Positions in `Directory::shares`, ascending, hence sorted by name.
    shares: Box<[usize]>,
}

impl Directory {
    /// Indexes the records of the state store. Tokens that open none of `shares` are left out.
    pub fn build(shares: Vec<Share>, tokens: Vec<Token>) -> Self {
        let mut shares: Vec<ShareEntry> = shares.into_iter().map(ShareEntry::new).collect();
        shares.sort_by(|a, b| a.key().cmp(b.key()));
        let position_of: HashMap<Uuid, usize> =
            shares.iter().enumerate().map(|(position, share)| (share.id(), position)).collect();
        let mut directory = Self { shares, tokens: HashTable::with_capacity(tokens.len()) };
        for token in tokens {
            let mut opens: Vec<usize> =
                token.share_ids.iter().filter_map(|id| position_of.get(id).copied()).collect();
            opens.sort_unstable();
            opens.dedup();
            if opens.is_empty() {
                continue;
            }
            let Token { id, digest, expires_ms, .. } = token;
            let entry = TokenEntry { id, digest, expires_ms, shares: opens.into_boxed_slice() };
            directory.tokens.insert_unique(hash_of(&digest), entry, |entry| hash_of(&entry.digest));
        }
        directory
    }

    /// Who holds the token with this SHA-256 digest; `None` if it is unknown or has expired at `now_ms`.
    pub fn recipient(&self, digest: &[u8; 32], now_ms: i64) -> Option<Recipient<'_>> {
        let token = self.tokens.find(hash_of(digest), |entry| bool::from(entry.digest.ct_eq(digest)))?;
        let is_alive = token.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms);
        is_alive.then_some(Recipient { directory: self, token })
    }

    /// All shares, sorted by name.
    pub fn shares(&self) -> &[ShareEntry] {
        &self.shares
    }

    /// Number of live and expired tokens that open a share.
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }
}

/// The holder of a live token: the one way from a request to shares.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    directory: &'a Directory,
    token: &'a TokenEntry,
}

impl<'a> Recipient<'a> {
    /// The token's id, safe to log; page tokens are bound to it.
    pub fn id(&self) -> Uuid {
        self.token.id
    }

    /// The granted shares, sorted by name.
    pub fn shares(&self) -> impl Iterator<Item = &'a ShareEntry> + use<'a> {
        let shares = &self.directory.shares;
        self.token.shares.iter().filter_map(|&position| shares.get(position))
    }

    /// A granted share by its name in any case.
    pub fn share(&self, share: &str) -> Option<&'a ShareEntry> {
        let key = name::fold(share);
        let position = self.directory.shares.binary_search_by(|entry| entry.key().cmp(&key)).ok()?;
        self.token.shares.binary_search(&position).ok()?;
        self.directory.shares.get(position)
    }
}

fn hash_of(digest: &[u8; 32]) -> u64 {
    digest.first_chunk().map_or(0, |start| u64::from_le_bytes(*start))
}

#[cfg(test)]
mod tests;
