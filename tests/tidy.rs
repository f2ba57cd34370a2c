//! The rules of the house, as tests: floors, lengths, name plates, words.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room may import rooms on lower floors only; rooms on one floor do not know each other.
const FLOORS: &[(&str, u8)] = &[
    ("main", 10),
    ("cli", 9),
    ("serve", 8),
    ("admin", 7),
    ("catalog", 7),
    ("s3store", 7),
    ("sharing", 7),
    ("auth", 6),
    ("snapshot", 6),
    ("uniform", 5),
    ("scan", 4),
    ("deletes", 3),
    ("delta", 3),
    ("directory", 3),
    ("iceberg", 3),
    ("manifest", 3),
    ("sample", 3),
    ("skip", 3),
    ("spill", 3),
    ("state", 2),
    ("storage", 2),
    ("table", 2),
    ("bucket_name", 1),
    ("byte_cache", 1),
    ("config", 1),
    ("encode", 1),
    ("http", 1),
    ("side_by_side", 1),
    ("sigv4", 1),
    ("telemetry", 1),
    ("simd", 0),
    ("clock", 0),
    ("error", 0),
    ("limits", 0),
];

/// Pairs on one floor that may meet, each with its reason.
const NEIGHBOURS: &[(&str, &str)] = &[
    // The checked settings hold the root credential.
    ("config", "sigv4"),
    // The settings say how log lines look.
    ("telemetry", "config"),
];

const FILE_LINES_MAX: usize = 400;
const FILE_LINES_WITH_TESTS_MAX: usize = 600;
const PLATE_WORDS_MAX: usize = 12;
const BANNED_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "manager"];

struct Source {
    path: PathBuf,
    room: String,
    /// Name inside the room; `mod` for the room's face.
    file: String,
    text: String,
}

impl Source {
    /// A file in a room, beside its face and its unit tests.
    fn is_child(&self) -> bool {
        self.file != "mod" && self.file != "tests" && !self.file.contains('/')
    }

    /// The text before the unit tests.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(below: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(below) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let base = root().join("src");
    let mut paths = Vec::new();
    rust_files(&base, &mut paths);
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(&base).unwrap().with_extension("");
        let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let (room, file) = match parts.split_first().unwrap() {
            (room, []) => (room.clone(), "mod".to_owned()),
            (room, rest) => (room.clone(), rest.join("/")),
        };
        let text = fs::read_to_string(&path).unwrap();
        Source { path: path.strip_prefix(root()).unwrap().to_owned(), room, file, text }
    };
    paths.into_iter().map(read).filter(|source| source.room != "lib").collect()
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// The first path segments after each `crate::` (or `lakeshare::` in main), `{a, b}` groups opened.
fn imported_rooms(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in joined_uses(code) {
        for marker in ["crate::", "lakeshare::"] {
            for (at, _) in line.match_indices(marker) {
                let rest = &line[at + marker.len()..];
                rooms.extend(heads(rest));
            }
        }
    }
    rooms
}

