//! What every state store must do for the catalog.

use std::collections::BTreeMap;

use lakeshare::clock::Clock;
use lakeshare::error::Kind;
use lakeshare::limits::catalog as limits;
use lakeshare::state::Error;
use lakeshare::state::catalog::{
    Entry, EntryChange, EntryKind, EntryName, KeptAnswer, NamespaceUpdate, Page, join_levels, split_levels,
};
use lakeshare::state::embedded::Store;
use uuid::Uuid;

const W: &str = "lake";

struct Fixture {
    store: Store,
    clock: Clock,
    _dir: tempfile::TempDir,
}

/// A store with the warehouse [`W`] and these namespaces, levels between dots.
async fn fixture(namespaces: &[&str]) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(1_000);
    let store = Store::open(dir.path(), clock.clone()).unwrap();
    store.create_warehouse(W).await.unwrap();
    for name in namespaces {
        store.create_namespace(W, levels(name), BTreeMap::new(), None).await.unwrap();
    }
    Fixture { store, clock, _dir: dir }
}

fn levels(dotted: &str) -> Vec<String> {
    dotted.split('.').filter(|level| !level.is_empty()).map(str::to_owned).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The last level is the name.
fn entry(dotted: &str) -> EntryName {
    let mut namespace = levels(dotted);
    let name = namespace.pop().unwrap();
    EntryName { namespace, name }
}

fn create(name: &str, location: &str) -> EntryChange {
    let metadata_location = location.to_owned();
    EntryChange::Create { id: Uuid::new_v4(), kind: EntryKind::Table, name: entry(name), metadata_location }
}

fn create_view(name: &str) -> EntryChange {
    let metadata_location = "v0".to_owned();
    EntryChange::Create { id: Uuid::new_v4(), kind: EntryKind::View, name: entry(name), metadata_location }
}

fn swap(name: &str, expected: &str, location: &str) -> EntryChange {
    EntryChange::Swap {
        kind: EntryKind::Table,
        name: entry(name),
        expected: expected.to_owned(),
        metadata_location: location.to_owned(),
    }
}

fn rename(kind: EntryKind, from: &str, to: &str) -> EntryChange {
    EntryChange::Rename { kind, from: entry(from), to: entry(to) }
}

fn remove(kind: EntryKind, name: &str) -> EntryChange {
    EntryChange::Remove { kind, name: entry(name) }
}

fn answer(key: u128, expires_ms: i64) -> KeptAnswer {
    KeptAnswer { key: Uuid::from_u128(key), digest: [7; 32], answer: b"done".to_vec(), expires_ms }
}

fn page(after: Option<&str>, limit: usize) -> Page {
    Page { after: after.map(str::to_owned), limit }
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    result.unwrap_err().kind()
}

impl Fixture {
    async fn change(&self, changes: Vec<EntryChange>) -> Result<Vec<Entry>, Error> {
        self.store.change_entries(W, changes, None).await
    }

    async fn location(&self, name: &str) -> String {
        self.store.get_entry(W, &entry(name)).await.unwrap().metadata_location
    }

    async fn tables(&self, namespace: &str) -> Vec<String> {
        self.store.list_entries(W, &levels(namespace), EntryKind::Table, page(None, 100)).await.unwrap()
    }
}

#[tokio::test]
async fn warehouses_are_made_once_and_removed_when_empty() {
    let fixture = fixture(&["a"]).await;
    let store = &fixture.store;
    let other = store.create_warehouse("other-1").await.unwrap();
    assert_eq!(store.get_warehouse("other-1").await.unwrap(), other);
    let names: Vec<_> = store.list_warehouses().await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, [W, "other-1"]);
    assert!(matches!(store.create_warehouse(W).await, Err(Error::WarehouseExists { .. })));
    for bad in ["ab", "Lake", "a.b.c", "a/b", "_lake", "lake-"] {
        assert_eq!(kind(store.create_warehouse(bad).await), Kind::Invalid, "{bad}");
    }
    assert!(matches!(store.remove_warehouse(W).await, Err(Error::WarehouseNotEmpty { .. })));
    store.remove_warehouse("other-1").await.unwrap();
    assert!(matches!(store.remove_warehouse("other-1").await, Err(Error::WarehouseNotFound { .. })));
    store.remove_namespace(W, &levels("a"), None).await.unwrap();
    store.remove_warehouse(W).await.unwrap();
    assert!(store.list_warehouses().await.unwrap().is_empty());
    let gone = store.list_namespaces(W, &[], page(None, 10)).await;
    assert!(matches!(gone, Err(Error::WarehouseNotFound { .. })));
}

