//! Manifest lists: which manifests a snapshot has, and what each is about.

use super::avro_schema::{Form, Nulls, Type};
use super::codec::Unpacker;
use super::columns::{is_blob, is_number};
use super::container::Container;
use super::cursor::Cursor;
use super::error::{Error, SchemaFault};
use super::fault::Fault;
use super::skip::{Skip, each_item};

/// What a manifest lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Data,
    Deletes,
}

/// One manifest of a list ("Manifest Lists" of the Iceberg specification). Counts are `None` where nobody counted.
#[derive(Debug, Clone)]
pub struct ManifestFile<'a> {
    pub path: &'a str,
    pub length_bytes: i64,
    pub partition_spec_id: i32,
    pub content: Content,
    pub sequence_number: i64,
    pub min_sequence_number: i64,
    pub added_snapshot_id: Option<i64>,
    pub added_files_count: Option<i64>,
    pub existing_files_count: Option<i64>,
    pub deleted_files_count: Option<i64>,
    pub added_rows_count: Option<i64>,
    pub existing_rows_count: Option<i64>,
    pub deleted_rows_count: Option<i64>,
    pub partitions: Option<Summaries<'a>>,
    pub key_metadata: Option<&'a [u8]>,
    pub first_row_id: Option<i64>,
}

impl ManifestFile<'_> {
    fn empty() -> Self {
        Self {
            path: "",
            length_bytes: 0,
            partition_spec_id: 0,
            content: Content::Data,
            sequence_number: 0,
            min_sequence_number: 0,
            added_snapshot_id: None,
            added_files_count: None,
            existing_files_count: None,
            deleted_files_count: None,
            added_rows_count: None,
            existing_rows_count: None,
            deleted_rows_count: None,
            partitions: None,
            key_metadata: None,
            first_row_id: None,
        }
    }

    /// Whether it may list files that were not deleted.
    pub fn may_have_live_files(&self) -> bool {
        self.added_files_count != Some(0) || self.existing_files_count != Some(0)
    }
}

/// What is known of one partition field over all files of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldSummary<'a> {
    pub contains_null: bool,
    pub contains_nan: Option<bool>,
    pub lower_bound: Option<&'a [u8]>,
    pub upper_bound: Option<&'a [u8]>,
}

/// Summaries in the order of the spec's fields.
#[derive(Debug, Clone, Copy)]
pub struct Summaries<'a> {
    bytes: &'a [u8],
    form: &'a SummariesForm,
}

impl<'a> Summaries<'a> {
    pub fn iter(&self) -> impl Iterator<Item = FieldSummary<'a>> + use<'a> {
        let (mut cursor, mut left, form) = (Cursor::new(self.bytes), 0, self.form);
        let mut next = move || -> Result<Option<FieldSummary<'a>>, Fault> {
            if left == 0 {
                left = cursor.items()?;
                if left == 0 {
                    return Ok(None);
                }
            }
            left -= 1;
            form.read(&mut cursor).map(Some)
        };
        std::iter::from_fn(move || next().ok().flatten())
    }
}

#[derive(Debug, PartialEq)]
struct SummariesForm {
    nulls: Nulls,
    steps: Vec<(Nulls, SummaryStep)>,
}

#[derive(Debug, PartialEq)]
enum SummaryStep {
    ContainsNull,
    ContainsNan,
    LowerBound,
    UpperBound,
    Skip(Skip),
}

impl SummariesForm {
    /// `None` for a type that is no list of summaries.
    fn of(of: &Type) -> Option<Self> {
        let Form::Array(items) = &of.form else { return None };
        let (nulls, record) = items.optional();
        let mut steps = Vec::new();
        for field in record.fields()? {
            let (nulls, of) = field.of.optional();
            let step = match (field.id_by(&SUMMARY_FIELDS), &of.form) {
                (Some(509), Form::Boolean) => SummaryStep::ContainsNull,
                (Some(518), Form::Boolean) => SummaryStep::ContainsNan,
                (Some(510), form) if is_blob(form) => SummaryStep::LowerBound,
                (Some(511), form) if is_blob(form) => SummaryStep::UpperBound,
                _ => {
                    steps.extend(Skip::over(&field.of).map(|skip| (Nulls::Never, SummaryStep::Skip(skip))));
                    continue;
                }
            };
            steps.push((nulls, step));
        }
        // Without it nothing can be said of nulls.
        steps.iter().any(|(_, step)| *step == SummaryStep::ContainsNull).then_some(Self { nulls, steps })
    }

    fn read<'a>(&self, cursor: &mut Cursor<'a>) -> Result<FieldSummary<'a>, Fault> {
        let mut summary = FieldSummary { contains_null: true, ..FieldSummary::default() };
        if self.nulls.is_null(cursor)? {
            return Ok(summary);
        }
        for (nulls, step) in &self.steps {
            if nulls.is_null(cursor)? {
                continue;
            }
            match step {
                SummaryStep::ContainsNull => summary.contains_null = cursor.boolean()?,
                SummaryStep::ContainsNan => summary.contains_nan = Some(cursor.boolean()?),
                SummaryStep::LowerBound => summary.lower_bound = Some(cursor.blob()?),
                SummaryStep::UpperBound => summary.upper_bound = Some(cursor.blob()?),
                SummaryStep::Skip(skip) => skip.skip(cursor)?,
            }
        }
        Ok(summary)
    }
}

/// Names for writers that wrote no ids; version 1 had others for three of them.
const SUMMARY_FIELDS: [(&str, i32); 4] =
    [("contains_null", 509), ("contains_nan", 518), ("lower_bound", 510), ("upper_bound", 511)];

