//! What every state store must do; run against the embedded one.

use std::collections::BTreeMap;

use lakeshare::clock::Clock;
use lakeshare::error::Kind;
use lakeshare::limits;
use lakeshare::state::Error;
use lakeshare::state::catalog::{EntryChange, EntryKind, EntryName};
use lakeshare::state::change::{Edit, NewShare, NewTable, NewToken, SharePatch, ShareStamp, TableName};
use lakeshare::state::embedded::Store;
use lakeshare::state::record::{Share, TableOptions, TableSource, TableVersion};
use uuid::Uuid;

struct Fixture {
    store: Store,
    clock: Clock,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(1_000);
    Fixture { store: Store::open(dir.path(), clock.clone()).unwrap(), clock, _dir: dir }
}

fn table(schema: &str, name: &str) -> NewTable {
    let source = TableSource::Delta { bucket: "b".into(), location: format!("{schema}/{name}") };
    NewTable { schema: schema.into(), name: name.into(), source, options: TableOptions::default() }
}

fn share(name: &str, tables: &[(&str, &str)]) -> NewShare {
    let tables = tables.iter().map(|(schema, name)| table(schema, name)).collect();
    NewShare { name: name.into(), tables, ..NewShare::default() }
}

fn token(digest: u8, shares: &[&str]) -> NewToken {
    let shares = shares.iter().map(|&share| share.to_owned()).collect();
    NewToken { digest: [digest; 32], shares, description: None, expires_ms: None }
}

