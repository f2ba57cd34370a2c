//! The words, constants and signs of an SQL hint.

use crate::limits::HINT_TOKENS_MAX;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword, as it was written.
    Word(String),
    /// A name between backticks.
    Quoted(String),
    /// Digits, a point, an exponent; the suffix of Spark's types has been taken off.
    Number(String),
    Text(String),
    Sign(Sign),
    /// Something that no hint in our grammar has.
    Strange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Open,
    Close,
    Comma,
    Dot,
    Minus,
    Plus,
    Equal,
    NotEqual,
    Same,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer signs stand before those that begin like them.
const SIGNS: [(&str, Sign); 16] = [
    ("<=>", Sign::Same),
    ("<=", Sign::LessOrEqual),
    (">=", Sign::GreaterOrEqual),
    ("<>", Sign::NotEqual),
    ("!=", Sign::NotEqual),
    ("==", Sign::Equal),
    ("=", Sign::Equal),
    ("<", Sign::Less),
    (">", Sign::Greater),
    ("(", Sign::Open),
    (")", Sign::Close),
    (",", Sign::Comma),
    (".", Sign::Dot),
    ("-", Sign::Minus),
    ("+", Sign::Plus),
    ("\u{2212}", Sign::Minus),
];

/// Reads a whole hint; `None` if a quote is never closed, or if the hint is endless.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if tokens.len() == HINT_TOKENS_MAX {
            return None;
        }
        let (token, after) = token(first, rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Some(tokens)
}

fn token(first: char, rest: &str) -> Option<(Token, &str)> {
    if first == '\'' {
        return string(rest.strip_prefix('\'')?);
    }
    if first == '`' {
        return quoted(rest.strip_prefix('`')?);
    }
    let is_number = first.is_ascii_digit()
        || (first == '.' && rest.chars().nth(1).is_some_and(|second| second.is_ascii_digit()));
    if is_number {
        return Some(number(rest));
    }
    if is_word(first) {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        return Some((Token::Word(word.to_owned()), after));
    }
    for (text, sign) in SIGNS {
        if let Some(after) = rest.strip_prefix(text) {
            return Some((Token::Sign(sign), after));
        }
    }
    Some((Token::Strange, rest.get(first.len_utf8()..)?))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Spark escapes quotes and backslashes with a backslash. What else may be meant by a backslash or by a doubled
/// quote differs between versions, so such a text is no constant.
fn string(mut rest: &str) -> Option<(Token, &str)> {
    let mut text = String::new();
    let mut is_strange = false;
    loop {
        let end = rest.find(['\'', '\\'])?;
        text.push_str(rest.get(..end)?);
        rest = rest.get(end..)?;
        if let Some(after) = rest.strip_prefix('\'') {
            if !after.starts_with('\'') {
                return Some((if is_strange { Token::Strange } else { Token::Text(text) }, after));
            }
            is_strange = true;
            rest = after.get(1..)?;
        } else {
            let escaped = rest.chars().nth(1)?;
            is_strange |= !matches!(escaped, '\'' | '\\');
            text.push(escaped);
            rest = rest.get(1 + escaped.len_utf8()..)?;
        }
    }
}

fn quoted(mut rest: &str) -> Option<(Token, &str)> {
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(after) => {
                name.push('`');
                rest = after;
            }
            None => return Some((Token::Quoted(name), after)),
        }
    }
}

/// A number that is a double by its suffix gets an exponent, so that nobody takes it for an integer.
fn number(rest: &str) -> (Token, &str) {
    let mut end = 0;
    let mut before = ' ';
    for c in rest.chars() {
        let is_sign_of_exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        if !(c.is_ascii_digit() || c == '.' || is_word(c) || is_sign_of_exponent) {
            break;
        }
        end += c.len_utf8();
        before = c;
    }
    let (text, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let upper = text.to_ascii_uppercase();
    let whole =
        |suffix| upper.strip_suffix(suffix).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let plain = ["L", "S", "Y"].into_iter().find_map(whole).or_else(|| upper.strip_suffix("BD"));
    let double = || ["D", "F"].into_iter().find_map(|suffix| upper.strip_suffix(suffix));
    let number = match (plain, double()) {
        (Some(number), _) => number.to_owned(),
        (None, Some(number)) if number.contains('E') => number.to_owned(),
        (None, Some(number)) => format!("{number}E0"),
        (None, None) => upper,
    };
    let is_number =
        number.parse::<f64>().is_ok() && number.bytes().all(|b| !b.is_ascii_alphabetic() || b == b'E');
    (if is_number { Token::Number(number) } else { Token::Strange }, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let show = |token| match token {
            Token::Word(word) => word,
            Token::Quoted(name) => format!("`{name}`"),
            Token::Number(number) => format!("#{number}"),
            Token::Text(text) => format!("'{text}'"),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::Strange => "?".to_owned(),
        };
        tokens(text).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn hints_fall_into_their_tokens() {
        for (text, expected) in [
            ("a.`b.c```<=>5", &["a", "Dot", "`b.c``", "Same", "#5"][..]),
            ("(x>=-1.5e-3)", &["Open", "x", "GreaterOrEqual", "Minus", "#1.5E-3", "Close"]),
            ("5L 5S 1.50BD 5D 1e3D 1.1F .5", &["#5", "#5", "#1.50", "#5E0", "#1E3", "#1.1E0", "#.5"]),
            ("DATE '2021-01-01'", &["DATE", "'2021-01-01'"]),
            (r"'it\'s' 'a\\b' 'a\n' 'it''s'", &["'it's'", r"'a\b'", "?", "?"]),
            ("naïve != \"x\"", &["naïve", "NotEqual", "?", "x", "?"]),
            ("0x1F 1_000 5LL", &["?", "?", "?"]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
        for open in ["'abc", "`abc", r"'abc\", r"'abc\'"] {
            assert_eq!(tokens(open), None, "{open}");
        }
    }
}
