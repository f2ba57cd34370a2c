//! What a manifest says of a file's columns, as Delta's statistics.
//!
//! Columns come in the order of the schema, whatever order the writer had, so that the statistics of all files have one
//! form. Elements of lists and maps have none. Bounds of floats leave NaN out, while Delta's readers take NaN for the
//! largest number: where one may be, there is no upper bound.
//!
//! Sources: Delta, "Per-file Statistics"; Iceberg specification, "Manifests" (`data_file`).

use super::identities::{Identity, Only};
use super::naming::Naming;
use super::values::{Form, push_text};
use crate::encode::decimal;
use crate::iceberg::types::{Field, Type};
use crate::limits::STATS_BYTES_MAX;
use crate::manifest::entry::Entry;

/// The columns of a schema that files have statistics of.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// In the order of the schema.
    list: Vec<Column>,
    /// Numbers of columns by field id, ascending.
    by_id: Vec<(i32, usize)>,
    /// Structs around columns: `,"name":`, escaped.
    groups: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Column {
    form: Form,
    /// `,"name":`, escaped.
    key: Vec<u8>,
    /// The structs that it lies in, from the outside.
    groups: Vec<usize>,
}

/// What is said of one column.
#[derive(Debug, Clone, Copy, Default)]
struct Slot<'e> {
    low: Option<&'e [u8]>,
    high: Option<&'e [u8]>,
    nulls: Option<i64>,
    nans: Option<i64>,
}

impl<'e> Slot<'e> {
    /// All rows have the same value: that fills what is missing.
    fn narrow(&mut self, only: &'e Only<'e>, record_count: i64) {
        if *only == Only::Null {
            self.nulls = self.nulls.or(Some(record_count));
        }
        if let Some(bound) = only.bound() {
            self.low = self.low.or(Some(bound));
            self.high = self.high.or(Some(bound));
            self.nulls = self.nulls.or(Some(0));
            self.nans = self.nans.or(Some(0));
        }
    }
}

/// How many values of a column are null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Nulls {
    #[default]
    None,
    All,
    Unknown,
}

/// What partition values say of all values of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) nulls: Nulls,
    pub(super) low: Option<Vec<u8>>,
    pub(super) high: Option<Vec<u8>>,
    /// What texts begin with.
    pub(super) prefix: Option<String>,
    /// How many buckets there are, and the one that all values hash to.
    pub(super) bucket: Option<(u32, u32)>,
}

/// Statistics that are being written; its buffers are used again and again.
#[derive(Debug, Default)]
pub(super) struct Text {
    out: Vec<u8>,
    /// One value.
    value: Vec<u8>,
    /// Structs that are open.
    open: Vec<usize>,
}

impl Text {
    /// Closes the structs that are open, as far as they are others than those wanted, and opens those.
    fn enter(&mut self, wanted: &[usize], keys: &[Vec<u8>]) {
        let same = self.open.iter().zip(wanted).take_while(|(one, other)| one == other).count();
        self.out.extend(std::iter::repeat_n(b'}', self.open.len() - same));
        self.open.truncate(same);
        for group in wanted.iter().skip(same) {
            self.push_key(keys.get(*group).map(Vec::as_slice).unwrap_or_default());
            self.out.push(b'{');
            self.open.push(*group);
        }
    }

    /// Appends a key, without its comma where it is the first.
    #[inline]
    fn push_key(&mut self, key: &[u8]) {
        let is_first = self.out.last() == Some(&b'{');
        self.out.extend_from_slice(if is_first { without_comma(key) } else { key });
    }
}

fn without_comma(key: &[u8]) -> &[u8] {
    key.strip_prefix(b",").unwrap_or(key)
}