fn names(share: &Share) -> Vec<String> {
    let of_schema = |schema: &lakeshare::state::record::Schema| {
        let names = schema.tables.iter().map(|table| format!("{}.{}", schema.name, table.name));
        names.collect::<Vec<_>>()
    };
    share.schemas.iter().flat_map(of_schema).collect()
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn what_was_created_is_read_back_sorted_in_its_spelling() {
    let fixture = fixture();
    let tables = [("Tpch", "orders"), ("abc", "Z"), ("tpch", "Customer"), ("abc", "a")];
    let made = fixture.store.create_share(share("Test", &tables)).await.unwrap();
    assert_eq!(names(&made), ["abc.a", "abc.Z", "Tpch.Customer", "Tpch.orders"]);
    assert_eq!((made.created_ms, made.updated_ms), (1_000, 1_000));
    assert_eq!(fixture.store.get_share("tEST").await.unwrap(), made);
    let other = fixture.store.create_share(share("other", &[])).await.unwrap();
    assert_eq!(fixture.store.list_shares().await.unwrap(), [other, made]);
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case() {
    let fixture = fixture();
    fixture.store.create_share(share("Ärzte", &[("s", "t")])).await.unwrap();
    assert_eq!(kind(fixture.store.create_share(share("ärzte", &[])).await), Kind::Conflict);
    let twice = share("x", &[("s", "t"), ("S", "T")]);
    assert_eq!(kind(fixture.store.create_share(twice).await), Kind::Conflict);
    assert_eq!(kind(fixture.store.get_share("x").await), Kind::NotFound, "half a share was left");
    for bad in ["", "a b", "a/b"] {
        assert_eq!(kind(fixture.store.create_share(share(bad, &[])).await), Kind::Invalid);
    }
}

#[tokio::test]
async fn a_patch_happens_whole_or_not_at_all() {
    let fixture = fixture();
    fixture.store.create_share(share("s", &[("a", "one"), ("b", "two")])).await.unwrap();
    let patch = |add: &[(&str, &str)], remove: &[(&str, &str)]| SharePatch {
        description: Edit::Set("changed".into()),
        properties: None,
        add: add.iter().map(|(schema, name)| table(schema, name)).collect(),
        remove: remove
            .iter()
            .map(|(schema, table)| TableName { schema: (*schema).into(), table: (*table).into() })
            .collect(),
    };
    let before = fixture.store.get_share("s").await.unwrap();
    for (broken, expected) in [
        (patch(&[("c", "new")], &[("a", "one"), ("a", "absent")]), Kind::NotFound),
        (patch(&[("c", "new"), ("B", "TWO")], &[("a", "one")]), Kind::Conflict),
        (patch(&[("c", "new"), ("c", "not allowed")], &[]), Kind::Invalid),
    ] {
        assert_eq!(kind(fixture.store.update_share("s", broken, None).await), expected);
        assert_eq!(fixture.store.get_share("s").await.unwrap(), before);
    }
    let whole = patch(&[("c", "new"), ("A", "one")], &[("a", "ONE"), ("B", "two")]);
    let after = fixture.store.update_share("S", whole, None).await.unwrap();
    // The schema `a` went with its last table, so the new one brings its own spelling.
    assert_eq!(names(&after), ["A.one", "c.new"]);
    assert_eq!(after.description.as_deref(), Some("changed"));
    let clear = SharePatch { description: Edit::Clear, ..SharePatch::default() };
    assert_eq!(fixture.store.update_share("s", clear, None).await.unwrap().description, None);
    assert_eq!(kind(fixture.store.update_share("zz", SharePatch::default(), None).await), Kind::NotFound);
}

#[tokio::test]
async fn every_change_moves_updated_forward_whatever_the_clock_does() {
    let fixture = fixture();
    let made = fixture.store.create_share(share("s", &[])).await.unwrap();
    let mut last_ms = made.updated_ms;
    for now_ms in [1_000, 1_000, 500, 0, 900_000] {
        fixture.clock.set(now_ms);
        let patch = SharePatch { description: Edit::Set(now_ms.to_string()), ..SharePatch::default() };
        let changed = fixture.store.update_share("s", patch, None).await.unwrap();
        assert!(changed.updated_ms > last_ms);
        last_ms = changed.updated_ms;
    }
    let same = fixture.store.update_share("s", SharePatch::default(), None).await.unwrap();
    assert_eq!(same.updated_ms, last_ms);
}

#[tokio::test]
async fn a_stale_stamp_changes_nothing() {
    let fixture = fixture();
    let made = fixture.store.create_share(share("s", &[])).await.unwrap();
    let stamp = vec![ShareStamp::of(&made)];
    let patch = |text: &str| SharePatch { description: Edit::Set(text.into()), ..SharePatch::default() };
    let changed = fixture.store.update_share("s", patch("one"), Some(stamp.clone())).await.unwrap();
    let stale = fixture.store.update_share("s", patch("two"), Some(stamp.clone())).await;
    assert!(matches!(stale, Err(Error::ShareChanged { .. })));
    assert!(matches!(
        fixture.store.remove_share("s", Some(stamp.clone())).await,
        Err(Error::ShareChanged { .. })
    ));
    assert_eq!(fixture.store.get_share("s").await.unwrap(), changed);
    // A share that was removed and made again is another share, even at the same moment.
    fixture.store.remove_share("s", Some(vec![ShareStamp::of(&changed)])).await.unwrap();
    fixture.store.create_share(share("s", &[])).await.unwrap();
    assert_eq!(kind(fixture.store.update_share("s", patch("three"), Some(stamp)).await), Kind::Conflict);
}

#[tokio::test]
async fn tables_that_stay_keep_their_ids() {
    let fixture = fixture();
    let made = fixture.store.create_share(share("s", &[("a", "stays"), ("a", "goes")])).await.unwrap();
    let remove = vec![TableName { schema: "a".into(), table: "goes".into() }];
    let patch = SharePatch { remove, ..SharePatch::default() };
    let changed = fixture.store.update_share("s", patch, None).await.unwrap();
    let id_of = |share: &Share| share.schemas[0].tables.iter().find(|t| t.name == "stays").map(|t| t.id);
    assert_eq!(id_of(&changed), id_of(&made));
}

#[tokio::test]
async fn tokens_open_shares_until_the_last_one_is_gone() {
    let fixture = fixture();
    for name in ["a", "b"] {
        fixture.store.create_share(share(name, &[])).await.unwrap();
    }
    let one = fixture.store.create_token(token(1, &["a"])).await.unwrap();
    let both = fixture.store.create_token(token(2, &["B", "a", "A"])).await.unwrap();
    assert_eq!(both.share_names, ["a", "b"]);
    assert_eq!(fixture.store.list_tokens("b").await.unwrap(), std::slice::from_ref(&both));
    assert_eq!(fixture.store.list_tokens("a").await.unwrap().len(), 2);
    fixture.store.remove_share("a", None).await.unwrap();
    let (shares, tokens) = fixture.store.load_all().await.unwrap();
    assert_eq!(tokens.len(), 1);
    assert_eq!((tokens[0].id, tokens[0].share_ids.as_slice()), (both.token.id, &[shares[0].id][..]));
    assert_eq!(kind(fixture.store.remove_token(one.token.id).await), Kind::NotFound);
    fixture.store.remove_token(both.token.id).await.unwrap();
    assert!(fixture.store.load_all().await.unwrap().1.is_empty());
    assert_eq!(kind(fixture.store.list_tokens("a").await), Kind::NotFound);
}

#[tokio::test]
async fn a_token_needs_shares_that_exist_and_not_too_many() {
    let fixture = fixture();
    fixture.store.create_share(share("a", &[])).await.unwrap();
    assert_eq!(kind(fixture.store.create_token(token(1, &[])).await), Kind::Invalid);
    assert_eq!(kind(fixture.store.create_token(token(1, &["a", "absent"])).await), Kind::NotFound);
    let many = vec!["a"; limits::TOKEN_SHARES_MAX + 1];
    assert_eq!(kind(fixture.store.create_token(token(1, &many)).await), Kind::Invalid);
    assert!(fixture.store.load_all().await.unwrap().1.is_empty(), "half a token was left");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_are_all_kept() {
    let fixture = fixture();
    fixture.store.create_share(share("s", &[])).await.unwrap();
    let changes = (0..64).map(|number| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            let name = format!("t{number}");
            let patch = SharePatch { add: vec![table("a", &name)], ..SharePatch::default() };
            store.update_share("s", patch, None).await.unwrap().updated_ms
        })
    });
    let mut stamps = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        stamps.push(change.await.unwrap());
    }
    stamps.sort_unstable();
    stamps.dedup();
    assert_eq!(stamps.len(), 64, "two changes share a stamp");
    assert_eq!(names(&fixture.store.get_share("s").await.unwrap()).len(), 64);
}

