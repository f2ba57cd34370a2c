//! Commands in a row, their transcript compared with a golden file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::normal::normalise;

/// What one command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    /// Each line of standard output as JSON; every one must be an object with a status.
    pub(crate) fn objects(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            let object: serde_json::Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("not JSON ({error}): {line}\n{}", self.err));
            assert!(object["status"].is_string(), "no status: {line}");
            object
        };
        self.out.lines().map(parse).collect()
    }

    /// The one object of standard output.
    pub(crate) fn object(&self) -> serde_json::Value {
        let mut objects = self.objects();
        assert_eq!(objects.len(), 1, "{}{}", self.out, self.err);
        objects.remove(0)
    }
}

/// A config directory and a working directory of its own, and all that was typed there.
pub(crate) struct Session {
    dir: TempDir,
    transcript: String,
    codes: Vec<i32>,
    /// Text that differs from run to run, and what stands for it.
    stand_ins: Vec<(String, String)>,
}

impl Session {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        let stand_ins = vec![(dir.path().display().to_string(), "DIR".to_owned())];
        Self { dir, transcript: String::new(), codes: Vec::new(), stand_ins }
    }

    /// `text` is written as `name` in the transcript.
    pub(crate) fn stand_in(&mut self, text: &str, name: &str) {
        self.stand_ins.push((text.to_owned(), name.to_owned()));
    }

    /// Where commands run; relative paths begin here.
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Writes a file below the working directory.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs without a word in the transcript.
    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lakeshare"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LAKESHARE_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.work());
        command.env("HOME", self.dir.path()).env("TZ", "America/Mexico_City").env_remove("NO_COLOR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing closes the pipe early, which is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs and asserts that it succeeded.
    pub(crate) fn done(&self, arguments: &[&str]) -> Answer {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}{}", answer.out, answer.err);
        answer
    }

    /// Runs and writes the command and its answer into the transcript.
    pub(crate) fn show(&mut self, arguments: &[&str]) -> Answer {
        let answer = self.run(arguments);
        let quoted: Vec<String> = arguments.iter().map(|word| quote(word)).collect();
        self.transcript.push_str(&format!("$ lakeshare {}\n{}", quoted.join(" "), answer.out));
        for line in answer.err.lines() {
            self.transcript.push_str(&format!("! {line}\n"));
        }
        self.transcript.push_str(&format!("# {}\n\n", answer.code));
        self.codes.push(answer.code);
        answer
    }

    /// The exit codes of all commands that were shown.
    pub(crate) fn codes(&self) -> &[i32] {
        &self.codes
    }

    /// Compares the transcript with `tests/golden/cli/<name>.txt`; `UPDATE_GOLDEN=1` writes it anew.
    pub(crate) fn compare(&self, name: &str) {
        let mut text = self.transcript.clone();
        for (from, to) in &self.stand_ins {
            text = text.replace(from, to);
        }
        compare_text(name, &normalise(&text));
    }
}

/// Compares `text` with `tests/golden/cli/<name>.txt`; `UPDATE_GOLDEN=1` writes it anew.
pub(crate) fn compare_text(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    for (number, (is, should)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(is, should, "{}:{} differs (left: now)", path.display(), number + 1);
    }
    assert_eq!(text, golden, "{} differs in length (left: now)", path.display());
}

fn quote(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=<>".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("\"{word}\"") }
}