const FIELDS: [(&str, i32); 19] = [
    ("manifest_path", 500),
    ("manifest_length", 501),
    ("partition_spec_id", 502),
    ("added_snapshot_id", 503),
    ("added_files_count", 504),
    ("added_data_files_count", 504),
    ("existing_files_count", 505),
    ("existing_data_files_count", 505),
    ("deleted_files_count", 506),
    ("deleted_data_files_count", 506),
    ("partitions", 507),
    ("added_rows_count", 512),
    ("existing_rows_count", 513),
    ("deleted_rows_count", 514),
    ("sequence_number", 515),
    ("min_sequence_number", 516),
    ("content", 517),
    ("key_metadata", 519),
    ("first_row_id", 520),
];

#[derive(Debug)]
enum Step {
    Path,
    /// A number, by the id of its field.
    Number(i32),
    KeyMetadata,
    Partitions,
    Skip(Skip),
}

/// A manifest list whose head was read.
#[derive(Debug)]
pub struct ManifestList<'f> {
    container: Container<'f>,
    steps: Vec<(Nulls, Step)>,
    summaries: Option<SummariesForm>,
}

impl<'f> ManifestList<'f> {
    /// Reads the head of a file.
    pub fn open(bytes: &'f [u8]) -> Result<Self, Error> {
        let container = Container::open(bytes)?;
        let schema = container.schema()?;
        let mut list = Self { container, steps: Vec::new(), summaries: None };
        list.plan(&schema).map_err(|fault| Error::Schema { fault })?;
        Ok(list)
    }

    fn plan(&mut self, schema: &Type) -> Result<(), SchemaFault> {
        for field in schema.fields().ok_or(SchemaFault::Record)? {
            let (nulls, of) = field.of.optional();
            let step = match (field.id_by(&FIELDS), &of.form) {
                (Some(500), Form::Text) => Step::Path,
                (Some(500), _) => return Err(SchemaFault::Unlike("manifest_path")),
                (Some(id @ (501..=506 | 512..=517 | 520)), form) if is_number(form) => Step::Number(id),
                (Some(501..=506 | 512..=517 | 520), _) => {
                    return Err(SchemaFault::Unlike("a number of manifest_file"));
                }
                (Some(519), form) if is_blob(form) => Step::KeyMetadata,
                (Some(507), _) if self.summaries.is_none() && SummariesForm::of(of).is_some() => {
                    self.summaries = SummariesForm::of(of);
                    Step::Partitions
                }
                _ => {
                    self.steps.extend(Skip::over(&field.of).map(|skip| (Nulls::Never, Step::Skip(skip))));
                    continue;
                }
            };
            self.steps.push((nulls, step));
        }
        let has = |wanted: fn(&Step) -> bool| self.steps.iter().any(|(_, step)| wanted(step));
        if !has(|step| matches!(step, Step::Path)) {
            return Err(SchemaFault::Lacks("manifest_path"));
        }
        if !has(|step| matches!(step, Step::Number(502))) {
            return Err(SchemaFault::Lacks("partition_spec_id"));
        }
        Ok(())
    }

    /// Hands out each manifest, in the order of the file.
    pub fn each<E: From<Error>>(
        &self,
        unpacker: &mut Unpacker,
        mut visit: impl FnMut(&ManifestFile<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut number = 0;
        self.container.each_block(unpacker, |records, plain| {
            let mut cursor = Cursor::new(plain);
            for _ in 0..records {
                let file = self.read(&mut cursor).map_err(|source| Error::Record { number, source })?;
                visit(&file)?;
                number += 1;
            }
            if cursor.is_empty() {
                Ok(())
            } else {
                Err(Error::Record { number, source: Fault::LeftOver }.into())
            }
        })
    }

    fn read<'a>(&'a self, cursor: &mut Cursor<'a>) -> Result<ManifestFile<'a>, Fault> {
        let mut file = ManifestFile::empty();
        let (mut has_path, mut has_spec) = (false, false);
        for (nulls, step) in &self.steps {
            if nulls.is_null(cursor)? {
                continue;
            }
            match step {
                Step::Path => {
                    file.path = cursor.text()?;
                    has_path = true;
                }
                Step::Number(id) => {
                    has_spec |= *id == 502;
                    set_number(&mut file, *id, cursor.long()?)?;
                }
                Step::KeyMetadata => file.key_metadata = Some(cursor.blob()?),
                Step::Partitions => {
                    let Some(form) = &self.summaries else { continue };
                    let before = *cursor;
                    each_item(cursor, |cursor| form.read(cursor).map(drop))?;
                    file.partitions = Some(Summaries { bytes: cursor.since(&before), form });
                }
                Step::Skip(skip) => skip.skip(cursor)?,
            }
        }
        if has_path && has_spec { Ok(file) } else { Err(Fault::Missing) }
    }
}

fn set_number(file: &mut ManifestFile<'_>, id: i32, number: i64) -> Result<(), Fault> {
    match id {
        501 => file.length_bytes = number,
        502 => file.partition_spec_id = i32::try_from(number).map_err(|_| Fault::Number)?,
        503 => file.added_snapshot_id = Some(number),
        504 => file.added_files_count = Some(number),
        505 => file.existing_files_count = Some(number),
        506 => file.deleted_files_count = Some(number),
        512 => file.added_rows_count = Some(number),
        513 => file.existing_rows_count = Some(number),
        514 => file.deleted_rows_count = Some(number),
        515 => file.sequence_number = number,
        516 => file.min_sequence_number = number,
        517 => {
            file.content = match number {
                0 => Content::Data,
                1 => Content::Deletes,
                _ => return Err(Fault::Symbol),
            }
        }
        _ => file.first_row_id = Some(number),
    }
    Ok(())
}