#[tokio::test]
async fn options_and_properties_are_read_back() {
    let fixture = fixture();
    let options = TableOptions {
        history: true,
        start_version: Some(3),
        partition_filter: [("region".to_owned(), vec![Some("EU".to_owned()), None])].into(),
        directory_access: false,
        allowed_locations: vec!["lake/base".to_owned()],
    };
    let tables = vec![NewTable { options: options.clone(), ..table("s", "t") }, table("s", "u")];
    let properties: BTreeMap<_, _> = [("owner".to_owned(), "a\"b".to_owned())].into();
    let new = NewShare { name: "x".into(), properties: properties.clone(), tables, ..NewShare::default() };
    fixture.store.create_share(new).await.unwrap();
    let share = fixture.store.get_share("x").await.unwrap();
    assert_eq!(share.properties, properties);
    let held: Vec<_> = share.schemas[0].tables.iter().map(|table| table.options.clone()).collect();
    assert_eq!(held, [options, TableOptions::default()]);
    let patch = SharePatch { properties: Some(BTreeMap::new()), ..SharePatch::default() };
    assert!(!patch.is_empty());
    assert_eq!(fixture.store.update_share("x", patch, None).await.unwrap().properties.len(), 0);
}

#[tokio::test]
async fn tables_of_every_kind_are_read_back() {
    let fixture = fixture();
    let reference = Some("audit".to_owned());
    let sources = [
        TableSource::Delta { bucket: "b".into(), location: "l".into() },
        TableSource::Iceberg { bucket: "b".into(), location: String::new(), reference: reference.clone() },
        TableSource::Uniform {
            warehouse: "lake".into(),
            namespace: vec!["a.b".into(), "c".into()],
            table: "t".into(),
            reference,
        },
    ];
    let named = |(number, source): (usize, &TableSource)| NewTable {
        source: source.clone(),
        ..table("s", &format!("t{number}"))
    };
    let tables = sources.iter().enumerate().map(named).collect();
    let made = fixture.store.create_share(NewShare { name: "x".into(), tables, ..NewShare::default() });
    let made = made.await.unwrap();
    let held: Vec<_> = made.schemas[0].tables.iter().map(|table| table.source.clone()).collect();
    assert_eq!(held, sources);
    assert_eq!(fixture.store.list_shares().await.unwrap(), [made]);
}

