//! The catalog's state agrees with a plain model of it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::state::catalog::{KeptAnswer, NamespaceUpdate};
use crate::state::embedded::Store;

/// A table or view of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    id: Uuid,
    kind: EntryKind,
    location: String,
}

/// The plainest catalog that could be right, of one warehouse.
#[derive(Debug, Clone, Default)]
struct Model {
    /// Levels to properties.
    namespaces: BTreeMap<Vec<String>, BTreeMap<String, String>>,
    entries: BTreeMap<EntryName, Held>,
    /// Key to the time at which it ends.
    answers: BTreeMap<Uuid, i64>,
}

#[derive(Debug, Clone)]
enum Change {
    Make {
        levels: Vec<String>,
        properties: BTreeMap<String, String>,
    },
    Update {
        levels: Vec<String>,
        update: NamespaceUpdate,
    },
    Remove {
        levels: Vec<String>,
    },
    /// A swap expects the location that the entry has when the changes are sent, or a stale one.
    Entries(Vec<EntryChange>),
    Answer,
}

#[derive(Debug, Clone)]
enum Step {
    /// With a key, and for how long its answer is kept.
    Change(Change, Option<(u128, i64)>),
    Tick {
        ms: i64,
    },
    Reopen,
}

const W: &str = "lake";

/// The name of the variant; what else it says is tested elsewhere.
type Refusal = String;