#[tokio::test]
async fn a_namespace_needs_its_parent_and_goes_when_nothing_is_in_it() {
    let fixture = fixture(&["a", "a.b", "A"]).await;
    let store = &fixture.store;
    let make = |name: &str| store.create_namespace(W, levels(name), BTreeMap::new(), None);
    assert!(matches!(make("a.c.d").await, Err(Error::NamespaceNotFound { levels }) if levels == ["a", "c"]));
    assert!(matches!(make("a.b").await, Err(Error::NamespaceExists { .. })));
    assert!(matches!(make("").await, Err(Error::Identifier(_))));
    let deep = levels(&["a"; limits::NAMESPACE_LEVELS_MAX + 1].join("."));
    assert_eq!(kind(store.create_namespace(W, deep, BTreeMap::new(), None).await), Kind::Invalid);
    let drop = async |name: &str| store.remove_namespace(W, &levels(name), None).await;
    assert!(matches!(drop("a").await, Err(Error::NamespaceNotEmpty { .. })));
    for change in [create("a.b.t", "0"), create_view("A.v")] {
        fixture.change(vec![change]).await.unwrap();
    }
    assert!(matches!(drop("a.b").await, Err(Error::NamespaceNotEmpty { .. })));
    assert!(matches!(drop("A").await, Err(Error::NamespaceNotEmpty { .. })));
    fixture.change(vec![remove(EntryKind::Table, "a.b.t")]).await.unwrap();
    drop("a.b").await.unwrap();
    drop("a").await.unwrap();
    assert!(matches!(drop("a").await, Err(Error::NamespaceNotFound { .. })));
}

#[tokio::test]
async fn children_are_told_in_order_page_by_page() {
    let names = ["b", "a", "B", "a.z", "a.y", "a.y.x", "a.y!", "ab", "a b"];
    let fixture = fixture(&names).await;
    let list = async |parent: &str, page: Page| fixture.store.list_namespaces(W, &levels(parent), page).await;
    let tops = list("", page(None, 100)).await.unwrap();
    assert_eq!(tops, [["B"], ["a"], ["a b"], ["ab"], ["b"]].map(|one| one.map(str::to_owned).to_vec()));
    assert_eq!(list("a", page(None, 100)).await.unwrap(), ["a.y", "a.y!", "a.z"].map(levels));
    assert_eq!(list("a.y", page(None, 100)).await.unwrap(), [levels("a.y.x")]);
    assert!(list("a.z", page(None, 100)).await.unwrap().is_empty());
    assert!(matches!(list("a.q", page(None, 1)).await, Err(Error::NamespaceNotFound { .. })));
    let (mut told, mut after) = (Vec::new(), None);
    while told.len() < tops.len() {
        let part = list("", page(after.as_deref(), 2)).await.unwrap();
        after = part.last().map(|levels| join_levels(levels));
        told.extend(part);
    }
    assert_eq!(told, tops);
    assert_eq!(list("", page(None, 0)).await.unwrap().len(), 1, "a page has a name at least");
    assert_eq!(split_levels(&join_levels(&levels("a.y"))), levels("a.y"));
}

#[tokio::test]
async fn properties_are_set_and_removed_together() {
    let fixture = fixture(&[]).await;
    let store = &fixture.store;
    let first = map(&[("owner", "me"), ("old", "1")]);
    let made = store.create_namespace(W, levels("a"), first.clone(), None).await.unwrap();
    assert_eq!((made.properties.clone(), made.created_ms, made.updated_ms), (first, 1_000, 1_000));
    let update = NamespaceUpdate {
        removals: ["old", "absent"].map(str::to_owned).into(),
        updates: map(&[("new", "2"), ("owner", "you")]),
    };
    let changed = store.update_namespace(W, &levels("a"), update.clone(), None).await.unwrap();
    assert_eq!((changed.updated, changed.removed), (vec!["new".into(), "owner".into()], vec!["old".into()]));
    assert_eq!(changed.missing, ["absent"]);
    let held = store.get_namespace(W, &levels("a")).await.unwrap();
    assert_eq!(held.properties, map(&[("new", "2"), ("owner", "you")]));
    assert!(held.updated_ms > made.updated_ms, "forward though the clock stands still");
    let both = NamespaceUpdate { removals: ["x".to_owned()].into(), updates: map(&[("x", "1")]) };
    assert_eq!(kind(store.update_namespace(W, &levels("a"), both, None).await), Kind::Invalid);
    let long = "x".repeat(limits::NAMESPACE_PROPERTIES_BYTES_MAX);
    let long = NamespaceUpdate { updates: map(&[("x", &long)]), ..NamespaceUpdate::default() };
    assert_eq!(kind(store.update_namespace(W, &levels("a"), long, None).await), Kind::Invalid);
    assert_eq!(store.get_namespace(W, &levels("a")).await.unwrap(), held);
    let absent = store.update_namespace(W, &levels("b"), update, None).await;
    assert!(matches!(absent, Err(Error::NamespaceNotFound { .. })));
}