#[tokio::test]
async fn versions_are_added_after_the_newest_alone() {
    let store = fixture().store;
    let row = |version| TableVersion {
        version,
        snapshot_id: Some(-version).filter(|_| version > 0),
        schema_id: 1,
        timestamp_ms: 7 * version,
    };
    store.add_versions("t", None, vec![row(0), row(3)]).await.unwrap();
    store.add_versions("u", None, vec![row(9)]).await.unwrap();
    for (last, added) in [(None, vec![row(4)]), (Some(2), vec![row(4)]), (Some(3), vec![row(3)])] {
        assert_eq!(kind(store.add_versions("t", last, added).await), Kind::Conflict);
    }
    assert_eq!(kind(store.add_versions("t", Some(3), vec![row(5), row(4)]).await), Kind::Conflict);
    store.add_versions("t", Some(3), vec![row(4), row(8)]).await.unwrap();
    assert_eq!(store.list_versions("t").await.unwrap(), [row(0), row(3), row(4), row(8)]);
    assert_eq!(store.list_versions("u").await.unwrap(), [row(9)]);
    assert_eq!(store.list_versions("v").await.unwrap(), []);
}

#[tokio::test]
async fn of_too_many_versions_the_oldest_are_forgotten() {
    let store = fixture().store;
    let count = i64::try_from(limits::catalog::TABLE_VERSIONS_MAX).unwrap();
    let rows = |versions: std::ops::Range<i64>| {
        let row = |version| TableVersion { version, snapshot_id: None, schema_id: 0, timestamp_ms: 0 };
        versions.map(row).collect()
    };
    store.add_versions("t", None, rows(0..count)).await.unwrap();
    store.add_versions("t", Some(count - 1), rows(count..count + 2)).await.unwrap();
    let held = store.list_versions("t").await.unwrap();
    assert_eq!((held.len(), held[0].version), (limits::catalog::TABLE_VERSIONS_MAX, 2));
}

#[tokio::test]
async fn the_generation_moves_with_each_change_of_entries_and_with_nothing_else() {
    let store = fixture().store;
    let before = store.entries_generation();
    let (namespace, name) = (vec!["a".to_owned()], "t".to_owned());
    store.create_warehouse("lake").await.unwrap();
    store.create_namespace("lake", namespace.clone(), BTreeMap::new(), None).await.unwrap();
    assert_eq!(store.entries_generation(), before);
    let (kind, name) = (EntryKind::Table, EntryName { namespace, name });
    let create =
        EntryChange::Create { id: Uuid::new_v4(), kind, name: name.clone(), metadata_location: "m0".into() };
    store.change_entries("lake", vec![create], None).await.unwrap();
    let made = store.entries_generation();
    let (expected, metadata_location) = ("m0".into(), "m1".into());
    let swap = EntryChange::Swap { kind, name, expected, metadata_location };
    store.change_entries("lake", vec![swap], None).await.unwrap();
    assert!(before < made && made < store.entries_generation());
}
