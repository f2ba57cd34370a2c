//! Names for servers, kept in config.toml of the config directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::fault::Fault;
use super::private_file::PrivateFile;

const HEADER: &str =
    "# Written by `lakeshare alias`. It holds secret keys: keep it readable by yourself alone.\n\n";
/// Longest alias, in bytes; it is typed often.
const ALIAS_BYTES_MAX: usize = 64;

/// config.toml as written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasFile {
    #[serde(default)]
    aliases: BTreeMap<String, StoredAlias>,
}

/// One server and the key pair to use with it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredAlias {
    /// Scheme, host and port, without a trailing slash.
    pub url: String,
    pub access_key: String,
    pub secret_key: String,
}

impl std::fmt::Debug for StoredAlias {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredAlias").field("url", &self.url).finish_non_exhaustive()
    }
}

/// All aliases, and where they are kept.
#[derive(Debug)]
pub(crate) struct Aliases {
    path: PathBuf,
    file: AliasFile,
}

impl Aliases {
    /// Reads config.toml of `config_dir`; a missing file holds no alias.
    pub(crate) fn load(config_dir: &Path) -> Result<Self, Fault> {
        let path = config_dir.join("config.toml");
        let what = || format!("cannot read the aliases in {}", path.display());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Fault::io(what(), &error)),
        };
        let file = toml::from_str(&text).map_err(|error| {
            Fault::refused(what(), error.message().to_owned())
                .advise("Correct the file, or move it away and set the aliases again.")
        })?;
        Ok(Self { path, file })
    }

    /// A warning when others may read the secrets.
    pub(crate) fn exposure(&self) -> Option<String> {
        let mode = fs::metadata(&self.path).ok()?.permissions().mode();
        (mode & 0o077 != 0).then(|| {
            format!(
                "warning: others may read the secret keys in {0}; run `chmod 600 {0}`",
                self.path.display()
            )
        })
    }

    /// The alias called `name`, or what to do to have it.
    pub(crate) fn get(&self, name: &str) -> Result<&StoredAlias, Fault> {
        self.file.aliases.get(name).ok_or_else(|| {
            let fault = Fault::refused(format!("cannot find the server '{name}'"), "there is no such alias");
            if self.file.aliases.is_empty() {
                let name = if is_name(name) { name } else { "local" };
                return fault.advise(format!(
                    "Set it: lakeshare alias set {name} http://127.0.0.1:9000 ACCESS_KEY SECRET_KEY"
                ));
            }
            let known: Vec<&str> = self.file.aliases.keys().map(String::as_str).collect();
            fault.advise(format!(
                "Known aliases: {}. Set others with `lakeshare alias set NAME URL`.",
                known.join(", ")
            ))
        })
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.file.aliases.contains_key(name)
    }

    /// All aliases, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &StoredAlias)> {
        self.file.aliases.iter().map(|(name, alias)| (name.as_str(), alias))
    }

    /// Sets `name`; kept only by [`Self::save`].
    pub(crate) fn set(&mut self, name: &str, alias: StoredAlias) {
        self.file.aliases.insert(name.to_owned(), alias);
    }

    /// Forgets `name`; kept only by [`Self::save`].
    pub(crate) fn remove(&mut self, name: &str) {
        self.file.aliases.remove(name);
    }

    /// Writes config.toml, whole or not at all, readable by its owner alone.
    pub(crate) fn save(&self) -> Result<(), Fault> {
        let what = || format!("cannot write the aliases to {}", self.path.display());
        let body = toml::to_string(&self.file).map_err(|error| Fault::refused(what(), error.to_string()))?;
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .and_then(|()| PrivateFile::prepare(&self.path))
            .and_then(|file| file.commit(format!("{HEADER}{body}").as_bytes()))
            .map_err(|error| Fault::io(what(), &error).advise("Choose another directory with --config-dir."))
    }
}

/// Checks that `name` can be an alias: it stands before a slash and must not look like a path.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    if is_name(name) {
        return Ok(());
    }
    Err(Fault::usage(
        format!("cannot set the alias '{name}'"),
        "an alias is made of letters, digits, - and _",
    )
    .advise("Begin with a letter, for example: local, prod, team-b."))
}

fn is_name(name: &str) -> bool {
    name.len() <= ALIAS_BYTES_MAX
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Checks that `text` names a server and nothing more, and gives it without a trailing slash.
pub(crate) fn parse_server_url(text: &str) -> Result<Url, Fault> {
    let wrong = |why: &str| {
        Fault::usage(format!("cannot use '{text}' as a server's address"), why)
            .advise("Write http://HOST[:PORT] or https://HOST[:PORT], for example http://127.0.0.1:9000.")
    };
    let url = Url::parse(text).map_err(|error| {
        if error == url::ParseError::RelativeUrlWithoutBase {
            return wrong("it begins with neither http:// nor https://");
        }
        wrong(&error.to_string())
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it begins with neither http:// nor https://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("the key pair does not belong into the address"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("something follows the host and port"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(url: &str) -> StoredAlias {
        StoredAlias { url: url.to_owned(), access_key: "ak".to_owned(), secret_key: "s3cret".to_owned() }
    }

    #[test]
    fn aliases_survive_in_a_private_file() {
        let directory = tempfile::tempdir().unwrap();
        let config_dir = directory.path().join("deep/config");
        let mut aliases = Aliases::load(&config_dir).unwrap();
        aliases.set("local", alias("http://127.0.0.1:9000"));
        aliases.save().unwrap();
        let mode = fs::metadata(config_dir.join("config.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Aliases::load(&config_dir).unwrap();
        assert_eq!(again.get("local").unwrap().secret_key, "s3cret");
        assert_eq!(again.exposure(), None);
    }

    #[test]
    fn a_readable_file_is_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        fs::write(&path, "[aliases]\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Aliases::load(directory.path()).unwrap().exposure().unwrap().contains("chmod 600"));
    }

    #[test]
    fn unknown_keys_are_complaints() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config.toml"), "[alias.local]\nurl = 'x'\n").unwrap();
        assert!(Aliases::load(directory.path()).unwrap_err().why.contains("alias"));
    }

    #[test]
    fn an_unknown_alias_is_told_the_known_ones() {
        let directory = tempfile::tempdir().unwrap();
        let mut aliases = Aliases::load(directory.path()).unwrap();
        assert!(aliases.get("local").unwrap_err().advice.contains("alias set local http"));
        aliases.set("prod", alias("https://a"));
        assert!(aliases.get("local").unwrap_err().advice.contains("Known aliases: prod"));
    }

    #[test]
    fn secrets_are_not_in_debug_text() {
        assert!(!format!("{:?}", alias("http://a")).contains("s3cret"));
    }

    #[test]
    fn server_addresses_hold_scheme_host_and_port() {
        for text in ["http://127.0.0.1:9000", "https://share.example.com/", "http://[::1]:9000"] {
            assert!(parse_server_url(text).is_ok(), "{text}");
        }
        for text in [
            "127.0.0.1:9000",
            "localhost:9000",
            "ftp://a",
            "http://a/b",
            "http://u:p@a",
            "http://",
            "http://a?x",
        ] {
            assert!(parse_server_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_aliases_never_look_like_paths() {
        for name in ["local", "team-b", "A1_"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "1a", ".", "a/b", "-a", "ä", "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
