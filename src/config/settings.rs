//! Every setting by key: flag over environment over file over default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::origin::Origin;

/// One setting that the server knows.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name in the file; the flag is the same with `-`, the environment `LAKESHARE_` and capitals.
    pub name: &'static str,
    /// Value when nobody sets it; `None` where there is no sensible one.
    pub default: Option<&'static str>,
    /// Secrets are never printed and may also come from a file named by `LAKESHARE_…_FILE`.
    pub secret: bool,
    /// One line for the reference.
    pub about: &'static str,
}

const fn key(name: &'static str, default: Option<&'static str>, about: &'static str) -> Key {
    Key { name, default, secret: false, about }
}

/// All settings, in the order of the reference.
pub const KEYS: &[Key] = &[
    key("address", Some("127.0.0.1:9000"), "Where to listen, IP:PORT; port 0 takes a free one."),
    key("public_url", None, "How recipients reach this server; in profiles and presigned URLs."),
    Key { secret: true, ..key("root_user", None, "Access key of the root credential.") },
    Key { secret: true, ..key("root_password", None, "Secret key of the root credential.") },
    key("tls_cert", None, "PEM file with the certificate chain; read again on SIGHUP."),
    key("tls_key", None, "PEM file with the private key; read again on SIGHUP."),
    key("allow_http", Some("false"), "Listen beyond loopback without TLS."),
    key("cores", Some("0"), "Cores that serve; 0 takes all that the process may use."),
    key("io", Some("auto"), "How local files are read: auto, uring or pread."),
    key("region", Some("us-east-1"), "Region named in signatures."),
    key("domain", None, "Domain for virtual-host style buckets, BUCKET.DOMAIN."),
    key("url_expiry", Some("1h"), "Shortest life of a presigned URL: 15m to 7d."),
    key(
        "url_per_recipient",
        Some("false"),
        "Give each recipient URLs of its own, which name it to the store's log; lines are then shared by nobody.",
    ),
    key(
        "async_queries",
        Some("false"),
        "Give clients that ask for it a query's id first, and its answer later.",
    ),
    key("reader_timeout", Some("2m"), "How long a reader may take nothing of its answer: 1s to 1h."),
    key("snapshot_cache", Some("2GiB"), "Memory for table snapshots."),
    key(
        "listing_cache",
        Some("512MiB"),
        "Memory for finished lines, which the next reader of the same files gets; 0 keeps none.",
    ),
    key("snapshot_disk", Some("16GiB"), "Disk for table snapshots, which outlive a restart; 0: none."),
    key("log_format", Some("text"), "How log lines look: text or json."),
];

/// The settings as rows of the README's table: key, default, what it is.
pub fn reference() -> String {
    let row = |key: &Key| {
        let default = key.default.map(|value| format!("`{value}`")).unwrap_or_default();
        format!("| `{}` | {default} | {} |\n", key.name, key.about)
    };
    KEYS.iter().map(row).collect()
}

/// Values as text with their origins; [`super::Config::check`] gives them their types.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, (String, Origin)>,
}

