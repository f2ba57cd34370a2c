//! Which delete files apply to a data file.
//!
//! Source: the Iceberg table specification, "Scan Planning".

use std::collections::HashMap;

use crate::manifest::columns::Bounds;
use crate::manifest::entry::{Entry, FileContent};
use crate::manifest::partition::Value;

/// The column of position deletes that holds paths of data files ("Reserved Field IDs").
const PATH_COLUMN: i32 = i32::MAX - 101;

/// The delete files of a scan, by what they apply to.
#[derive(Debug, Default)]
pub struct Deletes {
    count: usize,
    /// The greatest sequence number of a delete file.
    newest: i64,
    /// Deletion vectors, by the path of their data file.
    vectors: HashMap<String, Vec<Numbered>>,
    /// Position deletes of one data file, by its path.
    of_files: HashMap<String, Vec<Numbered>>,
    positions: HashMap<Partition, Vec<Positions>>,
    equalities: HashMap<Partition, Vec<Numbered>>,
    global_equalities: Vec<Numbered>,
}

/// A delete file by its place in the order in which they were added, and its sequence number.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    file: usize,
    sequence_number: i64,
}

#[derive(Debug)]
struct Positions {
    numbered: Numbered,
    /// Bounds of the paths of its data files.
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
}

/// A spec and a tuple; equal for equal partitions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partition {
    spec_id: i32,
    tuple: Vec<u8>,
}