fn refusal(error: &Error) -> Refusal {
    let text = format!("{error:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

fn refused<T>(name: &str) -> Result<T, Refusal> {
    Err(name.to_owned())
}

impl Model {
    fn keep(&mut self, key: Uuid, expires_ms: i64, now_ms: i64) -> Result<(), Refusal> {
        if self.answers.get(&key).is_some_and(|held_ms| *held_ms > now_ms) {
            return refused("KeyUsed");
        }
        self.answers.insert(key, expires_ms);
        Ok(())
    }

    fn make(&mut self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Make { levels, properties } => {
                if identifier::check_namespace(levels).is_err() {
                    return refused("Identifier");
                }
                let parent = &levels[..levels.len() - 1];
                if !parent.is_empty() && !self.namespaces.contains_key(parent) {
                    return refused("NamespaceNotFound");
                }
                if self.namespaces.contains_key(levels) {
                    return refused("NamespaceExists");
                }
                self.namespaces.insert(levels.clone(), properties.clone());
                Ok(())
            }
            Change::Update { levels, update } => {
                if update.removals.iter().any(|key| update.updates.contains_key(key)) {
                    return refused("PropertyTwice");
                }
                let Some(properties) = self.namespaces.get_mut(levels) else {
                    return refused("NamespaceNotFound");
                };
                properties.retain(|key, _| !update.removals.contains(key));
                properties.extend(update.updates.clone());
                Ok(())
            }
            Change::Remove { levels } => {
                if !self.namespaces.contains_key(levels) {
                    return refused("NamespaceNotFound");
                }
                let is_below = |other: &Vec<String>| other.len() > levels.len() && other.starts_with(levels);
                if self.namespaces.keys().any(is_below)
                    || self.entries.keys().any(|name| name.namespace == *levels)
                {
                    return refused("NamespaceNotEmpty");
                }
                self.namespaces.remove(levels);
                Ok(())
            }
            Change::Entries(changes) => changes.iter().try_for_each(|change| self.entry(change)),
            Change::Answer => Ok(()),
        }
    }

    fn entry(&mut self, change: &EntryChange) -> Result<(), Refusal> {
        match change {
            EntryChange::Create { id, kind, name, metadata_location } => {
                self.check_free(name)?;
                let held = Held { id: *id, kind: *kind, location: metadata_location.clone() };
                self.entries.insert(name.clone(), held);
            }
            EntryChange::Swap { kind, name, expected, metadata_location } => {
                let held = self.require(*kind, name)?;
                if held.location != *expected {
                    return refused("EntryChanged");
                }
                held.location.clone_from(metadata_location);
            }
            EntryChange::Rename { kind, from, to } => {
                if !self.namespaces.contains_key(&to.namespace) {
                    return refused("NamespaceNotFound");
                }
                let held = self.require(*kind, from)?.clone();
                if from != to {
                    self.check_free(to)?;
                    self.entries.remove(from);
                    self.entries.insert(to.clone(), held);
                }
            }
            EntryChange::Remove { kind, name } => {
                self.require(*kind, name)?;
                self.entries.remove(name);
            }
        }
        Ok(())
    }

    fn check_free(&self, name: &EntryName) -> Result<(), Refusal> {
        if identifier::check_entry(name).is_err() {
            return refused("Identifier");
        }
        if !self.namespaces.contains_key(&name.namespace) {
            return refused("NamespaceNotFound");
        }
        if self.entries.contains_key(name) {
            return refused("EntryExists");
        }
        Ok(())
    }

    fn require(&mut self, kind: EntryKind, name: &EntryName) -> Result<&mut Held, Refusal> {
        self.entries.get_mut(name).filter(|held| held.kind == kind).ok_or_else(|| "EntryNotFound".to_owned())
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level = || prop::sample::select(vec!["a", "A", "b", "a b", "b/"]).prop_map(str::to_owned);
    let levels = move || {
        let plain = prop::sample::select(vec!["a", "b"]).prop_map(str::to_owned);
        prop_oneof![4 => prop::collection::vec(plain, 1..3), 1 => prop::collection::vec(level(), 0..3)]
    };
    let property = || prop::sample::select(vec!["x", "y"]).prop_map(str::to_owned);
    let properties = move || prop::collection::btree_map(property(), property(), 0..3);
    let kind = || prop::sample::select(vec![EntryKind::Table, EntryKind::Table, EntryKind::View]);
    let name = move || {
        let word = prop::sample::select(vec!["t", "u", "T", ".."]);
        (levels(), word).prop_map(|(namespace, word)| EntryName { namespace, name: word.to_owned() })
    };
    let location = || "[0-3]";
    let entry = prop_oneof![
        4 => (any::<u128>(), kind(), name(), location()).prop_map(|(id, kind, name, metadata_location)| {
            EntryChange::Create { id: Uuid::from_u128(id), kind, name, metadata_location }
        }),
        4 => (kind(), name(), location(), location()).prop_map(|(kind, name, expected, metadata_location)| {
            EntryChange::Swap { kind, name, expected, metadata_location }
        }),
        2 => (kind(), name(), name()).prop_map(|(kind, from, to)| EntryChange::Rename { kind, from, to }),
        1 => (kind(), name()).prop_map(|(kind, name)| EntryChange::Remove { kind, name }),
    ];
    let update = (prop::collection::btree_set(property(), 0..2), properties());
    let change = prop_oneof![
        4 => (levels(), properties()).prop_map(|(levels, properties)| Change::Make { levels, properties }),
        2 => (levels(), update).prop_map(|(levels, (removals, updates))| {
            Change::Update { levels, update: NamespaceUpdate { removals, updates } }
        }),
        1 => levels().prop_map(|levels| Change::Remove { levels }),
        8 => prop::collection::vec(entry, 1..4).prop_map(Change::Entries),
        1 => Just(Change::Answer),
    ];
    let key = prop::option::weighted(0.3, (0..4_u128, 1..50_i64));
    let step = prop_oneof![
        20 => (change, key).prop_map(|(change, key)| Step::Change(change, key)),
        2 => (0..40_i64).prop_map(|ms| Step::Tick { ms }),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

async fn send(store: &Store, change: Change, answer: Option<KeptAnswer>) -> Result<(), Error> {
    match change {
        Change::Make { levels, properties } => {
            let made = store.create_namespace(W, levels.clone(), properties.clone(), answer).await?;
            assert_eq!((made.levels, made.properties), (levels, properties));
            Ok(())
        }
        Change::Update { levels, update } => {
            let keys = (update.updates.len(), update.removals.len());
            let changed = store.update_namespace(W, &levels, update, answer).await?;
            assert_eq!((changed.updated.len(), changed.removed.len() + changed.missing.len()), keys);
            Ok(())
        }
        Change::Remove { levels } => store.remove_namespace(W, &levels, answer).await,
        Change::Entries(changes) => {
            let count = changes.len();
            assert_eq!(store.change_entries(W, changes, answer).await?.len(), count);
            Ok(())
        }
        Change::Answer => match answer {
            Some(answer) => store.keep_answer(answer).await,
            None => Ok(()),
        },
    }
}

/// Both stores take the change; they must give the same answer.
async fn take(store: &Store, model: &mut Model, change: &Change, key: Option<(u128, i64)>, now_ms: i64) {
    let answer = key.map(|(key, ms)| KeptAnswer {
        key: Uuid::from_u128(key),
        digest: [1; 32],
        answer: format!("{change:?}").into_bytes(),
        expires_ms: now_ms + ms,
    });
    let mut changed = model.clone();
    let expected = answer
        .as_ref()
        .map_or(Ok(()), |answer| changed.keep(answer.key, answer.expires_ms, now_ms))
        .and_then(|()| changed.make(change));
    if expected.is_ok() {
        *model = changed;
    }
    let told = send(store, change.clone(), answer).await.map_err(|error| refusal(&error));
    assert_eq!(told, expected, "{change:?}");
}

/// Everything that the store holds is what the model holds.
async fn compare(store: &Store, model: &Model, now_ms: i64) {
    let page = |after| Page { after, limit: 2 };
    let mut waiting = vec![Vec::new()];
    let mut namespaces = Vec::new();
    while let Some(parent) = waiting.pop() {
        let mut after = None;
        loop {
            let children = store.list_namespaces(W, &parent, page(after)).await.unwrap();
            after = children.last().map(|levels| join_levels(levels));
            waiting.extend(children.clone());
            namespaces.extend(children);
            if after.is_none() {
                break;
            }
        }
    }
    namespaces.sort();
    assert_eq!(namespaces, model.namespaces.keys().cloned().collect::<Vec<_>>());
    let mut entries = BTreeMap::new();
    for levels in &namespaces {
        assert_eq!(store.get_namespace(W, levels).await.unwrap().properties, model.namespaces[levels]);
        for kind in [EntryKind::Table, EntryKind::View] {
            let all = Page { after: None, limit: usize::MAX };
            for name in store.list_entries(W, levels, kind, all).await.unwrap() {
                let entry = store.get_entry(W, &EntryName { namespace: levels.clone(), name }).await.unwrap();
                assert_eq!(entry.kind, kind);
                let held = Held { id: entry.id, kind, location: entry.metadata_location };
                entries.insert(entry.name, held);
            }
        }
    }
    assert_eq!(entries, model.entries);
    for key in (0..4).map(Uuid::from_u128) {
        let expected = model.answers.get(&key).copied().filter(|expires_ms| *expires_ms > now_ms);
        assert_eq!(store.find_answer(key).await.unwrap().map(|answer| answer.expires_ms), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_catalog_agrees_with_a_plain_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let clock = Clock::fixed(1_000);
            let mut store = Store::open(dir.path(), clock.clone()).unwrap();
            store.create_warehouse(W).await.unwrap();
            let mut model = Model::default();
            for step in &steps {
                match step {
                    Step::Change(change, key) => take(&store, &mut model, change, *key, clock.now_ms()).await,
                    Step::Tick { ms } => clock.set(clock.now_ms() + ms),
                    Step::Reopen => {
                        drop(store);
                        store = Store::open(dir.path(), clock.clone()).unwrap();
                    }
                }
                compare(&store, &model, clock.now_ms()).await;
            }
        });
    }
}
