//! Manifests: files, each with its partition and its statistics.
//!
//! The schema of the file is compiled to a list of steps, one for each field in the writer's order, found by field id.
//! Fields that nobody knows are passed over.

use super::avro_schema::{Field, Form, Nulls, Type};
use super::codec::Unpacker;
use super::columns::{Bounds, Counts, Numbers, PairForm, PairIds, is_blob, is_number, numbers_form};
use super::container::Container;
use super::cursor::Cursor;
use super::entry::{Entry, FileContent, Inherited, Status};
use super::error::{Error, SchemaFault};
use super::fault::Fault;
use super::manifest_list::Content;
use super::partition::{PartitionField, TupleForm};
use super::skip::Skip;

/// Names for writers that wrote no ids.
const FIELDS: [(&str, i32); 26] = [
    ("status", 0),
    ("snapshot_id", 1),
    ("data_file", 2),
    ("sequence_number", 3),
    ("file_sequence_number", 4),
    ("file_path", 100),
    ("file_format", 101),
    ("partition", 102),
    ("record_count", 103),
    ("file_size_in_bytes", 104),
    ("column_sizes", 108),
    ("value_counts", 109),
    ("null_value_counts", 110),
    ("lower_bounds", 125),
    ("upper_bounds", 128),
    ("key_metadata", 131),
    ("split_offsets", 132),
    ("content", 134),
    ("equality_ids", 135),
    ("nan_value_counts", 137),
    ("sort_order_id", 140),
    ("first_row_id", 142),
    ("referenced_data_file", 143),
    ("content_offset", 144),
    ("content_size_in_bytes", 145),
    // Known, and of no use.
    ("block_size_in_bytes", 105),
];

/// Bit of each field that an entry must have.
const STATUS: u8 = 1;
const PATH: u8 = 2;
const FORMAT: u8 = 4;
const RECORDS: u8 = 8;
const SIZE: u8 = 16;
const REQUIRED: [(u8, &str); 5] = [
    (STATUS, "status"),
    (PATH, "file_path"),
    (FORMAT, "file_format"),
    (RECORDS, "record_count"),
    (SIZE, "file_size_in_bytes"),
];
const ALL: u8 = STATUS | PATH | FORMAT | RECORDS | SIZE;

/// What to do with the next field.
#[derive(Debug)]
enum Step {
    /// A number, by the id of its field.
    Number(i32),
    FilePath,
    FileFormat,
    ReferencedDataFile,
    KeyMetadata,
    Partition,
    /// Counts and bounds by column, by the id of their field.
    Counts(i32, PairForm),
    Bounds(i32, PairForm),
    SplitOffsets(Nulls),
    EqualityIds(Nulls),
    /// The fields of the file follow; it must not be null.
    Enter,
    Skip(Skip),
}

/// A manifest whose head was read.
#[derive(Debug)]
pub struct Manifest<'f> {
    container: Container<'f>,
    steps: Vec<(Nulls, Step)>,
    tuple: Option<TupleForm>,
    partition_fields: Vec<PartitionField>,
}

impl<'f> Manifest<'f> {
    /// Reads the head of a file.
    pub fn open(bytes: &'f [u8]) -> Result<Self, Error> {
        let container = Container::open(bytes)?;
        let schema = container.schema()?;
        let mut manifest = Self { container, steps: Vec::new(), tuple: None, partition_fields: Vec::new() };
        manifest.plan(&schema).map_err(|fault| Error::Schema { fault })?;
        Ok(manifest)
    }

    /// The fields of the partition tuples, in their order.
    pub fn partition_fields(&self) -> &[PartitionField] {
        &self.partition_fields
    }

    /// The spec that the manifest was written with, if it says so.
    pub fn partition_spec_id(&self) -> Option<i32> {
        std::str::from_utf8(self.container.property("partition-spec-id")?).ok()?.parse().ok()
    }

