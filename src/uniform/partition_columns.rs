//! Columns that data files leave out, told as partition columns.
//!
//! Files that were another kind of table before, as those of Hive, lack the columns that they are partitioned by; their values
//! are in manifests alone (Iceberg specification, "Column Projection"). Delta's readers take the values of partition columns from
//! the list of files, whether a file holds them or not. So if the specs of all live files have such a column by itself, it
//! is told as a partition column.
//!
//! Source: Delta, "Partition Value Serialization".

use std::collections::BTreeSet;

use super::identities::{Identity, Only};
use super::naming::Naming;
use super::values::Form;
use crate::encode::json::unescape_into;
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::transform::Transform;
use crate::iceberg::types::Field;
use crate::manifest::partition::{Kind, PartitionField, Value};
use crate::scan::datum::Datum;

#[derive(Debug, Default)]
pub(super) struct PartitionColumns {
    list: Vec<PartitionColumn>,
}

#[derive(Debug)]
struct PartitionColumn {
    id: i32,
    name: String,
    /// As a key of partition values.
    physical_name: String,
    form: Form,
    source: Primitive,
}

/// Where the values of each partition column stand in the tuples of a manifest.
pub(super) type Places = Vec<Option<(usize, Kind)>>;

impl PartitionColumns {
    /// The columns that each of these specs has by themselves.
    pub(super) fn of(fields: &[Field], naming: &Naming, specs: &[&PartitionSpec]) -> Self {
        let is_in = |spec: &&PartitionSpec, id: i32| {
            let mut fields = spec.fields.iter();
            fields.any(|field| field.transform == Transform::Identity && field.source_ids() == [id])
        };
        let columns = fields.iter().filter_map(|field| {
            let source = field.field_type.as_primitive()?.primitive().clone();
            // Nothing says how binaries are spelt.
            let form = Form::of(&source).filter(|form| *form != Form::None)?;
            let is_told = !specs.is_empty() && specs.iter().all(|spec| is_in(spec, field.id));
            let physical_name = naming.physical_name(field.id, &field.name);
            is_told.then(|| PartitionColumn {
                id: field.id,
                name: field.name.clone(),
                physical_name,
                form,
                source,
            })
        });
        Self { list: columns.collect() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|column| column.name.as_str())
    }

    pub(super) fn ids(&self) -> BTreeSet<i32> {
        self.list.iter().map(|column| column.id).collect()
    }

    pub(super) fn places(&self, identities: &[Identity], fields: &[PartitionField]) -> Places {
        let place = |column: &PartitionColumn| {
            let identity = identities.iter().find(|identity| identity.column_id == column.id)?;
            Some((identity.at, fields.get(identity.at)?.kind))
        };
        self.list.iter().map(place).collect()
    }

