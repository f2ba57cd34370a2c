//! Chunks of an upload's own framing, kept small before s3s reads them.
//!
//! Under `aws-chunked` (Amazon S3, "Signature calculations: transferring a payload in multiple chunks") a
//! client may send a whole part as one chunk, and s3s gathers a chunk before it passes it on. Chunks
//! without a signature are cut here as they arrive; a signed chunk cannot be cut, and has a bound.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame};

use crate::limits::objects::UPLOAD_CHUNK_BYTES_MAX;

/// The line before a chunk: a size in hex and, if signed, a signature of 64 letters.
const LINE_BYTES_MAX: usize = 1_024;

/// How the bodies of a request are framed, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Unsigned,
    Signed,
}

impl Framing {
    /// `None` for a body without framing.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let announced = headers.get("x-amz-content-sha256")?.to_str().ok()?;
        if announced == "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
            return Some(Self::Unsigned);
        }
        announced.starts_with("STREAMING-").then_some(Self::Signed)
    }
}

/// A chunk that cannot be: the text goes to the log, the client reads that the body is malformed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChunkError {
    #[error("the line before a chunk is no size, or longer than {LINE_BYTES_MAX} bytes")]
    Line,
    #[error("a signed chunk has {bytes} bytes, more than {UPLOAD_CHUNK_BYTES_MAX}")]
    TooLarge { bytes: u64 },
    #[error("a chunk does not end in a line break")]
    End,
}

#[derive(Debug)]
enum State {
    Line(Vec<u8>),
    Data {
        remaining: u64,
    },
    /// Bytes of the line break after a chunk that are still to come.
    End {
        remaining: usize,
    },
    /// After the last chunk: trailers, which s3s reads.
    Rest,
}

/// Cuts or measures chunks; pieces go out in the order in which they came.
#[derive(Debug)]
struct Cutter {
    framing: Framing,
    state: State,
    out: VecDeque<Bytes>,
}

impl Cutter {
    fn new(framing: Framing) -> Self {
        Self { framing, state: State::Line(Vec::new()), out: VecDeque::new() }
    }

    fn push(&mut self, mut input: Bytes) -> Result<(), ChunkError> {
        while !input.is_empty() {
            match &mut self.state {
                State::Line(line) => {
                    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
                        line.extend_from_slice(&input);
                        if line.len() > LINE_BYTES_MAX {
                            return Err(ChunkError::Line);
                        }
                        return Ok(());
                    };
                    line.extend_from_slice(&input.split_to(end + 1));
                    let line = Bytes::from(std::mem::take(line));
                    self.begin(line)?;
                }
                State::Data { remaining } => {
                    let count = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                    let piece = input.split_to(count);
                    *remaining -= piece.len() as u64;
                    if *remaining == 0 {
                        self.state = State::End { remaining: 2 };
                    }
                    self.emit(piece);
                }
                State::End { remaining } => {
                    let expected = if *remaining == 2 { b'\r' } else { b'\n' };
                    if input.first() != Some(&expected) {
                        return Err(ChunkError::End);
                    }
                    *remaining -= 1;
                    let is_over = *remaining == 0;
                    if self.framing == Framing::Signed {
                        self.out.push_back(input.split_to(1));
                    } else {
                        input.advance(1);
                    }
                    if is_over {
                        self.state = State::Line(Vec::new());
                    }
                }
                State::Rest => self.out.push_back(std::mem::take(&mut input)),
            }
        }
        Ok(())
    }

    fn begin(&mut self, line: Bytes) -> Result<(), ChunkError> {
        let digits = line.split(|byte| matches!(byte, b';' | b'\r' | b'\n')).next().unwrap_or_default();
        let bytes = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or(ChunkError::Line)?;
        if line.len() > LINE_BYTES_MAX {
            return Err(ChunkError::Line);
        }
        if self.framing == Framing::Signed && bytes > UPLOAD_CHUNK_BYTES_MAX as u64 {
            return Err(ChunkError::TooLarge { bytes });
        }
        self.state = if bytes == 0 { State::Rest } else { State::Data { remaining: bytes } };
        if bytes == 0 || self.framing == Framing::Signed {
            self.out.push_back(line);
        }
        Ok(())
    }

    /// Passes data on: as it is, or as a chunk of its own.
    fn emit(&mut self, piece: Bytes) {
        match self.framing {
            Framing::Signed => self.out.push_back(piece),
            Framing::Unsigned => {
                self.out.push_back(Bytes::from(format!("{:x}\r\n", piece.len())));
                self.out.push_back(piece);
                self.out.push_back(Bytes::from_static(b"\r\n"));
            }
        }
    }
}

