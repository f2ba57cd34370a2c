//! Avro object container files: a head, then blocks of records.

use super::avro_schema::Type;
use super::codec::{Codec, Refusal, Unpacker};
use super::cursor::Cursor;
use super::error::{BlockFault, Error, SchemaFault};
use super::fault::Fault;
use super::skip::each_item;
use crate::limits::manifest::{AVRO_BLOCK_BYTES_MAX, MANIFEST_UNPACKED_BYTES_MAX};

const MAGIC: &[u8] = b"Obj\x01";
const MARKER_BYTES: usize = 16;

/// Properties that somebody asks for; others, however many, are not kept.
const PROPERTIES: [&str; 7] = [
    "avro.codec",
    "avro.schema",
    "content",
    "format-version",
    "partition-spec",
    "partition-spec-id",
    "schema",
];

/// A file whose head was read.
#[derive(Debug)]
pub(super) struct Container<'f> {
    properties: Properties<'f>,
    codec: Codec,
    marker: &'f [u8],
    blocks: Cursor<'f>,
}

impl<'f> Container<'f> {
    pub(super) fn open(bytes: &'f [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes.strip_prefix(MAGIC).ok_or(Error::Magic)?);
        let (properties, marker) = read_head(&mut cursor).map_err(|source| Error::Head { source })?;
        let codec = Codec::of(properties.find("avro.codec").unwrap_or_default())?;
        Ok(Self { properties, codec, marker, blocks: cursor })
    }

    /// A property of the file, which its writer put beside the schema.
    pub(super) fn property(&self, name: &str) -> Option<&'f [u8]> {
        self.properties.find(name)
    }

    pub(super) fn schema(&self) -> Result<Type, Error> {
        let json = self.property("avro.schema").ok_or(Error::Schema { fault: SchemaFault::Missing })?;
        Type::parse(json).map_err(|fault| Error::Schema { fault })
    }

    /// Unpacks block after block, and hands each out with the number of its records.
    pub(super) fn each_block<E: From<Error>>(
        &self,
        unpacker: &mut Unpacker,
        mut read: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut cursor = self.blocks;
        let mut bytes_left = MANIFEST_UNPACKED_BYTES_MAX;
        let mut number = 0;
        while !cursor.is_empty() {
            let (records, packed) =
                self.next_block(&mut cursor).map_err(|fault| Error::Block { number, fault })?;
            let plain = unpacker.unpack(self.codec, packed).map_err(|refusal| match refusal {
                Refusal::Broken(fault) => Error::Block { number, fault },
                Refusal::TooLarge => {
                    Error::TooLarge { what: "records of one block", bytes_max: AVRO_BLOCK_BYTES_MAX }
                }
            })?;
            bytes_left = bytes_left
                .checked_sub(plain.len())
                .ok_or(Error::TooLarge { what: "records", bytes_max: MANIFEST_UNPACKED_BYTES_MAX })?;
            read(records, plain)?;
            number += 1;
        }
        Ok(())
    }

    fn next_block(&self, cursor: &mut Cursor<'f>) -> Result<(usize, &'f [u8]), BlockFault> {
        let records = cursor.length().map_err(BlockFault::Head)?;
        let packed = cursor.blob().map_err(BlockFault::Head)?;
        let marker = cursor.take(MARKER_BYTES).map_err(BlockFault::Head)?;
        if marker == self.marker { Ok((records, packed)) } else { Err(BlockFault::Marker) }
    }
}

/// Values of [`PROPERTIES`], in their order.
#[derive(Debug, Default)]
struct Properties<'f>([Option<&'f [u8]>; PROPERTIES.len()]);

impl<'f> Properties<'f> {
    fn find(&self, name: &str) -> Option<&'f [u8]> {
        let mut known = PROPERTIES.iter().zip(&self.0);
        known.find(|(known, _)| **known == name).and_then(|(_, value)| *value)
    }

    fn note(&mut self, name: &[u8], value: &'f [u8]) {
        let mut known = PROPERTIES.iter().zip(&mut self.0);
        if let Some((_, place)) = known.find(|(known, _)| known.as_bytes() == name) {
            *place = Some(value);
        }
    }
}

fn read_head<'f>(cursor: &mut Cursor<'f>) -> Result<(Properties<'f>, &'f [u8]), Fault> {
    let mut properties = Properties::default();
    each_item(cursor, |cursor| {
        let name = cursor.blob()?;
        properties.note(name, cursor.blob()?);
        Ok(())
    })?;
    Ok((properties, cursor.take(MARKER_BYTES)?))
}