    /// Appends the JSON object of partition values; `None` if Delta cannot say them.
    pub(super) fn write(&self, places: &Places, tuple: &[Value<'_>], out: &mut Vec<u8>) -> Option<()> {
        out.push(b'{');
        for (number, (column, place)) in self.list.iter().zip(places).enumerate() {
            if number > 0 {
                out.push(b',');
            }
            let text = place.and_then(|(at, kind)| column.text(tuple.get(at)?, kind));
            let name = serde_json::Value::from(column.physical_name.as_str());
            out.extend_from_slice(format!("{name}:{}", text?).as_bytes());
        }
        out.push(b'}');
        Some(())
    }
}

impl PartitionColumn {
    /// The JSON of a value: a text, or null.
    fn text(&self, value: &Value<'_>, kind: Kind) -> Option<String> {
        if *value == Value::Null {
            return Some("null".to_owned());
        }
        Datum::of_partition(value, kind, &self.source)?;
        let (mut escaped, mut json) = (Vec::new(), Vec::new());
        let only = Only::of(Some(value));
        let is_written = only.bound().is_some_and(|bound| self.form.write(bound, &mut escaped));
        unescape_into(&escaped, &mut json);
        let json = String::from_utf8(json).ok().filter(|_| is_written)?;
        match self.form {
            // An empty text is read as null.
            Form::Text => Some(json).filter(|json| json != "\"\""),
            Form::Date | Form::Timestamp { is_utc: true } => Some(json),
            Form::Timestamp { is_utc: false } => Some(json.replace('T', " ")),
            Form::Boolean
            | Form::Integer
            | Form::Long
            | Form::Float
            | Form::Double
            | Form::Decimal { .. }
            | Form::None => Some(format!("\"{json}\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(of: &[&str]) -> Vec<Field> {
        let fields = (1..).zip(of).map(|(id, of)| {
            serde_json::from_value(json!({"id": id, "name": format!("c{id}"), "required": false, "type": of}))
                .unwrap()
        });
        fields.collect()
    }

    fn spec(id: i32, fields: &[(i32, &str)]) -> PartitionSpec {
        let fields = (1_000..).zip(fields).map(|(id, (source_id, transform))| {
            json!({"source-id": source_id, "field-id": id, "name": format!("p{id}"), "transform": transform})
        });
        let spec = json!({"spec-id": id, "fields": fields.collect::<Vec<_>>()});
        let table = json!({
            "format-version": 2, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://b/t",
            "last-sequence-number": 1, "last-updated-ms": 1, "last-column-id": 9, "current-schema-id": 0,
            "schemas": [{"type": "struct", "schema-id": 0, "fields": []}], "default-spec-id": id,
            "last-partition-id": 1_010, "partition-specs": [spec], "default-sort-order-id": 0,
            "sort-orders": [{"order-id": 0, "fields": []}], "properties": {},
        });
        let table = crate::iceberg::metadata::TableMetadata::parse(table.to_string().as_bytes()).unwrap();
        table.specs()[0].clone()
    }

    #[test]
    fn columns_of_all_specs_are_told() {
        let fields = fields(&["int", "string", "binary", "date"]);
        let names = |specs: &[&PartitionSpec]| {
            let columns = PartitionColumns::of(&fields, &Naming::Id, specs);
            columns.names().map(str::to_owned).collect::<Vec<_>>()
        };
        let one = spec(0, &[(1, "identity"), (2, "identity"), (3, "identity"), (4, "year")]);
        let two = spec(1, &[(2, "identity"), (1, "bucket[2]"), (4, "identity")]);
        assert_eq!(names(&[&one]), ["c1", "c2"], "nobody knows how binaries are spelt");
        assert_eq!(names(&[&one, &two]), ["c2"]);
        assert!(names(&[]).is_empty());
    }

    #[test]
    fn values_are_spelt_as_in_delta() {
        let spelt = |of: &str, kind: Kind, value: Value<'_>| {
            let fields = fields(&[of]);
            let columns = PartitionColumns::of(&fields, &Naming::Id, &[&spec(0, &[(1, "identity")])]);
            let mut out = Vec::new();
            let written = columns.write(&vec![Some((0, kind))], &[value], &mut out);
            written.map(|()| String::from_utf8(out).unwrap())
        };
        let utc = Kind::Timestamp { is_utc: true };
        for (of, kind, value, text) in [
            ("int", Kind::Int, Value::Int(-5), "\"-5\""),
            ("long", Kind::Int, Value::Int(5), "\"5\""),
            ("string", Kind::Text, Value::Text("a\"/ä"), "\"a\\\"/ä\""),
            ("string", Kind::Text, Value::Null, "null"),
            ("boolean", Kind::Boolean, Value::Boolean(true), "\"true\""),
            ("date", Kind::Date, Value::Int(1), "\"1970-01-02\""),
            ("double", Kind::Double, Value::Double(0.5), "\"0.5\""),
            ("timestamptz", utc, Value::Long(1), "\"1970-01-01T00:00:00.000001Z\""),
            (
                "timestamp",
                Kind::Timestamp { is_utc: false },
                Value::Long(0),
                "\"1970-01-01 00:00:00.000000\"",
            ),
            ("decimal(9,2)", Kind::Decimal { precision: 9, scale: 2 }, Value::Bytes(&[5, 140]), "\"14.20\""),
        ] {
            assert_eq!(spelt(of, kind, value), Some(format!("{{\"col-1\":{text}}}")), "{of}");
        }
        for (of, kind, value) in [
            ("string", Kind::Text, Value::Text("")),
            ("double", Kind::Double, Value::Double(f64::NAN)),
            ("int", Kind::Text, Value::Text("1234")),
            ("int", Kind::Other, Value::Unread),
        ] {
            assert_eq!(spelt(of, kind, value), None, "{value:?}");
        }
    }
}