/// A body whose chunks are small enough to be gathered.
#[derive(Debug)]
pub(super) struct Cut<B> {
    inner: B,
    cutter: Cutter,
}

impl<B> Cut<B> {
    pub(super) fn new(inner: B, framing: Framing) -> Self {
        Self { inner, cutter: Cutter::new(framing) }
    }
}

impl<B> Body for Cut<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<s3s::StdError>,
{
    type Data = Bytes;
    type Error = s3s::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if let Some(piece) = self.cutter.out.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let frame = match std::task::ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) => self.cutter.push(data)?,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `input` in pieces that end at `cuts`, and returns what comes out, piece by piece.
    fn through(framing: Framing, input: &[u8], cuts: &[usize]) -> Result<Vec<Bytes>, ChunkError> {
        let mut cutter = Cutter::new(framing);
        let mut start = 0;
        let mut ends: Vec<usize> =
            cuts.iter().map(|cut| cut % (input.len() + 1)).chain([input.len()]).collect();
        ends.sort_unstable();
        for end in ends {
            cutter.push(Bytes::copy_from_slice(&input[start..end]))?;
            start = end;
        }
        Ok(cutter.out.into())
    }

    /// The data of unsigned chunks, read naively.
    fn decoded(mut input: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut data = Vec::new();
        loop {
            let end = input.windows(2).position(|pair| pair == b"\r\n").unwrap();
            let size = usize::from_str_radix(std::str::from_utf8(&input[..end]).unwrap(), 16).unwrap();
            input = &input[end + 2..];
            if size == 0 {
                return (data, input.to_vec());
            }
            data.extend_from_slice(&input[..size]);
            assert_eq!(&input[size..size + 2], b"\r\n");
            input = &input[size + 2..];
        }
    }

    proptest! {
        #[test]
        fn cut_chunks_carry_the_same_data_and_trailers(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            cuts in prop::collection::vec(any::<usize>(), 0..8),
        ) {
            let mut input = Vec::new();
            for chunk in &chunks {
                input.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                input.extend_from_slice(chunk);
                input.extend_from_slice(b"\r\n");
            }
            input.extend_from_slice(b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
            let out: Vec<u8> = through(Framing::Unsigned, &input, &cuts).unwrap().concat();
            prop_assert_eq!(decoded(&out), decoded(&input));
            let signed: Vec<u8> = through(Framing::Signed, &input, &cuts).unwrap().concat();
            prop_assert_eq!(signed, input, "signed chunks pass as they are");
        }

        #[test]
        fn no_input_makes_the_cutter_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(through(Framing::Unsigned, &input, &[]));
            drop(through(Framing::Signed, &input, &[]));
        }
    }

    #[test]
    fn a_signed_chunk_has_a_bound_and_an_unsigned_one_has_none() {
        let line = format!("{:x};chunk-signature=0\r\n", UPLOAD_CHUNK_BYTES_MAX + 1);
        assert!(matches!(through(Framing::Signed, line.as_bytes(), &[]), Err(ChunkError::TooLarge { .. })));
        assert!(through(Framing::Unsigned, b"140000000\r\nabc", &[]).is_ok(), "five GiB in one chunk");
    }
}