    /// The fields of that spec as JSON, if the manifest holds them.
    pub fn partition_spec_json(&self) -> Option<&'f [u8]> {
        self.container.property("partition-spec")
    }

    /// The schema of the table when the manifest was written, as JSON, if the manifest holds it.
    pub fn schema_json(&self) -> Option<&'f [u8]> {
        self.container.property("schema")
    }

    /// What the manifest lists, if it says so.
    pub fn content(&self) -> Option<Content> {
        match self.container.property("content")? {
            b"data" => Some(Content::Data),
            b"deletes" => Some(Content::Deletes),
            _ => None,
        }
    }

    /// Hands out each entry, deleted ones too, in the order of the file.
    pub fn each<E: From<Error>>(
        &self,
        mut inherited: Inherited,
        unpacker: &mut Unpacker,
        mut visit: impl FnMut(&Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut number = 0;
        self.container.each_block(unpacker, |records, plain| {
            let mut cursor = Cursor::new(plain);
            let mut entry = Entry::empty();
            for _ in 0..records {
                self.read(&mut cursor, &mut entry)
                    .and_then(|()| inherited.give(&mut entry))
                    .map_err(|source| Error::Record { number, source })?;
                visit(&entry)?;
                number += 1;
            }
            if cursor.is_empty() {
                Ok(())
            } else {
                Err(Error::Record { number, source: Fault::LeftOver }.into())
            }
        })
    }

    fn plan(&mut self, schema: &Type) -> Result<(), SchemaFault> {
        for field in schema.fields().ok_or(SchemaFault::Record)? {
            self.plan_field(field, false)?;
        }
        let has = |bit| {
            self.steps.iter().any(|(_, step)| match bit {
                STATUS => matches!(step, Step::Number(0)),
                RECORDS => matches!(step, Step::Number(103)),
                SIZE => matches!(step, Step::Number(104)),
                PATH => matches!(step, Step::FilePath),
                _ => matches!(step, Step::FileFormat),
            })
        };
        match REQUIRED.iter().find(|(bit, _)| !has(*bit)) {
            Some((_, name)) => Err(SchemaFault::Lacks(name)),
            None => Ok(()),
        }
    }

    fn plan_field(&mut self, field: &Field, is_inside: bool) -> Result<(), SchemaFault> {
        let (nulls, of) = field.of.optional();
        let id = field.id_by(&FIELDS).filter(|id| (*id >= 100) == is_inside);
        match id {
            Some(2) => {
                self.steps.push((nulls, Step::Enter));
                for field in of.fields().ok_or(SchemaFault::Unlike("data_file"))? {
                    self.plan_field(field, true)?;
                }
            }
            Some(102) => {
                let (form, fields) = TupleForm::of(nulls, of)?;
                self.tuple = Some(form);
                self.partition_fields = fields;
                self.steps.push((Nulls::Never, Step::Partition));
            }
            _ => match id.map(|id| value_step(id, of)).transpose()?.flatten() {
                Some(step) => self.steps.push((nulls, step)),
                None => self.steps.extend(Skip::over(&field.of).map(|skip| (Nulls::Never, Step::Skip(skip)))),
            },
        }
        Ok(())
    }

    #[inline]
    fn read<'a>(&self, cursor: &mut Cursor<'a>, entry: &mut Entry<'a>) -> Result<(), Fault> {
        entry.clear();
        let mut has = 0;
        for (nulls, step) in &self.steps {
            if nulls.is_null(cursor)? {
                if matches!(step, Step::Enter) {
                    return Err(Fault::Missing);
                }
                continue;
            }
            match step {
                Step::Number(id) => has |= set_number(entry, *id, cursor.long()?)?,
                Step::FilePath => {
                    entry.file_path = cursor.text()?;
                    has |= PATH;
                }
                Step::FileFormat => {
                    entry.file_format = cursor.text()?;
                    has |= FORMAT;
                }
                Step::ReferencedDataFile => entry.referenced_data_file = Some(cursor.text()?),
                Step::KeyMetadata => entry.key_metadata = Some(cursor.blob()?),
                Step::Partition => {
                    if let Some(form) = &self.tuple {
                        form.read(cursor, &mut entry.partition)?;
                    }
                }
                Step::Counts(id, form) => {
                    let counts = Some(Counts::read(cursor, *form)?);
                    match id {
                        108 => entry.column_sizes = counts,
                        109 => entry.value_counts = counts,
                        110 => entry.null_value_counts = counts,
                        _ => entry.nan_value_counts = counts,
                    }
                }
                Step::Bounds(id, form) => {
                    let bounds = Some(Bounds::read(cursor, *form)?);
                    if *id == 125 { entry.lower_bounds = bounds } else { entry.upper_bounds = bounds }
                }
                Step::SplitOffsets(nulls) => entry.split_offsets = Some(Numbers::read(cursor, *nulls)?),
                Step::EqualityIds(nulls) => entry.equality_ids = Some(Numbers::read(cursor, *nulls)?),
                Step::Enter => {}
                Step::Skip(skip) => skip.skip(cursor)?,
            }
        }
        if has == ALL { Ok(()) } else { Err(Fault::Missing) }
    }
}

