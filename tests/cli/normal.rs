//! What differs from run to run, made the same.

/// Forms of changing text: `d` stands for a digit, `h` for a hex digit, all else for itself.
const FORMS: &[(&str, &str)] = &[
    ("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh", "<id>"),
    ("dddd-dd-ddTdd:dd:dd", "<moment>"),
    ("dddd-dd-dd dd:dd:dd", "<moment>"),
];

/// `text` with every changing part replaced by a name for it.
pub(crate) fn normalise(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some((behind, name)) = token(rest).or_else(|| speed(rest)).or_else(|| form(rest)) {
            normal.push_str(name);
            rest = behind;
        } else {
            normal.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    normal
}

fn form(text: &str) -> Option<(&str, &'static str)> {
    FORMS.iter().find_map(|(form, name)| {
        let piece = text.as_bytes().get(..form.len())?;
        let fits = piece.iter().zip(form.bytes()).all(|(byte, mark)| match mark {
            b'd' => byte.is_ascii_digit(),
            b'h' => byte.is_ascii_hexdigit(),
            _ => *byte == mark,
        });
        fits.then(|| (&text[form.len()..], *name))
    })
}

/// `dapi` and 64 hex digits.
fn token(text: &str) -> Option<(&str, &'static str)> {
    let digits = text.strip_prefix("dapi")?;
    let count = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    (count == 64).then(|| (&digits[count..], "<token>"))
}

/// ` in 0.1s (12.0KiB/s).`
fn speed(text: &str) -> Option<(&str, &'static str)> {
    let behind = text.strip_prefix(" in ")?;
    let end = behind.find("/s).")?;
    (end < 24).then(|| (&behind[end + 4..], " in <time> (<speed>)."))
}

#[test]
fn changing_parts_get_names() {
    let token = format!("dapi{}", "0".repeat(64));
    assert_eq!(normalise(&format!("Token: {token}\n")), "Token: <token>\n");
    assert_eq!(normalise("dapi12"), "dapi12");
    assert_eq!(normalise("238fe2ac-2ed6-4c2d-b7f3-6119049d08ba!"), "<id>!");
    assert_eq!(normalise("at 2026-02-13T10:22:05-06:00"), "at <moment>-06:00");
    assert_eq!(normalise("Copied 1 file, 3B in 0.0s (1.2KiB/s)."), "Copied 1 file, 3B in <time> (<speed>).");
}