/// Looks up one environment variable; the program passes the real environment, tests a map.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Puts the four layers on top of each other. Unknown keys of `file` and of `flags` are errors.
    pub fn gather(
        flags: &[(&str, String)],
        environment: Environment<'_>,
        file: Option<&Path>,
    ) -> Result<Self, Error> {
        let mut settings = Self::default();
        settings.add_defaults();
        if let Some(path) = file {
            settings.add_file(path)?;
        }
        settings.add_environment(environment)?;
        for (name, value) in flags {
            let key = find(name).ok_or_else(|| unknown(name, &Origin::Flag))?;
            settings.values.insert(key.name, (value.clone(), Origin::Flag));
        }
        Ok(settings)
    }

    /// The value of `name` and where it came from.
    pub fn get(&self, name: &str) -> Option<(&str, &Origin)> {
        self.values.get(name).map(|(value, origin)| (value.as_str(), origin))
    }

    fn add_defaults(&mut self) {
        for key in KEYS {
            if let Some(value) = key.default {
                self.values.insert(key.name, (value.to_owned(), Origin::Default));
            }
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let table: toml::Table = text
            .parse()
            .map_err(|source| Error::Syntax { path: path.to_owned(), source: Box::new(source) })?;
        let origin = Origin::File(path.to_owned());
        for (name, value) in table {
            let key = find(&name).ok_or_else(|| unknown(&name, &origin))?;
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                toml::Value::Float(_)
                | toml::Value::Datetime(_)
                | toml::Value::Array(_)
                | toml::Value::Table(_) => {
                    return Err(Error::Value {
                        key: key.name,
                        origin,
                        why: "expected a text, a whole number or true/false".to_owned(),
                    });
                }
            };
            self.values.insert(key.name, (text, origin.clone()));
        }
        Ok(())
    }

    fn add_environment(&mut self, environment: Environment<'_>) -> Result<(), Error> {
        for key in KEYS {
            let name = format!("LAKESHARE_{}", key.name.to_ascii_uppercase());
            if key.secret {
                let file_name = format!("{name}_FILE");
                if let Some(path) = environment(&file_name) {
                    let path = PathBuf::from(path);
                    let text = std::fs::read_to_string(&path)
                        .map_err(|source| Error::Read { path: path.clone(), source })?;
                    let value = text.trim_end_matches(['\r', '\n']).to_owned();
                    self.values.insert(key.name, (value, Origin::Environment(file_name)));
                }
            }
            if let Some(value) = environment(&name) {
                self.values.insert(key.name, (value, Origin::Environment(name)));
            }
        }
        Ok(())
    }
}

fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn unknown(name: &str, origin: &Origin) -> Error {
    let near = KEYS
        .iter()
        .map(|key| key.name)
        .filter(|known| known.contains(name) || name.contains(known) || distance(name, known) <= 2)
        .min_by_key(|known| distance(name, known));
    Error::Unknown { key: name.to_owned(), origin: origin.clone(), near }
}

/// Levenshtein distance of two short names, for suggestions.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut last = i;
        let mut before = i + 1;
        for (r, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let value = (last + usize::from(l != *r)).min(before + 1).min(*cell + 1);
            last = *cell;
            *cell = value;
            before = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lakeshare.toml");
        std::fs::write(&path, "region = \"file\"\ncores = 3\nio = \"pread\"\n").unwrap();
        let environment = |name: &str| match name {
            "LAKESHARE_REGION" => Some("environment".to_owned()),
            "LAKESHARE_IO" => Some("uring".to_owned()),
            _ => None,
        };
        let settings = Settings::gather(&[("region", "flag".to_owned())], &environment, Some(&path)).unwrap();
        assert_eq!(settings.get("region").unwrap(), ("flag", &Origin::Flag));
        assert_eq!(settings.get("io").unwrap().0, "uring");
        assert_eq!(settings.get("cores").unwrap(), ("3", &Origin::File(path)));
        assert_eq!(settings.get("address").unwrap(), ("127.0.0.1:9000", &Origin::Default));
        assert!(settings.get("domain").is_none());
    }

    #[test]
    fn the_readme_lists_every_setting() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        assert!(readme.contains(&reference()), "README.md should hold these rows:\n{}", reference());
    }

    #[test]
    fn unknown_key_is_an_error_with_a_suggestion() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lakeshare.toml");
        std::fs::write(&path, "adress = \"127.0.0.1:1\"\n").unwrap();
        let error = Settings::gather(&[], &none, Some(&path)).unwrap_err().to_string();
        assert!(error.contains("adress") && error.contains("did you mean `address`"), "{error}");
    }

    #[test]
    fn secret_comes_from_a_file_named_in_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "s3cret word\n").unwrap();
        let text = path.to_string_lossy().into_owned();
        let environment = move |name: &str| (name == "LAKESHARE_ROOT_PASSWORD_FILE").then(|| text.clone());
        let settings = Settings::gather(&[], &environment, None).unwrap();
        assert_eq!(settings.get("root_password").unwrap().0, "s3cret word");
    }

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("adress", "address"), 1);
        assert_eq!(distance("", "io"), 2);
        assert_eq!(distance("cores", "cores"), 0);
    }
}
