//! Statistics that have the form of others, read without parsing them.
//!
//! A writer gives all files the same names in the same order, so statistics are a skeleton that repeats, and values
//! between its pieces. Where the pieces are the same byte by byte and the values are whole JSON values, a text is JSON as
//! the one is that the skeleton was taken from, and what is wanted stands at the same places. Texts are read as they
//! are kept, escaped as the inside of a JSON string: their quotes are a backslash and a quote.

use super::facts::{Facts, Spelling, StatisticsColumn};

/// Everything of some statistics but their values.
#[derive(Debug)]
pub(super) struct Template {
    /// What stands before each value, one after the other.
    pieces: Vec<u8>,
    parts: Vec<Part>,
    /// What stands after the last value.
    end: Vec<u8>,
    column_count: usize,
}

/// A piece, and the value after it.
#[derive(Debug)]
struct Part {
    piece_bytes: usize,
    wanted: Option<Wanted>,
}

/// What a value is wanted for; columns by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Records,
    Low(usize),
    High(usize),
    Nulls(usize),
}

impl Template {
    /// The skeleton of statistics; `None` if they are no JSON object, or if a name or a text has escapes of its own.
    pub(super) fn of(columns: &[StatisticsColumn], escaped: &str) -> Option<Self> {
        let stats = escaped.replace("\\\"", "\"");
        let quote_count = stats.bytes().filter(|&byte| byte == b'"').count();
        if stats.contains('\\') || stats.len() + quote_count != escaped.len() {
            return None;
        }
        let facts = Facts::read(columns, &stats);
        if !facts.is_read {
            return None;
        }
        let wanted = wanted(&facts, &stats);
        let (mut pieces, mut parts, mut piece) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = escaped.as_bytes();
        while !rest.is_empty() {
            let scalar = Scalar::read(rest).map(|(scalar, after)| (Some(scalar), after));
            let (scalar, after) = scalar.or_else(|| Some((None, rest.get(1..)?)))?;
            let (text, _) = rest.split_at_checked(rest.len() - after.len())?;
            if scalar.is_some() && after.trim_ascii_start().first() != Some(&b':') {
                let passed = escaped.get(..escaped.len() - rest.len())?;
                let position = passed.len() - passed.matches('\\').count();
                let wanted = wanted.iter().find(|(at, _)| *at == position).map(|&(_, wanted)| wanted);
                parts.push(Part { piece_bytes: piece.len(), wanted });
                pieces.append(&mut piece);
            } else {
                piece.extend_from_slice(text);
            }
            rest = after;
        }
        Some(Self { pieces, parts, end: piece, column_count: columns.len() })
    }

    /// What statistics of this skeleton say; `None` if they have another. They must not hold control characters.
    pub(super) fn read<'a>(&self, escaped: &'a str) -> Option<Facts<'a>> {
        let mut facts = Facts { is_read: true, ..Facts::unknown(self.column_count) };
        let (mut rest, mut pieces) = (escaped.as_bytes(), self.pieces.as_slice());
        for part in &self.parts {
            let (piece, more) = pieces.split_at_checked(part.piece_bytes)?;
            let (scalar, after) = Scalar::read(rest.strip_prefix(piece)?)?;
            if let Some(wanted) = part.wanted {
                *slot(&mut facts, wanted)? = Some(scalar.spelling()?);
            }
            (rest, pieces) = (after, more);
        }
        (rest == self.end).then_some(facts)
    }
}

fn slot<'f, 'a>(facts: &'f mut Facts<'a>, wanted: Wanted) -> Option<&'f mut Option<Spelling<'a>>> {
    Some(match wanted {
        Wanted::Records => &mut facts.records,
        Wanted::Low(column) => &mut facts.found.get_mut(column)?.low,
        Wanted::High(column) => &mut facts.found.get_mut(column)?.high,
        Wanted::Nulls(column) => &mut facts.found.get_mut(column)?.nulls,
    })
}

