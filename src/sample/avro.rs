//! Avro container files, as small as Iceberg's manifests need them.
//!
//! Source: Apache Avro 1.12 specification, "Binary encoding" and "Object Container Files".

/// Values in Avro's binary encoding, one behind the other.
#[derive(Debug, Clone, Default)]
pub struct Record {
    bytes: Vec<u8>,
}

impl Record {
    /// `int` and `long`: zigzag, seven bits a byte.
    pub fn long(&mut self, value: i64) -> &mut Self {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        loop {
            let [low, ..] = (rest & 0x7f).to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                self.bytes.push(low);
                break;
            }
            self.bytes.push(low | 0x80);
        }
        self
    }

    /// `bytes` and `string`: the length, then the bytes.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.long(count(value.len()));
        self.bytes.extend_from_slice(value);
        self
    }

    pub fn string(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    /// The branch of a union that stands at `index`; its value follows.
    pub fn branch(&mut self, index: u8) -> &mut Self {
        self.long(i64::from(index))
    }

    /// An array of records, in one block.
    pub fn array(&mut self, records: &[Self]) -> &mut Self {
        if !records.is_empty() {
            self.long(count(records.len()));
            for record in records {
                self.bytes.extend_from_slice(&record.bytes);
            }
        }
        self.long(0)
    }
}

/// A file of `records`; `metadata` stands in its head beside the schema.
pub fn container(schema: &str, metadata: &[(&str, &str)], sync: [u8; 16], records: &[Record]) -> Vec<u8> {
    let mut head = Record { bytes: b"Obj\x01".to_vec() };
    let fixed = [("avro.schema", schema), ("avro.codec", "null")];
    head.long(count(fixed.len() + metadata.len()));
    for (key, value) in fixed.iter().chain(metadata) {
        head.string(key).string(value);
    }
    head.long(0);
    head.bytes.extend_from_slice(&sync);
    let block: Vec<u8> = records.iter().flat_map(|record| record.bytes.iter().copied()).collect();
    head.long(count(records.len())).bytes(&block);
    head.bytes.extend_from_slice(&sync);
    head.bytes
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(write: impl Fn(&mut Record) -> &mut Record) -> Vec<u8> {
        let mut record = Record::default();
        write(&mut record);
        record.bytes
    }

    /// Avro 1.12 specification, "Primitive Types": the table of longs, and the example of a string.
    #[test]
    fn values_are_encoded_as_in_the_specification() {
        for (value, bytes) in [
            (0, vec![0]),
            (-1, vec![1]),
            (1, vec![2]),
            (-2, vec![3]),
            (-64, vec![0x7f]),
            (64, vec![0x80, 0x01]),
        ] {
            assert_eq!(encoded(|record| record.long(value)), bytes, "{value}");
        }
        assert_eq!(encoded(|record| record.string("foo")), [0x06, 0x66, 0x6f, 0x6f]);
        assert_eq!(encoded(|record| record.long(i64::MIN)).len(), 10);
        assert_eq!(encoded(|record| record.array(&[])), [0]);
        let items = [3, 27].map(|value| {
            let mut item = Record::default();
            item.long(value);
            item
        });
        assert_eq!(encoded(|record| record.array(&items)), [0x04, 0x06, 0x36, 0x00]);
    }

    #[test]
    fn a_file_ends_every_block_with_its_mark() {
        let mut record = Record::default();
        record.long(7);
        let file = container("\"long\"", &[("k", "v")], [9; 16], &[record]);
        assert!(file.starts_with(b"Obj\x01\x06\x16avro.schema"), "{file:?}");
        assert!(file.ends_with(&[[9; 16].as_slice(), &[2, 2, 14], &[9; 16]].concat()), "{file:?}");
    }
}
