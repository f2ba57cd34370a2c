//! The store is private, durable, and agrees with a model.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::state::change::{NewTable, TableName};
use crate::state::name::fold;
use crate::state::record::{TableOptions, TableSource};

fn store(dir: &Path) -> Store {
    Store::open(dir, Clock::fixed(1_000)).unwrap()
}

#[test]
fn files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("deep/.lakeshare");
    let _store = store(&dir);
    let mode_of = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode_of(&dir), 0o700);
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode_of(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_second_server_is_refused_until_the_first_ends() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    let error = Store::open(dir.path(), Clock::system()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Conflict);
    drop(first);
    store(dir.path());
}

#[test]
fn secrets_are_made_once_and_differ_between_installations() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secrets = |dir: &Path| {
        let store = store(dir);
        (store.signing_credential(), *store.page_key(), store.server_id())
    };
    let first = secrets(one.path());
    assert_eq!(secrets(one.path()), first);
    let other = secrets(two.path());
    assert!(other.0 != first.0 && other.1 != first.1 && other.2 != first.2);
}

#[test]
fn a_newer_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let raw = Connection::open(dir.path().join(database::FILE_NAME)).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let error = Store::open(dir.path(), Clock::system()).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, known: 4, .. }), "{error}");
    assert!(error.to_string().contains("newer lakeshare"), "{error}");
}

#[tokio::test]
async fn a_database_of_the_first_schema_keeps_its_shares() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(database::FILE_NAME);
    let raw = Connection::open(&path).unwrap();
    schema::lay_first(&raw).unwrap();
    raw.execute_batch(
        "INSERT INTO shares VALUES ('6fa459ea-ee8a-3ca4-894e-db77e160355e', 'S', 's', 'old', 1, 2);
         INSERT INTO schemas VALUES ('a', '6fa459ea-ee8a-3ca4-894e-db77e160355e', 'd', 'd');
         INSERT INTO tables VALUES
             ('7fa459ea-ee8a-3ca4-894e-db77e160355e', 'a', 't', 't', 'delta', 'b', 'l');",
    )
    .unwrap();
    drop(raw);
    let share = store(dir.path()).get_share("s").await.unwrap();
    assert_eq!((share.description.as_deref(), share.properties.len()), (Some("old"), 0));
    assert_eq!(share.schemas[0].tables[0].options, TableOptions::default());
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(r#"UPDATE tables SET options = '{"rowFilter":"x"}'"#).unwrap();
    drop(raw);
    let error = store(dir.path()).get_share("s").await.unwrap_err();
    assert!(matches!(&error, Error::Stored { value, .. } if value.contains("rowFilter")), "{error}");
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(database::FILE_NAME);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE theirs (n)").unwrap();
    drop(raw);
    assert!(matches!(Store::open(dir.path(), Clock::system()), Err(Error::Foreign { .. })));
    std::fs::write(&path, vec![7; 8_192]).unwrap();
    assert_eq!(Store::open(dir.path(), Clock::system()).unwrap_err().kind(), Kind::Corrupt);
}

#[tokio::test]
async fn commits_wait_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let ask = |question: &'static str| {
        store.write(move |connection| {
            connection
                .query_row(question, [], |row| row.get::<_, i64>(0))
                .map_err(|source| Error::Sqlite { action: "answer", source })
        })
    };
    assert_eq!(ask("PRAGMA synchronous").await.unwrap(), 2, "FULL");
    assert_eq!(ask("PRAGMA foreign_keys").await.unwrap(), 1);
    let reader = store.read(|connection| {
        connection
            .execute("DELETE FROM shares", [])
            .map(|_| ())
            .map_err(|source| Error::Sqlite { action: "write by its reader", source })
    });
    assert!(reader.await.is_err());
}

/// A schema and a table.
type TableKey = (String, String);

/// What a share should hold: schema and table keys to locations, and its last `updated_ms`.
#[derive(Debug, Default, Clone)]
struct ModelShare {
    tables: BTreeMap<TableKey, String>,
    updated_ms: i64,
}

/// The plainest store that could be right.
#[derive(Debug, Default)]
struct Model {
    shares: BTreeMap<String, ModelShare>,
    tokens: BTreeMap<Uuid, Vec<String>>,
}