/// `use` statements as one line each, all other lines as they are; comments left out.
fn joined_uses(code: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open: Option<String> = None;
    for line in code.lines() {
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        match open.take() {
            Some(started) => {
                let joined = started + line;
                if line.ends_with(';') { lines.push(joined) } else { open = Some(joined) }
            }
            None if (line.starts_with("use ") || line.starts_with("pub use ")) && !line.ends_with(';') => {
                open = Some(line.to_owned());
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines
}

/// `a::b` gives `a`; `{a::b, c}` gives `a` and `c`.
fn heads(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.iter().map(|part| word(part.trim_start_matches([',', ' ']))).filter(|w| !w.is_empty()).collect()
}

#[test]
fn every_room_has_a_floor() {
    for source in sources() {
        assert!(floor(&source.room).is_some(), "{}: `{}` is on no floor", source.name(), source.room);
    }
}

#[test]
fn rooms_import_lower_floors_only() {
    let mut wrong = Vec::new();
    for source in sources() {
        let own = floor(&source.room).unwrap_or(0);
        for room in imported_rooms(source.code()) {
            let meets = NEIGHBOURS.contains(&(source.room.as_str(), room.as_str()));
            if room != source.room && floor(&room).is_some_and(|other| other >= own) && !meets {
                wrong.push(format!("{} imports `{room}`", source.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that run upward or sideways:\n{}", wrong.join("\n"));
}

/// Sibling files that `source` imports: `super::name` and `crate::room::name`.
fn siblings(source: &Source) -> BTreeSet<String> {
    let own = format!("crate::{}::", source.room);
    let mut names = BTreeSet::new();
    for line in joined_uses(source.code()) {
        for marker in ["super::", own.as_str()] {
            for (at, _) in line.match_indices(marker) {
                if !line[..at].ends_with("super::") {
                    names.extend(heads(&line[at + marker.len()..]));
                }
            }
        }
    }
    names
}

#[test]
fn no_child_imports_its_parent() {
    let all = sources();
    let files: BTreeSet<(String, String)> =
        all.iter().map(|source| (source.room.clone(), source.file.clone())).collect();
    let mut wrong = Vec::new();
    for source in all.iter().filter(|source| source.is_child()) {
        for name in siblings(source) {
            let known = |file: String| files.contains(&(source.room.clone(), file));
            if name != "super" && !known(name.clone()) && !known(format!("{name}/mod")) {
                wrong.push(format!("{} takes `{name}` from its parent", source.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_have_no_circles() {
    let mut rooms: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.is_child()) {
        rooms.entry(source.room.clone()).or_default().insert(source.file.clone(), siblings(source));
    }
    for (room, mut files) in rooms {
        // Take away files that import nothing left, until none can be taken: the rest is a circle.
        loop {
            let names: BTreeSet<String> = files.keys().cloned().collect();
            let free = files.iter().find(|(name, imports)| {
                imports.iter().all(|import| import == *name || !names.contains(import))
            });
            let Some(name) = free.map(|(name, _)| name.clone()) else { break };
            files.remove(&name);
        }
        assert!(files.is_empty(), "circle in {room}: {:?}", files.keys());
    }
}

#[test]
fn files_and_plates_are_short() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "perf/src", "fuzz/bodies", "fuzz/fuzz_targets"] {
        rust_files(&root().join(folder), &mut paths);
    }
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let lines = text.lines().count();
        let all_tests = name.ends_with("/tests.rs");
        let code = if all_tests { "" } else { text.split("#[cfg(test)]\nmod ").next().unwrap_or_default() };
        let code_lines = code.lines().count();
        if code_lines > FILE_LINES_MAX || lines > FILE_LINES_WITH_TESTS_MAX {
            wrong.push(format!("{name}: {code_lines} lines of code, {lines} in all"));
        }
        let plate = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        let words = plate.trim_start_matches("//!").split_whitespace().count();
        if !plate.starts_with("//! ") || words > PLATE_WORDS_MAX || !plate.ends_with(['.', ':', ';', ',']) {
            wrong.push(format!(
                "{name}: the first line is its name plate, one sentence of at most 12 words: {plate:?}"
            ));
        }
        if plate.to_lowercase().contains("this module") || plate.to_lowercase().contains("this file") {
            wrong.push(format!("{name}: the plate talks about itself"));
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if BANNED_NAMES.contains(&stem.as_str()) {
            wrong.push(format!("{name}: that name says nothing"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    let me = root().join("tests/tidy.rs");
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "perf/src", "fuzz/bodies", "fuzz/fuzz_targets"] {
        rust_files(&root().join(folder), &mut paths);
    }
    let everywhere = ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "dbg!(", "allow(dead_code)"];
    let in_tests = ["thread::sleep", "time::sleep"];
    let mut wrong = Vec::new();
    for path in paths.iter().filter(|path| **path != me) {
        let text = fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let mut check = |word: &str| {
            if text.contains(word) {
                wrong.push(format!("{name}: {word}"));
            }
        };
        for word in everywhere {
            check(word);
        }
        if name.starts_with("tests/") {
            for word in in_tests {
                check(word);
            }
        }
        if name.starts_with("src/") && !name.starts_with("src/simd") {
            check("unsafe {");
            check("unsafe fn");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_files_are_in_use() {
    let mut paths = Vec::new();
    rust_files(&root().join("tests"), &mut paths);
    let tests: String = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut unused = Vec::new();
    let mut folders = vec![root().join("tests/golden")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !tests.contains(path.file_stem().unwrap().to_string_lossy().as_ref()) {
                unused.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    assert!(unused.is_empty(), "no test names these golden files:\n{}", unused.join("\n"));
}