impl Partition {
    pub fn of(spec_id: i32, values: &[Value<'_>]) -> Self {
        let mut tuple = Vec::new();
        for value in values {
            let mut put = |kind: u8, bytes: &[u8]| {
                tuple.push(kind);
                tuple.extend((bytes.len() as u64).to_le_bytes());
                tuple.extend(bytes);
            };
            match *value {
                Value::Null => put(0, &[]),
                Value::Boolean(value) => put(1, &[u8::from(value)]),
                // Whole numbers are equal, however wide the type was when they were written.
                Value::Int(value) => put(2, &i64::from(value).to_le_bytes()),
                Value::Long(value) => put(2, &value.to_le_bytes()),
                Value::Float(value) => put(3, &normal(value.into()).to_le_bytes()),
                Value::Double(value) => put(3, &normal(value).to_le_bytes()),
                Value::Text(value) => put(4, value.as_bytes()),
                Value::Bytes(value) => put(5, value),
                Value::Unread => put(6, &[]),
            }
        }
        Self { spec_id, tuple }
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.tuple.capacity()
    }
}

/// All NaNs are one ("Scan Planning", note 3).
fn normal(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// The only data file that a file of position deletes names, if the manifest tells. Older writers tell it by equal bounds;
/// such a delete file is found by a path, too, however many delete files its partition has.
pub fn only_file<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    let bound = |bounds: Option<Bounds<'a>>| bounds?.get(PATH_COLUMN);
    entry.referenced_data_file.or_else(|| {
        let low = bound(entry.lower_bounds).filter(|low| bound(entry.upper_bounds) == Some(*low))?;
        std::str::from_utf8(low).ok()
    })
}

impl Deletes {
    /// Notes a delete file, which gets the next number, from 0 on. In an unpartitioned spec equality deletes apply to
    /// every partition.
    pub fn add(&mut self, entry: &Entry<'_>, spec_id: i32, is_unpartitioned: bool) {
        let numbered = Numbered { file: self.count, sequence_number: entry.sequence_number.unwrap_or(0) };
        self.count += 1;
        self.newest = self.newest.max(numbered.sequence_number);
        let partition = || Partition::of(spec_id, &entry.partition);
        match entry.content {
            FileContent::EqualityDeletes if is_unpartitioned => self.global_equalities.push(numbered),
            FileContent::EqualityDeletes => self.equalities.entry(partition()).or_default().push(numbered),
            FileContent::PositionDeletes | FileContent::Data => {
                let of_one = |files: &mut HashMap<String, Vec<Numbered>>, path: &str| {
                    files.entry(path.to_owned()).or_default().push(numbered);
                };
                match only_file(entry) {
                    Some(path) if entry.content_offset.is_some() => of_one(&mut self.vectors, path),
                    Some(path) => of_one(&mut self.of_files, path),
                    None => {
                        let bound = |bounds: Option<Bounds<'_>>| bounds?.get(PATH_COLUMN).map(<[u8]>::to_vec);
                        let (low, high) = (bound(entry.lower_bounds), bound(entry.upper_bounds));
                        let positions = Positions { numbered, low, high };
                        self.positions.entry(partition()).or_default().push(positions);
                    }
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The sequence number from which on files lose no rows.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// The data files that delete files name, some of them more than once.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.vectors.keys().chain(self.of_files.keys()).map(String::as_str)
    }

    /// Whether some apply to files of a partition without naming them; the sequence number of none of these is smaller.
    pub fn reaches(&self, partition: &Partition, sequence_number: i64) -> bool {
        let mut positions = self.positions.get(partition).into_iter().flatten();
        let mut equalities = self.equalities_of(partition);
        positions.any(|positions| positions.numbered.sequence_number >= sequence_number)
            || equalities.any(|numbered| numbered.sequence_number > sequence_number)
    }

    fn equalities_of(&self, partition: &Partition) -> impl Iterator<Item = &Numbered> {
        self.equalities.get(partition).into_iter().flatten().chain(&self.global_equalities)
    }

    /// The numbers of the delete files that apply to a data file, in ascending order.
    pub fn of(&self, entry: &Entry<'_>, spec_id: i32) -> Vec<usize> {
        if self.is_empty() {
            return Vec::new();
        }
        let partition = Partition::of(spec_id, &entry.partition);
        self.of_file(entry.file_path, entry.sequence_number.unwrap_or(0), &partition)
    }

    /// The same of a file of this path, sequence number and partition.
    pub fn of_file(&self, path: &str, sequence_number: i64, partition: &Partition) -> Vec<usize> {
        let from_same_commit = |numbered: &&Numbered| numbered.sequence_number >= sequence_number;
        let vectors = self.vectors.get(path).into_iter().flatten().filter(from_same_commit);
        let mut found: Vec<usize> = vectors.map(|numbered| numbered.file).collect();
        // A vector holds what earlier position deletes held.
        if found.is_empty() {
            let of_file = self.of_files.get(path).into_iter().flatten().filter(from_same_commit);
            found.extend(of_file.map(|numbered| numbered.file));
            let positions = self.positions.get(partition).into_iter().flatten();
            let applies = |positions: &&Positions| {
                positions.numbered.sequence_number >= sequence_number && positions.may_name(path)
            };
            found.extend(positions.filter(applies).map(|positions| positions.numbered.file));
        }
        let later =
            self.equalities_of(partition).filter(|numbered| numbered.sequence_number > sequence_number);
        found.extend(later.map(|numbered| numbered.file));
        found.sort_unstable();
        found
    }
}

impl Positions {
    fn may_name(&self, path: &str) -> bool {
        let path = path.as_bytes();
        self.low.as_deref().is_none_or(|low| low <= path)
            && self.high.as_deref().is_none_or(|high| high >= path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::codec::Unpacker;
    use crate::manifest::entries::Manifest;
    use crate::manifest::entry::Inherited;
    use crate::manifest::error::Error;
    use crate::manifest::fixture::encode::Style;
    use crate::manifest::fixture::manifest;
    use crate::manifest::fixture::rows::{Cell, Row};

    const POSITIONS: i64 = 1;
    const EQUALITIES: i64 = 2;

    fn row(content: i64, sequence_number: i64, grp: i32) -> Row {
        Row {
            status: 1,
            content,
            sequence_number: Some(sequence_number),
            file_path: "data".to_owned(),
            file_format: "parquet".to_owned(),
            partition: vec![Cell::Int(grp)],
            ..Row::default()
        }
    }

    fn each(rows: &[Row], mut visit: impl FnMut(&Entry<'_>)) {
        let bytes = manifest(rows, &[(1_000, serde_json::json!("int"))], &Style::default());
        let read =
            Manifest::open(&bytes).unwrap().each(Inherited::default(), &mut Unpacker::new(), |entry| {
                visit(entry);
                Ok::<_, Error>(())
            });
        read.unwrap();
    }

    /// The delete files of a data file of spec 1.
    fn of(deletes: &[Row], is_unpartitioned: bool, file: Row) -> Vec<usize> {
        let mut all = Deletes::default();
        each(deletes, |entry| all.add(entry, 1, is_unpartitioned));
        let mut found = Vec::new();
        each(&[file], |entry| found = all.of(entry, 1));
        found
    }

    #[test]
    fn deletes_apply_to_older_files_of_their_partition() {
        let deletes = [
            row(POSITIONS, 4, 1),
            row(POSITIONS, 5, 1),
            row(POSITIONS, 5, 2),
            row(EQUALITIES, 5, 1),
            row(EQUALITIES, 6, 1),
        ];
        assert_eq!(of(&deletes, false, row(0, 5, 1)), [1, 4]);
        assert_eq!(of(&deletes, false, row(0, 6, 1)), [0_usize; 0]);
        assert_eq!(of(&deletes, false, row(0, 1, 2)), [2]);
        let mut all = Deletes::default();
        each(&deletes, |entry| all.add(entry, 2, false));
        each(&[row(0, 1, 1)], |entry| assert!(all.of(entry, 1).is_empty(), "another spec"));
    }

    #[test]
    fn equality_deletes_without_a_partition_apply_everywhere() {
        assert_eq!(of(&[row(EQUALITIES, 5, 0)], true, row(0, 4, 9)), [0]);
        assert_eq!(of(&[row(EQUALITIES, 5, 0)], true, row(0, 5, 9)), [0_usize; 0]);
    }

    #[test]
    fn a_vector_takes_the_place_of_position_deletes() {
        let path = Some("data".to_owned());
        let vector =
            Row { referenced_data_file: path.clone(), content_offset: Some(4), ..row(POSITIONS, 5, 1) };
        let of_file = Row { referenced_data_file: path, ..row(POSITIONS, 5, 1) };
        let deletes = [row(POSITIONS, 5, 1), of_file, vector.clone(), row(EQUALITIES, 6, 1)];
        assert_eq!(of(&deletes, false, row(0, 5, 1)), [2, 3]);
        let other = Row { file_path: "other".to_owned(), ..row(0, 5, 1) };
        assert_eq!(of(&deletes, false, other), [0, 3]);
        assert_eq!(of(&[vector], false, row(0, 6, 1)), [0_usize; 0], "it is older than the file");
    }

    #[test]
    fn bounds_of_paths_tell_files_apart() {
        let bound = |path: &str| Some(vec![(PATH_COLUMN, path.as_bytes().to_vec())]);
        let delete =
            |low, high| Row { lower_bounds: bound(low), upper_bounds: bound(high), ..row(POSITIONS, 5, 1) };
        let deletes = [delete("a", "c"), delete("data", "data"), delete("e", "f")];
        assert_eq!(of(&deletes, false, row(0, 5, 1)), [1]);
    }
}
