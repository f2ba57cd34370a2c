//! Columns whose type was another once, and the files that have it.
//!
//! Schemas tell which types there were, not which files are left of them. Bounds tell it of types whose values differ in
//! length; where they do not, the file itself does, by its footer. Once all files are of the current type nobody has to
//! know of another.

use std::sync::OnceLock;

use futures::{StreamExt, stream};
use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::schema::types::Type as Column;

use super::error::{Error, Fault};
use super::footers;
use super::list::Source;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::types::Type;
use crate::limits::uniform::{FOOTERS_MAX, FOOTERS_READ_AT_ONCE, FOOTERS_SAMPLED};
use crate::manifest::entry::Entry;
use crate::storage::table_store::TableStore;

/// Bytes of the numbers that were widened, and of those that they became.
const NARROW_BYTES: usize = 4;
const WIDE_BYTES: usize = 8;

/// The part of a variant that holds what was shredded (Apache Parquet, "Variant Shredding").
const SHREDDED: &str = "typed_value";

/// A field that had other types than the one it has, or whose type has several forms in files.
#[derive(Debug, Clone)]
pub(super) struct Former {
    pub(super) id: i32,
    pub(super) now: Type,
    /// Whether values of all other types are shorter.
    pub(super) is_narrower: bool,
    /// Why the table cannot be served if a file has one of the others; `None`: readers only have to know of them.
    pub(super) fault: Option<Fault>,
}

impl Former {
    /// Whether a file has the current type; `None`: its entry does not tell.
    fn is_now(&self, entry: &Entry<'_>) -> Option<bool> {
        let bounds = [entry.lower_bounds, entry.upper_bounds].into_iter().flatten();
        let length = bounds.filter_map(|bounds| bounds.get(self.id)).map(<[u8]>::len).next()?;
        match length {
            NARROW_BYTES if self.is_narrower => Some(false),
            WIDE_BYTES if self.is_narrower => Some(true),
            _ => None,
        }
    }

    /// What the columns of a file tell of this one, whose number is given.
    fn verdict(&self, root: &Column, number: usize) -> Verdict {
        let Some(column) = find(root, self.id) else {
            let has_ids = root.get_fields().iter().all(|column| column.get_basic_info().has_id());
            // Files without ids do not tell which column it is.
            return if has_ids { Verdict::Current } else { Verdict::Open };
        };
        match &self.fault {
            _ if is_stored(column, &self.now) => Verdict::Current,
            None => Verdict::Narrower,
            Some(_) => Verdict::Refused(number),
        }
    }
}

/// What is known of the types of files, the better first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// All have the current types.
    #[default]
    Current,
    /// Nobody knows. A file of a type that no reader takes for the current one would be lost to Iceberg's readers, too.
    Open,
    /// One has a type that readers have to know of.
    Narrower,
    /// One has a type that no reader takes for the current one, in the column of this number.
    Refused(usize),
}

/// What the files of some manifests show.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What entries tell.
    verdict: Verdict,
    /// Paths of files whose entries do not tell, at most one more than are looked into.
    unclear: Vec<String>,
    /// What these tell.
    looked_into: OnceLock<Verdict>,
}