/// Where in `stats` what was found begins, and what it is.
fn wanted(facts: &Facts<'_>, stats: &str) -> Vec<(usize, Wanted)> {
    let columns = facts.found.iter().enumerate().flat_map(|(number, found)| {
        let (low, high, nulls) = (Wanted::Low(number), Wanted::High(number), Wanted::Nulls(number));
        [(found.low, low), (found.high, high), (found.nulls, nulls)]
    });
    let place = |(spelling, wanted): (Option<Spelling<'_>>, Wanted)| match spelling? {
        Spelling::Json(json) => Some((json.as_ptr().addr() - stats.as_ptr().addr(), wanted)),
        Spelling::Plain(_) => None,
    };
    columns.chain([(facts.records, Wanted::Records)]).filter_map(place).collect()
}

/// A JSON value without parts.
#[derive(Clone, Copy)]
enum Scalar<'a> {
    /// The inside of a string.
    Text(&'a [u8]),
    /// Anything else.
    Token(&'a [u8]),
}

impl<'a> Scalar<'a> {
    /// The scalar at the beginning of escaped JSON, and what follows; `None` if there is none, or if it is a string with
    /// escapes.
    fn read(escaped: &'a [u8]) -> Option<(Self, &'a [u8])> {
        match escaped {
            [b'\\', b'"', rest @ ..] => {
                let (inside, end) = rest.split_at_checked(memchr::memchr2(b'\\', b'"', rest)?)?;
                Some((Self::Text(inside), end.strip_prefix(b"\\\"")?))
            }
            [b'-' | b'0'..=b'9', ..] => {
                let (token, rest) = escaped.split_at_checked(number_bytes(escaped)?)?;
                Some((Self::Token(token), rest))
            }
            [b't' | b'f' | b'n', ..] => {
                let token = ["true", "false", "null"]
                    .into_iter()
                    .find(|word| escaped.starts_with(word.as_bytes()))?;
                let (token, rest) = escaped.split_at_checked(token.len())?;
                Some((Self::Token(token), rest))
            }
            _ => None,
        }
    }

    fn spelling(self) -> Option<Spelling<'a>> {
        Some(match self {
            Self::Text(inside) => Spelling::Plain(std::str::from_utf8(inside).ok()?),
            Self::Token(token) => Spelling::Json(std::str::from_utf8(token).ok()?),
        })
    }
}