impl Columns {
    pub(super) fn of<'f>(fields: impl IntoIterator<Item = &'f Field>, naming: &Naming) -> Self {
        let mut columns = Self::default();
        for field in fields {
            columns.collect(std::slice::from_ref(field), naming, &mut Vec::new());
        }
        columns.by_id.sort_unstable();
        columns
    }

    fn collect(&mut self, fields: &[Field], naming: &Naming, groups: &mut Vec<usize>) {
        for field in fields {
            let mut key = vec![b','];
            push_text(&naming.physical_name(field.id, &field.name), &mut key);
            key.push(b':');
            match &field.field_type {
                Type::Primitive(primitive) => {
                    if let Some(form) = Form::of(primitive.primitive()) {
                        self.by_id.push((field.id, self.list.len()));
                        self.list.push(Column { form, key, groups: groups.clone() });
                    }
                }
                Type::Struct(of) => {
                    groups.push(self.groups.len());
                    self.groups.push(key);
                    self.collect(&of.fields, naming, groups);
                    groups.pop();
                }
                Type::List(_) | Type::Map(_) => {}
            }
        }
    }

    /// The number of a column. `guess` is its place in the order of ids if ids come ascending, as most writers have them.
    #[inline]
    fn number_of(&self, id: i32, guess: &mut usize) -> Option<usize> {
        let is_it = |at: usize| self.by_id.get(at).is_some_and(|(known, _)| *known == id);
        if !is_it(*guess) {
            *guess = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        }
        let number = self.by_id.get(*guess).map(|(_, number)| *number);
        *guess += 1;
        number
    }

    /// The number of a column, and how its bounds are spelt.
    pub(super) fn find(&self, id: i32) -> Option<(usize, Form)> {
        let number = self.number_of(id, &mut 0)?;
        self.list.get(number).map(|column| (number, column.form))
    }

    /// What is said of a column, as a fact of a partition (see `table::partition_text`), escaped as statistics are.
    pub(super) fn fact(&self, number: usize, said: &Said) -> Vec<u8> {
        let Some(column) = self.list.get(number) else { return Vec::new() };
        let mut out = b"{\\\"numRecords\\\":1".to_vec();
        let mut value = Vec::new();
        let sections = [("minValues", &said.low), ("maxValues", &said.high)];
        for (section, bound) in sections {
            value.clear();
            if bound.as_deref().is_some_and(|bound| column.form.write(bound, &mut value)) {
                self.put(section, column, &value, &mut out);
            }
        }
        match said.nulls {
            Nulls::None => self.put("nullCount", column, b"0", &mut out),
            Nulls::All => self.put("nullCount", column, b"1", &mut out),
            Nulls::Unknown => {}
        }
        if let Some(prefix) = &said.prefix {
            value.clear();
            push_text(prefix, &mut value);
            self.put("prefixes", column, &value, &mut out);
        }
        if let Some((count, number)) = said.bucket {
            self.put("buckets", column, format!("[{count},{number}]").as_bytes(), &mut out);
        }
        out.push(b'}');
        out
    }

    /// Appends an object that has one column only.
    fn put(&self, section: &str, column: &Column, value: &[u8], out: &mut Vec<u8>) {
        out.push(b',');
        push_text(section, out);
        out.push(b':');
        for group in &column.groups {
            out.push(b'{');
            out.extend_from_slice(without_comma(
                self.groups.get(*group).map(Vec::as_slice).unwrap_or_default(),
            ));
        }
        out.push(b'{');
        out.extend_from_slice(without_comma(&column.key));
        out.extend_from_slice(value);
        out.extend(std::iter::repeat_n(b'}', column.groups.len() + 1));
    }

    fn slots<'e>(&self, entry: &Entry<'e>, only: &'e [(i32, Only<'e>)]) -> Vec<Slot<'e>> {
        let mut slots = vec![Slot::default(); self.list.len()];
        if let Some(bounds) = entry.lower_bounds {
            self.fill(&mut slots, bounds.iter(), |slot, low| slot.low = Some(low));
        }
        if let Some(bounds) = entry.upper_bounds {
            self.fill(&mut slots, bounds.iter(), |slot, high| slot.high = Some(high));
        }
        if let Some(counts) = entry.null_value_counts {
            self.fill(&mut slots, counts.iter(), |slot, nulls| slot.nulls = Some(nulls));
        }
        if let Some(counts) = entry.nan_value_counts {
            self.fill(&mut slots, counts.iter(), |slot, nans| slot.nans = Some(nans));
        }
        let only = only.iter().map(|(id, only)| (*id, only));
        self.fill(&mut slots, only, |slot, only| slot.narrow(only, entry.record_count));
        slots
    }

    #[inline]
    fn fill<'e, T>(
        &self,
        slots: &mut [Slot<'e>],
        values: impl Iterator<Item = (i32, T)>,
        fill: impl Fn(&mut Slot<'e>, T),
    ) {
        let mut guess = 0;
        for (id, value) in values {
            if let Some(slot) = self.number_of(id, &mut guess).and_then(|number| slots.get_mut(number)) {
                fill(slot, value);
            }
        }
    }

    /// The statistics of a file, escaped as the inside of a JSON string.
    pub(super) fn write<'t>(
        &self,
        entry: &Entry<'_>,
        identities: &[Identity],
        text: &'t mut Text,
    ) -> &'t [u8] {
        text.out.clear();
        text.out.extend_from_slice(b"{\\\"numRecords\\\":");
        decimal::push_signed(entry.record_count, &mut text.out);
        let end = text.out.len();
        let only = identities.iter().map(|one| (one.column_id, Only::of(entry.partition.get(one.at))));
        let only: Vec<(i32, Only<'_>)> = only.collect();
        let slots = self.slots(entry, &only);
        self.section("minValues", &slots, text, |form, slot, value| {
            slot.low.is_some_and(|bound| form.write(bound, value))
        });
        self.section("maxValues", &slots, text, |form, slot, value| {
            let may_hide_nans = form.has_nans() && slot.nans != Some(0);
            slot.high.is_some_and(|bound| !may_hide_nans && form.write(bound, value))
        });
        self.section("nullCount", &slots, text, |_, slot, value| {
            let nulls = slot.nulls.filter(|nulls| (0..=entry.record_count).contains(nulls));
            nulls.map(|nulls| decimal::push_signed(nulls, value)).is_some()
        });
        // Statistics are optional, so a file with monstrous ones is served without.
        if text.out.len() > STATS_BYTES_MAX {
            text.out.truncate(end);
        }
        text.out.push(b'}');
        &text.out
    }

    /// An object of what `write` says of each column; nothing if that is nothing.
    fn section(
        &self,
        name: &str,
        slots: &[Slot<'_>],
        text: &mut Text,
        mut write: impl FnMut(Form, &Slot<'_>, &mut Vec<u8>) -> bool,
    ) {
        let start = text.out.len();
        text.out.push(b',');
        push_text(name, &mut text.out);
        text.out.extend_from_slice(b":{");
        let empty = text.out.len();
        text.open.clear();
        for (column, slot) in self.list.iter().zip(slots) {
            // Most columns lie in no struct: what is said of them goes straight to its place.
            if column.groups.is_empty() && text.open.is_empty() {
                let before = text.out.len();
                text.push_key(&column.key);
                if !write(column.form, slot, &mut text.out) {
                    text.out.truncate(before);
                }
                continue;
            }
            text.value.clear();
            if !write(column.form, slot, &mut text.value) {
                continue;
            }
            text.enter(&column.groups, &self.groups);
            text.push_key(&column.key);
            text.out.extend_from_slice(&text.value);
        }
        if text.out.len() == empty {
            text.out.truncate(start);
            return;
        }
        text.out.extend(std::iter::repeat_n(b'}', text.open.len() + 1));
    }
}
