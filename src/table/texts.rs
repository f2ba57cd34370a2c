//! Texts of rows, in chunks that stay where they are.

/// Bytes of the first chunk; the next ones are twice as long each, up to [`CHUNK_BYTES_MAX`].
const FIRST_CHUNK_BYTES: usize = 4 << 10;

/// Bytes of a chunk that serves again: its end, which is left empty, is small beside it.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Texts by number. A chunk that is full is left alone and another one begins: one growing arena would be copied again
/// and again, and each copy would touch fresh memory.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// Those behind the current one are empty.
    chunks: Vec<Vec<u8>>,
    current: usize,
    places: Vec<Place>,
    byte_count: usize,
}

/// Where a text is.
#[derive(Debug, Clone, Copy)]
struct Place {
    chunk: u32,
    start: u32,
    end: u32,
}

impl Texts {
    pub(crate) fn byte_count(&self) -> usize {
        self.byte_count
    }

    /// The text with this number; empty if there is none.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let Some(&Place { chunk, start, end }) = self.places.get(index) else { return &[] };
        let chunk = self.chunks.get(chunk as usize);
        chunk.and_then(|chunk| chunk.get(start as usize..end as usize)).unwrap_or_default()
    }

    /// Appends the text that `write` adds to a chunk; it must only append. With more than `room` bytes it may be copied.
    pub(crate) fn push_with(&mut self, room: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.make_room(room);
        let Some(chunk) = self.chunks.get_mut(self.current) else { return };
        let start = chunk.len();
        write(chunk);
        self.byte_count += chunk.len() - start;
        let place =
            [self.current, start, chunk.len()].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let [chunk, start, end] = place;
        assert!(end < u32::MAX, "a chunk ends soon after it is full, and a text is far shorter than 4 GiB");
        self.places.push(Place { chunk, start, end });
    }

    /// Makes the current chunk one that has `room`.
    fn make_room(&mut self, room: usize) {
        let mut capacity = FIRST_CHUNK_BYTES;
        if let Some(chunk) = self.chunks.get(self.current) {
            if chunk.is_empty() || chunk.capacity() - chunk.len() >= room {
                return;
            }
            capacity = (2 * chunk.capacity()).min(CHUNK_BYTES_MAX);
            self.current += 1;
        }
        if self.chunks.len() == self.current {
            self.chunks.push(Vec::with_capacity(capacity.max(room)));
        }
    }

    /// Forgets the texts and keeps the chunks, but for those that single texts have made long.
    pub(crate) fn clear(&mut self) {
        self.chunks.retain(|chunk| chunk.capacity() <= CHUNK_BYTES_MAX);
        self.chunks.iter_mut().for_each(Vec::clear);
        self.places.clear();
        (self.current, self.byte_count) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chunks_serve_again_and_long_ones_are_given_back() {
        let mut texts = Texts::default();
        let push =
            |texts: &mut Texts, bytes: usize| texts.push_with(bytes, |out| out.resize(out.len() + bytes, 7));
        (0..3_000).for_each(|_| push(&mut texts, 1_000));
        push(&mut texts, 2 * CHUNK_BYTES_MAX);
        let addresses = |texts: &Texts| texts.chunks.iter().map(Vec::as_ptr).collect::<Vec<_>>();
        let before = addresses(&texts);
        texts.clear();
        assert_eq!((texts.byte_count(), texts.get(0)), (0, &[][..]));
        (0..3_000).for_each(|_| push(&mut texts, 1_000));
        assert_eq!(addresses(&texts), before[..before.len() - 1]);
    }

    proptest! {
        #[test]
        fn texts_come_back_as_they_were_whatever_room_was_asked_for(
            all in prop::collection::vec((0_usize..9_000, 0_usize..20_000), 1..60),
            rounds in 1..3,
        ) {
            let mut texts = Texts::default();
            for _ in 0..rounds {
                texts.clear();
                for (number, &(length, room)) in (0..).zip(&all) {
                    texts.push_with(room, |out| out.resize(out.len() + length, number));
                }
                for (number, &(length, _)) in (0..).zip(&all) {
                    prop_assert_eq!(texts.get(usize::from(number)), vec![number; length]);
                }
                prop_assert_eq!(texts.byte_count(), all.iter().map(|&(length, _)| length).sum::<usize>());
            }
        }
    }
}