/// How the field of an id is read. `None` for one that is passed over: statistics are optional, so that those in another
/// form are as good as missing; what a reader has to know is refused.
fn value_step(id: i32, of: &Type) -> Result<Option<Step>, SchemaFault> {
    let counts =
        |key, value| PairForm::of(of, PairIds { key, value }, is_number).map(|form| Step::Counts(id, form));
    let bounds =
        |key, value| PairForm::of(of, PairIds { key, value }, is_blob).map(|form| Step::Bounds(id, form));
    Ok(match id {
        0 | 1 | 3 | 4 | 103 | 104 | 134 | 140 | 142 | 144 | 145 => {
            let name = FIELDS.iter().find(|(_, known)| *known == id).map_or("", |(name, _)| name);
            Some(is_number(&of.form).then_some(Step::Number(id)).ok_or(SchemaFault::Unlike(name))?)
        }
        100 => Some(text(of, Step::FilePath, "file_path")?),
        101 => Some(text(of, Step::FileFormat, "file_format")?),
        143 => Some(text(of, Step::ReferencedDataFile, "referenced_data_file")?),
        131 => is_blob(&of.form).then_some(Step::KeyMetadata),
        108 => counts(117, 118),
        109 => counts(119, 120),
        110 => counts(121, 122),
        137 => counts(138, 139),
        125 => bounds(126, 127),
        128 => bounds(129, 130),
        132 => numbers_form(of).map(Step::SplitOffsets),
        135 => Some(numbers_form(of).map(Step::EqualityIds).ok_or(SchemaFault::Unlike("equality_ids"))?),
        _ => None,
    })
}

fn text(of: &Type, step: Step, name: &'static str) -> Result<Step, SchemaFault> {
    if of.form == Form::Text { Ok(step) } else { Err(SchemaFault::Unlike(name)) }
}

/// The bit of the field, if it is required.
#[inline]
fn set_number(entry: &mut Entry<'_>, id: i32, number: i64) -> Result<u8, Fault> {
    match id {
        0 => {
            entry.status = match number {
                0 => Status::Existing,
                1 => Status::Added,
                2 => Status::Deleted,
                _ => return Err(Fault::Symbol),
            };
            return Ok(STATUS);
        }
        1 => entry.snapshot_id = Some(number),
        3 => entry.sequence_number = Some(number),
        4 => entry.file_sequence_number = Some(number),
        103 => {
            entry.record_count = number;
            return Ok(RECORDS);
        }
        104 => {
            entry.file_size_bytes = number;
            return Ok(SIZE);
        }
        134 => {
            entry.content = match number {
                0 => FileContent::Data,
                1 => FileContent::PositionDeletes,
                2 => FileContent::EqualityDeletes,
                _ => return Err(Fault::Symbol),
            }
        }
        140 => entry.sort_order_id = Some(i32::try_from(number).map_err(|_| Fault::Number)?),
        142 => entry.first_row_id = Some(number),
        144 => entry.content_offset = Some(number),
        _ => entry.content_size_bytes = Some(number),
    }
    Ok(0)
}