#[tokio::test]
async fn tables_and_views_share_one_set_of_names() {
    let fixture = fixture(&["a"]).await;
    let made =
        fixture.change(vec![create("a.t", "0"), create_view("a.v"), create("a.T", "0")]).await.unwrap();
    assert_eq!(fixture.store.get_entry(W, &entry("a.t")).await.unwrap(), made[0]);
    assert_eq!(fixture.store.get_entry(W, &entry("a.v")).await.unwrap(), made[1]);
    let taken = |result| match result {
        Err(Error::EntryExists { kind, .. }) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(taken(fixture.change(vec![create_view("a.t")]).await), EntryKind::Table);
    assert_eq!(taken(fixture.change(vec![create("a.v", "0")]).await), EntryKind::View);
    assert_eq!(taken(fixture.change(vec![rename(EntryKind::Table, "a.t", "a.v")]).await), EntryKind::View);
    for wrong in [
        remove(EntryKind::View, "a.t"),
        remove(EntryKind::Table, "a.v"),
        rename(EntryKind::View, "a.t", "a.x"),
        swap("a.v", "v0", "v1"),
        swap("q.v", "v0", "v1"),
        remove(EntryKind::Table, "a.absent"),
    ] {
        let refused = fixture.change(vec![wrong.clone()]).await;
        assert!(matches!(refused, Err(Error::EntryNotFound { kind: Some(_), .. })), "{wrong:?}");
    }
    assert_eq!(fixture.tables("a").await, ["T", "t"]);
    let views = fixture.store.list_entries(W, &levels("a"), EntryKind::View, page(None, 9)).await.unwrap();
    assert_eq!(views, ["v"]);
    let again = EntryChange::Create {
        id: made[0].id,
        kind: EntryKind::Table,
        name: entry("a.again"),
        metadata_location: "0".into(),
    };
    assert!(matches!(fixture.change(vec![again]).await, Err(Error::EntryIdUsed { .. })));
    let absent = fixture.store.get_entry(W, &entry("none.t")).await;
    assert!(matches!(absent, Err(Error::EntryNotFound { kind: None, .. })));
}

#[tokio::test]
async fn names_with_separators_are_refused_and_never_found() {
    let fixture = fixture(&["a", "a.b"]).await;
    fixture.change(vec![create("a.b.t", "0")]).await.unwrap();
    for bad in ["", ".", "..", "x/y", "x\u{1f}y", "x\n", &"x".repeat(limits::CATALOG_NAME_BYTES_MAX + 1)] {
        let name = EntryName { namespace: levels("a"), name: bad.to_owned() };
        let metadata_location = "0".to_owned();
        let change =
            EntryChange::Create { id: Uuid::new_v4(), kind: EntryKind::Table, name, metadata_location };
        assert_eq!(kind(fixture.change(vec![change]).await), Kind::Invalid, "{bad:?}");
        let to = EntryName { namespace: levels("a"), name: bad.to_owned() };
        let change = EntryChange::Rename { kind: EntryKind::Table, from: entry("a.b.t"), to };
        assert_eq!(kind(fixture.change(vec![change]).await), Kind::Invalid, "{bad:?}");
        let levels = vec!["a".to_owned(), bad.to_owned()];
        let made = fixture.store.create_namespace(W, levels, BTreeMap::new(), None).await;
        assert_eq!(kind(made), Kind::Invalid, "{bad:?}");
    }
    let joined = EntryName { namespace: vec!["a\u{1f}b".into()], name: "t".into() };
    assert_eq!(kind(fixture.store.get_entry(W, &joined).await), Kind::NotFound);
    assert_eq!(kind(fixture.store.get_namespace(W, &["a\u{1f}b".into()]).await), Kind::NotFound);
    for location in ["", &"x".repeat(limits::METADATA_LOCATION_BYTES_MAX + 1)] {
        assert_eq!(kind(fixture.change(vec![create("a.u", location)]).await), Kind::Invalid);
        assert_eq!(kind(fixture.change(vec![swap("a.b.t", "0", location)]).await), Kind::Invalid);
    }
}

#[tokio::test]
async fn a_swap_happens_only_from_the_location_that_was_read() {
    let fixture = fixture(&["a"]).await;
    let made = fixture.change(vec![create("a.t", "0")]).await.unwrap().remove(0);
    fixture.clock.set(5_000);
    let swapped = fixture.change(vec![swap("a.t", "0", "1")]).await.unwrap().remove(0);
    assert_eq!(swapped, Entry { metadata_location: "1".into(), updated_ms: 5_000, ..made.clone() });
    fixture.clock.set(0);
    assert!(matches!(fixture.change(vec![swap("a.t", "0", "2")]).await, Err(Error::EntryChanged { .. })));
    assert_eq!(fixture.store.get_entry(W, &entry("a.t")).await.unwrap(), swapped);
    let twice = fixture.change(vec![swap("a.t", "1", "2"), swap("a.t", "2", "3")]).await.unwrap();
    assert_eq!((twice[1].id, twice[1].metadata_location.as_str()), (made.id, "3"));
    assert!(twice[1].updated_ms > 5_000, "never backwards");
}

#[tokio::test]
async fn changes_of_several_entries_happen_together_or_not_at_all() {
    let fixture = fixture(&["a", "b"]).await;
    let names = ["a.x", "a.y", "b.z"];
    fixture.change(names.iter().map(|name| create(name, "0")).collect()).await.unwrap();
    let mut changes: Vec<_> = names.iter().map(|name| swap(name, "0", "1")).collect();
    changes.push(swap("a.x", "0", "2"));
    assert!(matches!(fixture.change(changes.clone()).await, Err(Error::EntryChanged { .. })));
    for name in names {
        assert_eq!(fixture.location(name).await, "0", "{name}");
    }
    changes.pop();
    assert_eq!(fixture.change(changes).await.unwrap().len(), 3);
    for name in names {
        assert_eq!(fixture.location(name).await, "1", "{name}");
    }
    assert!(fixture.change(Vec::new()).await.unwrap().is_empty());
    let many = (0..=limits::ENTRY_CHANGES_MAX).map(|_| swap("a.x", "1", "2")).collect();
    assert!(matches!(fixture.change(many).await, Err(Error::TooManyChanges { .. })));
}

#[tokio::test]
async fn a_renamed_entry_keeps_its_id_and_its_metadata() {
    let fixture = fixture(&["a", "b"]).await;
    let made = fixture.change(vec![create("a.t", "0"), create_view("a.v")]).await.unwrap();
    let moved = fixture.change(vec![rename(EntryKind::Table, "a.t", "b.u")]).await.unwrap().remove(0);
    assert_eq!((moved.id, moved.name.to_string().as_str()), (made[0].id, "b.u"));
    assert_eq!((moved.metadata_location.as_str(), moved.created_ms), ("0", made[0].created_ms));
    assert_eq!(fixture.store.get_entry(W, &entry("b.u")).await.unwrap(), moved);
    assert_eq!(kind(fixture.store.get_entry(W, &entry("a.t")).await), Kind::NotFound);
    let same = fixture.change(vec![rename(EntryKind::Table, "b.u", "b.u")]).await.unwrap().remove(0);
    assert_eq!(same, moved);
    let nowhere = fixture.change(vec![rename(EntryKind::View, "a.v", "c.v")]).await;
    assert!(matches!(nowhere, Err(Error::NamespaceNotFound { .. })));
    // Two entries change places within one transaction.
    let places = vec![
        rename(EntryKind::Table, "b.u", "b.free"),
        rename(EntryKind::View, "a.v", "b.u"),
        rename(EntryKind::Table, "b.free", "a.v"),
    ];
    fixture.change(places).await.unwrap();
    assert_eq!(fixture.store.get_entry(W, &entry("a.v")).await.unwrap().id, made[0].id);
    assert_eq!(fixture.store.get_entry(W, &entry("b.u")).await.unwrap().id, made[1].id);
    let removed = fixture.change(vec![remove(EntryKind::View, "b.u")]).await.unwrap().remove(0);
    assert_eq!((removed.id, removed.metadata_location.as_str()), (made[1].id, "v0"));
}

#[tokio::test]
async fn an_answer_is_kept_with_its_change_or_not_at_all() {
    let fixture = fixture(&["a"]).await;
    let store = &fixture.store;
    let kept = answer(1, 9_000);
    store.change_entries(W, vec![create("a.t", "0")], Some(kept.clone())).await.unwrap();
    assert_eq!(store.find_answer(kept.key).await.unwrap(), Some(kept.clone()));
    // Who sent a request twice hears of its key, not of the table that the first one made.
    let twice = store.change_entries(W, vec![create("a.t", "0")], Some(kept.clone())).await;
    assert!(matches!(twice, Err(Error::KeyUsed { key }) if key == kept.key));
    let failed = store.change_entries(W, vec![create("a.t", "0")], Some(answer(2, 9_000))).await;
    assert!(matches!(failed, Err(Error::EntryExists { .. })));
    assert_eq!(store.find_answer(Uuid::from_u128(2)).await.unwrap(), None);
    store.keep_answer(answer(2, 9_000)).await.unwrap();
    assert!(matches!(store.keep_answer(answer(2, 9_000)).await, Err(Error::KeyUsed { .. })));
    assert_eq!(store.find_answer(Uuid::from_u128(2)).await.unwrap(), Some(answer(2, 9_000)));
    store.create_namespace(W, levels("b"), BTreeMap::new(), Some(answer(3, 9_000))).await.unwrap();
    let update = NamespaceUpdate { updates: map(&[("x", "1")]), ..NamespaceUpdate::default() };
    let used = store.update_namespace(W, &levels("b"), update.clone(), Some(answer(3, 9_000))).await;
    assert!(matches!(used, Err(Error::KeyUsed { .. })));
    assert!(store.get_namespace(W, &levels("b")).await.unwrap().properties.is_empty());
    store.update_namespace(W, &levels("b"), update, Some(answer(4, 9_000))).await.unwrap();
    store.remove_namespace(W, &levels("b"), Some(answer(5, 9_000))).await.unwrap();
    for key in 3..=5 {
        assert!(store.find_answer(Uuid::from_u128(key)).await.unwrap().is_some(), "{key}");
    }
    let large = KeptAnswer { answer: vec![0; limits::KEPT_ANSWER_BYTES_MAX + 1], ..answer(6, 9_000) };
    assert_eq!(kind(store.keep_answer(large).await), Kind::TooLarge);
}

#[tokio::test]
async fn an_answer_is_forgotten_when_its_time_is_over() {
    let fixture = fixture(&[]).await;
    fixture.store.keep_answer(answer(1, 2_000)).await.unwrap();
    fixture.clock.set(1_999);
    assert!(fixture.store.find_answer(Uuid::from_u128(1)).await.unwrap().is_some());
    fixture.clock.set(2_000);
    assert_eq!(fixture.store.find_answer(Uuid::from_u128(1)).await.unwrap(), None);
    let again = KeptAnswer { digest: [9; 32], ..answer(1, 3_000) };
    fixture.store.keep_answer(again.clone()).await.unwrap();
    assert_eq!(fixture.store.find_answer(again.key).await.unwrap(), Some(again));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_at_the_same_time_each_one_builds_on_the_one_before() {
    const WRITERS: usize = 8;
    const SWAPS: usize = 25;
    let fixture = fixture(&["a"]).await;
    fixture.change(vec![create("a.t", "0")]).await.unwrap();
    let writers = (0..WRITERS).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            let (mut done, mut lost) = (0, 0);
            while done < SWAPS {
                let held = store.get_entry(W, &entry("a.t")).await.unwrap().metadata_location;
                let next = (held.parse::<usize>().unwrap() + 1).to_string();
                match store.change_entries(W, vec![swap("a.t", &held, &next)], None).await {
                    Ok(_) => done += 1,
                    Err(Error::EntryChanged { .. }) => lost += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            lost
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(fixture.location("a.t").await, (WRITERS * SWAPS).to_string(), "no swap was lost");
}