#[derive(Debug, Clone)]
enum Step {
    Create { share: String, tables: Vec<TableKey> },
    Patch { share: String, add: Vec<TableKey>, remove: Vec<TableKey>, is_stale: bool },
    Remove { share: String },
    Grant { shares: Vec<String> },
    Revoke { index: usize },
    Tick { now_ms: i64 },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let share = || prop::sample::select(vec!["a", "A", "b", "c.d", "ä", "Ä"]).prop_map(str::to_owned);
    let word = || prop::sample::select(vec!["x", "X", "y", "z"]).prop_map(str::to_owned);
    let tables = || prop::collection::vec((word(), word()), 0..4);
    let step = prop_oneof![
        4 => (share(), tables()).prop_map(|(share, tables)| Step::Create { share, tables }),
        5 => (share(), tables(), tables(), prop::bool::weighted(0.2)).prop_map(
            |(share, add, remove, is_stale)| Step::Patch { share, add, remove, is_stale }
        ),
        2 => share().prop_map(|share| Step::Remove { share }),
        4 => prop::collection::vec(share(), 0..3).prop_map(|shares| Step::Grant { shares }),
        2 => (0_usize..4).prop_map(|index| Step::Revoke { index }),
        1 => (0_i64..2_000).prop_map(|now_ms| Step::Tick { now_ms }),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

fn new_tables(tables: &[TableKey]) -> Vec<NewTable> {
    let new_table = |(schema, name): &TableKey| NewTable {
        schema: schema.clone(),
        name: name.clone(),
        source: source(&format!("{schema}/{name}")),
        options: TableOptions::default(),
    };
    tables.iter().map(new_table).collect()
}

/// A source of any kind, by its name.
fn source(name: &str) -> TableSource {
    let reference = Some(name.to_owned()).filter(|_| name.len().is_multiple_of(2));
    match name.bytes().map(usize::from).sum::<usize>() % 3 {
        0 => TableSource::Delta { bucket: "b".into(), location: name.into() },
        1 => TableSource::Iceberg { bucket: "b".into(), location: name.into(), reference },
        _ => TableSource::Uniform {
            warehouse: "lake".into(),
            namespace: name.split('/').map(str::to_owned).collect(),
            table: name.into(),
            reference,
        },
    }
}

impl ModelShare {
    fn add(&mut self, tables: &[TableKey]) -> Result<(), Kind> {
        for (schema, table) in tables {
            let key = (fold(schema).into_owned(), fold(table).into_owned());
            if self.tables.insert(key, format!("{schema}/{table}")).is_some() {
                return Err(Kind::Conflict);
            }
        }
        Ok(())
    }
}

impl Model {
    fn create(&mut self, share: &str, tables: &[TableKey], now_ms: i64) -> Result<(), Kind> {
        let key = fold(share).into_owned();
        if self.shares.contains_key(&key) {
            return Err(Kind::Conflict);
        }
        let mut made = ModelShare { updated_ms: now_ms, ..ModelShare::default() };
        made.add(tables)?;
        self.shares.insert(key, made);
        Ok(())
    }

    fn patch(
        &mut self,
        share: &str,
        change: (&[TableKey], &[TableKey]),
        is_stale: bool,
        now_ms: i64,
    ) -> Result<(), Kind> {
        let current = self.shares.get_mut(fold(share).as_ref()).ok_or(Kind::NotFound)?;
        if is_stale {
            return Err(Kind::Conflict);
        }
        let (add, remove) = change;
        let mut changed = current.clone();
        for (schema, table) in remove {
            let key = (fold(schema).into_owned(), fold(table).into_owned());
            changed.tables.remove(&key).ok_or(Kind::NotFound)?;
        }
        changed.add(add)?;
        if !(add.is_empty() && remove.is_empty()) {
            changed.updated_ms = now_ms.max(current.updated_ms + 1);
        }
        *current = changed;
        Ok(())
    }

    fn remove(&mut self, share: &str) -> Result<(), Kind> {
        let key = fold(share).into_owned();
        self.shares.remove(&key).ok_or(Kind::NotFound)?;
        self.tokens.values_mut().for_each(|opens| opens.retain(|open| *open != key));
        self.tokens.retain(|_, opens| !opens.is_empty());
        Ok(())
    }

    fn grants(&self, shares: &[String]) -> Result<Vec<String>, Kind> {
        if shares.is_empty() {
            return Err(Kind::Invalid);
        }
        let mut keys: Vec<String> = shares.iter().map(|share| fold(share).into_owned()).collect();
        if keys.iter().any(|key| !self.shares.contains_key(key)) {
            return Err(Kind::NotFound);
        }
        keys.sort();
        keys.dedup();
        Ok(keys)
    }
}

/// Both stores take `step`; they must give the same answer.
async fn take(store: &Store, model: &mut Model, step: &Step, now_ms: i64) {
    let kind = |result: Result<(), Error>| result.map_err(|error| error.kind());
    match step {
        Step::Create { share, tables } => {
            let new = NewShare { name: share.clone(), tables: new_tables(tables), ..NewShare::default() };
            let made = store.create_share(new).await.map(|_| ());
            assert_eq!(kind(made), model.create(share, tables, now_ms));
        }
        Step::Patch { share, add, remove, is_stale } => {
            let remove_names = remove
                .iter()
                .map(|(schema, table)| TableName { schema: schema.to_uppercase(), table: table.clone() });
            let patch =
                SharePatch { add: new_tables(add), remove: remove_names.collect(), ..SharePatch::default() };
            let expected = is_stale.then(|| vec![ShareStamp { id: Uuid::nil(), updated_ms: 0 }]);
            let made = store.update_share(share, patch, expected).await.map(|_| ());
            assert_eq!(kind(made), model.patch(share, (add, remove), *is_stale, now_ms));
        }
        Step::Remove { share } => {
            assert_eq!(kind(store.remove_share(share, None).await), model.remove(share));
        }
        Step::Grant { shares } => {
            let mut digest = [0; 32];
            digest[..16].copy_from_slice(Uuid::new_v4().as_bytes());
            let new = NewToken { digest, shares: shares.clone(), description: None, expires_ms: None };
            let made = store.create_token(new).await;
            let opens = model.grants(shares);
            assert_eq!(
                made.as_ref().map_err(Error::kind).map(|_| ()),
                opens.as_ref().map(|_| ()).map_err(|kind| *kind)
            );
            if let (Ok(made), Ok(opens)) = (made, opens) {
                model.tokens.insert(made.token.id, opens);
            }
        }
        Step::Revoke { index } => {
            let id = model.tokens.keys().nth(*index).copied();
            let removed = kind(store.remove_token(id.unwrap_or_default()).await);
            assert_eq!(removed, id.map(|_| ()).ok_or(Kind::NotFound));
            id.map(|id| model.tokens.remove(&id));
        }
        Step::Tick { .. } | Step::Reopen => {}
    }
}

/// Everything that the store holds is what the model holds.
async fn compare(store: &Store, model: &Model) {
    let (shares, tokens) = store.load_all().await.unwrap();
    assert_eq!(shares, store.list_shares().await.unwrap());
    let keys: Vec<String> = shares.iter().map(|share| fold(&share.name).into_owned()).collect();
    assert_eq!(keys, model.shares.keys().cloned().collect::<Vec<_>>());
    for share in &shares {
        assert_eq!(*share, store.get_share(&share.name.to_uppercase()).await.unwrap());
        let expected = &model.shares[fold(&share.name).as_ref()];
        assert_eq!(share.updated_ms, expected.updated_ms);
        let mut held = Vec::new();
        for schema in &share.schemas {
            assert!(!schema.tables.is_empty(), "a schema without tables");
            for table in &schema.tables {
                let key = (fold(&schema.name).into_owned(), fold(&table.name).into_owned());
                held.push((key, table.source.clone()));
            }
        }
        let sources = expected.tables.iter().map(|(key, name)| (key.clone(), source(name)));
        assert_eq!(held, sources.collect::<Vec<_>>());
    }
    let name_of = |id: &Uuid| {
        let share = shares.iter().find(|share| share.id == *id).expect("a token opens a share that exists");
        fold(&share.name).into_owned()
    };
    let held: BTreeMap<Uuid, Vec<String>> =
        tokens.iter().map(|token| (token.id, token.share_ids.iter().map(name_of).collect())).collect();
    assert_eq!(held, model.tokens);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_a_plain_map(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let clock = Clock::fixed(1_000);
            let mut store = Store::open(dir.path(), clock.clone()).unwrap();
            let mut model = Model::default();
            for step in &steps {
                if let Step::Tick { now_ms } = step {
                    clock.set(*now_ms);
                }
                if matches!(step, Step::Reopen) {
                    drop(store);
                    store = Store::open(dir.path(), clock.clone()).unwrap();
                }
                take(&store, &mut model, step, clock.now_ms()).await;
                compare(&store, &model).await;
            }
        });
    }
}