/// Length of the number at the beginning of a text (RFC 8259, section 6).
fn number_bytes(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut end = digits(start);
    if end == start || (text.get(start) == Some(&b'0') && end > start + 1) {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return None;
        }
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let exponent = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits(exponent);
        if end == exponent {
            return None;
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::json::{escape_into, unescape_into};
    use crate::skip::expression::Type;

    fn columns() -> Vec<StatisticsColumn> {
        let column = |path: &[&str], data_type| StatisticsColumn {
            path: path.iter().map(ToString::to_string).collect(),
            data_type,
        };
        vec![
            column(&["a"], Type::Integer { bytes: 8 }),
            column(&["s"], Type::Text),
            column(&["p", "x"], Type::Double),
        ]
    }

    fn escaped(text: &str) -> String {
        let mut escaped = Vec::new();
        escape_into(text, &mut escaped);
        String::from_utf8(escaped).unwrap()
    }

    /// What both ways understand, so that spellings may differ.
    fn understood(facts: &Facts<'_>) -> Vec<Option<(String, String)>> {
        let found = facts.found.iter().flat_map(|found| [found.low, found.high, found.nulls]);
        let text = |spelling: Spelling<'_>| {
            let text = spelling.text().unwrap_or_default().into_owned();
            let token = if text.is_empty() { spelling.token() } else { "" };
            (token.trim_matches('"').to_owned(), text)
        };
        // Objects and arrays stand for nothing.
        let is_scalar = |spelling: &Spelling<'_>| !spelling.token().starts_with(['{', '[']);
        found.chain([facts.records]).map(|spelling| spelling.filter(is_scalar).map(text)).collect()
    }

    const SCALARS: [&str; 24] = [
        "0",
        "-0",
        "12",
        "-3.25",
        "1e5",
        "1.5E-7",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "null",
        "true",
        "false",
        "nul",
        "\"\"",
        "\"a\"",
        "\"é\"",
        "\"a\\\"b\"",
        "\"\\u0041\"",
        "\"\u{2028}\"",
        "\"x",
        "{\"x\":1}",
    ];
    const SHAPES: [&str; 12] = [
        r#"{"numRecords":A,"minValues":{"a":B,"s":C,"p":{"x":D}},"maxValues":{"a":E,"s":F},"nullCount":{"a":G}}"#,
        r#"{"numRecords":A,"minValues":{"a":B,"p":{"x":D}},"maxValues":{"a":E,"s":F},"nullCount":{"a":G}}"#,
        r#"{"numRecords":A,"minValues":{"a":B,"a":C},"maxValues":D,"nullCount":{"p":{"x":E,"x":F}}}"#,
        r#"{ "numRecords" : A , "minValues":{"s":[B,C],"p":[{"x":D}]},"nullCount":{"p":E}}"#,
        r#"{"numRecords":A,"numRecords":B,"minValues":{"a":{"a":C}},"minValues":{"s":D}}"#,
        r#"{"minValues":{"a\"b":A,"a":B}}"#,
        r#"{"minValues":{"a":A}}{}"#,
        r#"{"minValues":{"a":A}"#,
        r#"[{"minValues":{"a":A}}]"#,
        "A",
        "",
        r#"{"minValues" {"a":A,}}"#,
    ];

    fn filled() -> impl Strategy<Value = String> {
        let scalars = proptest::collection::vec(prop_oneof![3 => 0..4_usize, 1 => 0..SCALARS.len()], 7);
        (prop_oneof![2 => 0..2_usize, 1 => 0..SHAPES.len()], scalars).prop_map(|(shape, scalars)| {
            let mut letters = scalars.into_iter();
            let shape = SHAPES[shape].chars();
            let fill = |c: char| match c {
                'A'..='G' => SCALARS[letters.next().unwrap_or_default()].to_owned(),
                other => other.to_string(),
            };
            shape.map(fill).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8_000))]

        #[test]
        fn what_a_template_reads_is_what_a_parser_reads(model in filled(), text in filled()) {
            let (model, escaped) = (escaped(&model), escaped(&text));
            if let Some(template) = Template::of(&columns(), &model)
                && let Some(read) = template.read(&escaped)
            {
                let facts = Facts::read(&columns(), &text);
                prop_assert!(facts.is_read, "{text}");
                prop_assert_eq!(understood(&read), understood(&facts), "{}", text);
            }
        }

        #[test]
        fn bytes_that_somebody_spoilt_are_never_misread(
            text in filled(),
            at in any::<proptest::sample::Index>(),
            byte in proptest::sample::select(b"\\\"{}[],:0-9eat ".to_vec()),
        ) {
            let model = escaped(SHAPES[0].replace(['A', 'B', 'C', 'D', 'E', 'F', 'G'], "1").as_str());
            let mut spoilt = escaped(&text).into_bytes();
            if !spoilt.is_empty() {
                let at = at.index(spoilt.len());
                spoilt[at] = byte;
            }
            let template = Template::of(&columns(), &model).unwrap();
            if let Ok(spoilt) = String::from_utf8(spoilt)
                && let Some(read) = template.read(&spoilt)
            {
                let mut plain = Vec::new();
                unescape_into(spoilt.as_bytes(), &mut plain);
                let plain = String::from_utf8(plain).unwrap();
                let facts = Facts::read(&columns(), &plain);
                prop_assert!(facts.is_read, "{plain}");
                prop_assert_eq!(understood(&read), understood(&facts), "{}", plain);
            }
        }
    }

    #[test]
    fn statistics_of_one_writer_have_one_template() {
        let model = escaped(
            r#"{"numRecords":7,"minValues":{"a":1,"s":"x"},"maxValues":{"a":3,"s":"y"},"nullCount":{"a":0,"s":1}}"#,
        );
        let other = escaped(
            r#"{"numRecords":12345,"minValues":{"a":-1.5e3,"s":"longer"},"maxValues":{"a":null,"s":"é"},"nullCount":{"a":0,"s":9}}"#,
        );
        let template = Template::of(&columns(), &model).unwrap();
        let facts = template.read(&other).unwrap();
        assert_eq!(facts.records, Some(Spelling::Json("12345")));
        assert_eq!(facts.found[0].low, Some(Spelling::Json("-1.5e3")));
        assert_eq!(facts.found[1].high, Some(Spelling::Plain("é")));
        assert!(facts.found[2].low.is_none());
        assert!(template.read(&model.replace("\\\"a", "\\\"b")).is_none());
    }
}