impl Found {
    /// Notes a live file.
    pub(super) fn note(&mut self, former: &[Former], entry: &Entry<'_>) {
        let mut is_clear = true;
        for former in former {
            match former.is_now(entry) {
                Some(true) => {}
                Some(false) => self.verdict = Verdict::Narrower,
                None => is_clear = false,
            }
        }
        if !is_clear && self.unclear.len() <= FOOTERS_MAX {
            self.unclear.push(entry.file_path.to_owned());
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.unclear.iter().map(|path| path.len() + size_of::<String>()).sum()
    }
}

/// What is known of the types that all live files have.
///
/// # Errors
/// [`Error::Storage`] for a bucket that there is not.
pub(super) async fn read(source: &Source<'_>, all: &[&Found], former: &[Former]) -> Result<Verdict, Error> {
    let mut worst = all.iter().map(|found| found.verdict).max().unwrap_or_default();
    let may_be_refused = former.iter().any(|former| former.fault.is_some());
    if worst == Verdict::Narrower && !may_be_refused {
        return Ok(worst);
    }
    let store = source.buckets.open(source.bucket, "")?;
    let unclear = all.iter().map(|found| found.unclear.len()).sum::<usize>();
    if unclear > FOOTERS_MAX {
        let paths = all.iter().flat_map(|found| &found.unclear);
        let some: Vec<String> = paths.step_by(unclear.div_ceil(FOOTERS_SAMPLED)).cloned().collect();
        return Ok(worst.max(Verdict::Open).max(look(source, &store, &some, former).await));
    }
    for found in all {
        let verdict = match found.looked_into.get() {
            Some(verdict) => *verdict,
            None => look(source, &store, &found.unclear, former).await,
        };
        worst = worst.max(*found.looked_into.get_or_init(|| verdict));
    }
    Ok(worst)
}

/// The worst of some files. What cannot be read tells nothing.
async fn look(source: &Source<'_>, store: &TableStore, paths: &[String], former: &[Former]) -> Verdict {
    let mut looks = Vec::new();
    for path in paths {
        looks.push(look_at(source, store, path, former));
    }
    let looks = stream::iter(looks).buffered(FOOTERS_READ_AT_ONCE);
    looks.fold(Verdict::Current, |worst, verdict| std::future::ready(worst.max(verdict))).await
}

async fn look_at(source: &Source<'_>, store: &TableStore, path: &str, former: &[Former]) -> Verdict {
    let Ok(key) = source.key(path) else { return Verdict::Open };
    let Ok(root) = footers::columns(store, &key, path).await else { return Verdict::Open };
    let verdicts = former.iter().enumerate().map(|(number, former)| former.verdict(&root, number));
    verdicts.max().unwrap_or_default()
}

/// The column of a field, wherever it lies.
fn find(of: &Column, id: i32) -> Option<&Column> {
    let info = of.get_basic_info();
    if info.has_id() && info.id() == id {
        return Some(of);
    }
    if !of.is_group() {
        return None;
    }
    of.get_fields().iter().find_map(|column| find(column, id))
}

/// Whether a column of a file is one of this type as the specification has it written ("Parquet").
fn is_stored(column: &Column, of: &Type) -> bool {
    let info = column.get_basic_info();
    let (logical, converted) = (info.logical_type_ref(), info.converted_type());
    let is_list = matches!(logical, Some(LogicalType::List)) || converted == ConvertedType::LIST;
    let is_map = matches!(logical, Some(LogicalType::Map)) || converted == ConvertedType::MAP;
    match of {
        Type::Struct(_) => column.is_group() && !is_list && !is_map,
        Type::List(_) => column.is_group() && is_list,
        Type::Map(_) => column.is_group() && is_map,
        // Parts of a shredded variant lie in columns of their own.
        Type::Primitive(of) if column.is_group() => {
            *of.primitive() == Primitive::Variant
                && column.get_fields().iter().all(|part| part.name() != SHREDDED)
        }
        Type::Primitive(of) => is_stored_value(column, of.primitive()),
    }
}

fn is_stored_value(column: &Column, of: &Primitive) -> bool {
    let info = column.get_basic_info();
    let (physical, logical) = (column.get_physical_type(), info.logical_type_ref());
    let is_plain = logical.is_none() && info.converted_type() == ConvertedType::NONE;
    let is_integer = |bits: i8| match logical {
        Some(LogicalType::Integer(of)) => of.bit_width == bits && of.is_signed,
        _ => is_plain,
    };
    let is_moment = |is_utc: bool| match logical {
        Some(LogicalType::Timestamp(of)) => of.is_adjusted_to_u_t_c == is_utc,
        _ => false,
    };
    match of {
        Primitive::Boolean => physical == Physical::BOOLEAN,
        Primitive::Int => physical == Physical::INT32 && is_integer(32),
        Primitive::Long => physical == Physical::INT64 && is_integer(64),
        Primitive::Float => physical == Physical::FLOAT,
        Primitive::Double => physical == Physical::DOUBLE,
        Primitive::Decimal { precision, scale } => {
            let is_decimal = matches!(logical, Some(LogicalType::Decimal(_)))
                || info.converted_type() == ConvertedType::DECIMAL;
            let of_file = (u32::try_from(column.get_precision()), u32::try_from(column.get_scale()));
            is_decimal && of_file == (Ok(*precision), Ok(*scale))
        }
        Primitive::Date => {
            matches!(logical, Some(LogicalType::Date)) || info.converted_type() == ConvertedType::DATE
        }
        Primitive::Timestamp => is_moment(false),
        Primitive::Timestamptz => is_moment(true),
        Primitive::String => {
            matches!(logical, Some(LogicalType::String)) || info.converted_type() == ConvertedType::UTF8
        }
        Primitive::Binary => physical == Physical::BYTE_ARRAY && is_plain,
        Primitive::Time
        | Primitive::TimestampNs
        | Primitive::TimestamptzNs
        | Primitive::Uuid
        | Primitive::Fixed(_)
        | Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use parquet::schema::parser::parse_message_type;
    use serde_json::json;

    use super::*;

    fn former(now: &serde_json::Value, fault: Option<Fault>) -> Former {
        Former { id: 1, now: serde_json::from_value(now.clone()).unwrap(), is_narrower: true, fault }
    }

    fn fault() -> Fault {
        Fault::TypeChange { column: "c".to_owned(), from: "string".to_owned(), to: "int".to_owned() }
    }

    #[test]
    fn a_file_tells_the_types_of_its_columns() {
        let list = json!({"type": "list", "element-id": 2, "element": "int", "element-required": false});
        for (column, now, is_now) in [
            ("optional int32 a = 1;", json!("int"), true),
            ("optional int32 a (INTEGER(32,true)) = 1;", json!("int"), true),
            ("optional int64 a = 1;", json!("long"), true),
            ("optional int32 a = 1;", json!("long"), false),
            ("optional int32 a (DATE) = 1;", json!("int"), false),
            ("optional int32 a (DATE) = 1;", json!("date"), true),
            ("optional int64 a (TIMESTAMP(MICROS,true)) = 1;", json!("timestamptz"), true),
            ("optional int64 a (TIMESTAMP(MICROS,true)) = 1;", json!("timestamp"), false),
            ("optional int64 a (TIMESTAMP(MICROS,false)) = 1;", json!("long"), false),
            ("optional float a = 1;", json!("double"), false),
            ("optional double a = 1;", json!("double"), true),
            ("optional int32 a (DECIMAL(9,2)) = 1;", json!("decimal(9, 2)"), true),
            ("optional int32 a (DECIMAL(9,2)) = 1;", json!("decimal(10, 2)"), false),
            ("optional binary a (UTF8) = 1;", json!("string"), true),
            ("optional binary a (UTF8) = 1;", json!("binary"), false),
            ("optional binary a = 1;", json!("binary"), true),
            ("optional group a = 1 { optional int32 b = 2; }", json!({"type": "struct", "fields": []}), true),
            (
                "optional group a (LIST) = 1 { repeated group list { optional int32 e = 2; } }",
                list.clone(),
                true,
            ),
            ("optional group a = 1 { optional int32 b = 2; }", list, false),
            ("optional group s = 7 { optional int64 a = 1; }", json!("long"), true),
            ("optional int32 b = 2;", json!("string"), true),
            (
                "optional group a = 1 { required binary metadata; required binary value; }",
                json!("variant"),
                true,
            ),
            (
                "optional group a = 1 { required binary metadata; optional binary value; optional int64 typed_value; }",
                json!("variant"),
                false,
            ),
        ] {
            let root = parse_message_type(&format!("message m {{ {column} }}")).unwrap();
            let wanted = if is_now { Verdict::Current } else { Verdict::Narrower };
            assert_eq!(former(&now, None).verdict(&root, 3), wanted, "{column} {now}");
            let wanted = if is_now { Verdict::Current } else { Verdict::Refused(3) };
            assert_eq!(former(&now, Some(fault())).verdict(&root, 3), wanted, "{column} {now}");
        }
        let root = parse_message_type("message m { optional int32 b; }").unwrap();
        assert_eq!(former(&json!("long"), None).verdict(&root, 0), Verdict::Open, "it has no ids");
    }
}
