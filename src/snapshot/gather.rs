//! One look for all who ask on one thread before it begins.
//!
//! Whoever asks steps back once, so that all tasks of the thread that are ready by then may ask too. The first one that is
//! back looks for all of them, and from then on nobody joins them: an answer is never older than its question.

use std::cell::{OnceCell, RefCell};
use std::future::poll_fn;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::cache::Key;
use crate::delta::Wanted;
use crate::state::record::TableSource;
use crate::table::snapshot::Snapshot;

thread_local! {
    static OPEN: RefCell<Open> = RefCell::default();
}

/// The gatherings of one thread whose look has not begun. Each is held by somebody who asks, so there are never more of
/// them than requests.
#[derive(Default)]
struct Open {
    gatherings: HashTable<Rc<Gathering>>,
    hasher: DefaultHashBuilder,
}

/// What is asked, and of which loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question<'a> {
    /// Different for each loader of the process.
    pub(super) loader: u64,
    pub(super) source: &'a TableSource,
    pub(super) wanted: Wanted,
}

/// Those who have one look together.
struct Gathering {
    hash: u64,
    loader: u64,
    key: Key,
    /// Set when the look is over; `None` in it: a look is not enough.
    seen: OnceCell<Option<Arc<Snapshot>>>,
}

impl Gathering {
    fn question(&self) -> Question<'_> {
        Question { loader: self.loader, source: &self.key.source, wanted: self.key.wanted }
    }
}

/// What `look` finds, asked once for all who gather on this thread before it begins.
pub(super) async fn gather(
    question: Question<'_>,
    look: impl FnOnce(&Key) -> Option<Arc<Snapshot>>,
) -> Option<Arc<Snapshot>> {
    let asker = Asker::join(question);
    step_back().await;
    asker.seen(look)
}

/// Lets the tasks that are ready now have their turn. A runtime that is told to yield would wait for events as well, which
/// costs system calls.
async fn step_back() {
    let mut is_back = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_back, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// One who asks; the last one to go away takes a gathering along that nobody looks for.
struct Asker {
    gathering: Rc<Gathering>,
}

impl Asker {
    fn join(question: Question<'_>) -> Self {
        OPEN.with_borrow_mut(|open| {
            let hash = open.hasher.hash_one(question);
            let joined = open.gatherings.find(hash, |gathering| gathering.question() == question);
            if let Some(gathering) = joined {
                return Self { gathering: Rc::clone(gathering) };
            }
            let Question { loader, source, wanted } = question;
            let key = Key { source: source.clone(), wanted };
            let gathering = Rc::new(Gathering { hash, loader, key, seen: OnceCell::new() });
            open.gatherings.insert_unique(hash, Rc::clone(&gathering), |gathering| gathering.hash);
            Self { gathering }
        })
    }

    /// What was seen for those who gathered, by this look if by none before.
    fn seen(&self, look: impl FnOnce(&Key) -> Option<Arc<Snapshot>>) -> Option<Arc<Snapshot>> {
        let look = || {
            self.close();
            look(&self.gathering.key)
        };
        self.gathering.seen.get_or_init(look).clone()
    }

    /// From now on nobody joins.
    fn close(&self) {
        let gathering = &self.gathering;
        // A thread that ends has nobody left to join.
        let _ = OPEN.try_with(|open| {
            let gatherings = &mut open.borrow_mut().gatherings;
            if let Ok(entry) = gatherings.find_entry(gathering.hash, |found| Rc::ptr_eq(found, gathering)) {
                drop(entry.remove());
            }
        });
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        // The table and this one hold it.
        if self.gathering.seen.get().is_none() && Rc::strong_count(&self.gathering) <= 2 {
            self.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt;
    use futures::future::join_all;

    use super::*;

    fn source(location: &str) -> TableSource {
        TableSource::Delta { bucket: "b".to_owned(), location: location.to_owned() }
    }

    fn open_count() -> usize {
        OPEN.with_borrow(|open| open.gatherings.len())
    }

    fn run(tasks: impl Future<Output = ()> + 'static) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, tasks);
        assert_eq!(open_count(), 0);
    }

    /// Asks as a task of its own, and counts a look when there is one.
    fn ask(question: (u64, TableSource, Wanted), looks: &Rc<Cell<u32>>) -> tokio::task::JoinHandle<()> {
        let looks = Rc::clone(looks);
        tokio::task::spawn_local(async move {
            let (loader, source, wanted) = question;
            let look = |key: &Key| {
                assert_eq!((&key.source, key.wanted), (&source, wanted));
                looks.set(looks.get() + 1);
                None
            };
            assert!(gather(Question { loader, source: &source, wanted }, look).await.is_none());
        })
    }

    #[test]
    fn who_asks_the_same_before_the_look_begins_shares_it() {
        run(async {
            let looks = Rc::default();
            let tasks = (0..40).map(|_| ask((0, source("t"), Wanted::Latest), &looks));
            join_all(tasks).await;
            assert_eq!(looks.get(), 1);
            ask((0, source("t"), Wanted::Latest), &looks).await.unwrap();
            assert_eq!(looks.get(), 2, "an earlier look is no answer");
        });
    }

    #[test]
    fn other_tables_versions_and_loaders_are_looked_for_on_their_own() {
        run(async {
            let looks = Rc::default();
            let questions = [
                (0, source("t"), Wanted::Latest),
                (0, source("u"), Wanted::Latest),
                (0, source("t"), Wanted::Version(3)),
                (1, source("t"), Wanted::Latest),
            ];
            let both = questions.iter().chain(&questions).cloned();
            join_all(both.map(|question| ask(question, &looks)).collect::<Vec<_>>()).await;
            assert_eq!(looks.get(), 4);
        });
    }

    #[test]
    fn nobody_joins_a_look_that_has_begun() {
        run(async {
            let table = source("t");
            let question = || Question { loader: 0, source: &table, wanted: Wanted::Latest };
            let looks = Cell::new(0);
            let count = |_: &Key| {
                looks.set(looks.get() + 1);
                None
            };
            let (mut first, mut second) =
                (Box::pin(gather(question(), count)), Box::pin(gather(question(), count)));
            assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
            assert!(futures::poll!(&mut first).is_ready());
            let mut late = Box::pin(gather(question(), count));
            assert!(futures::poll!(&mut late).is_pending());
            assert!(second.now_or_never().is_some());
            assert_eq!(looks.get(), 1);
            assert!(late.now_or_never().is_some());
            assert_eq!(looks.get(), 2);
        });
    }

    #[test]
    fn who_goes_away_before_the_look_leaves_nothing_behind() {
        run(async {
            let table = source("t");
            let question = Question { loader: 0, source: &table, wanted: Wanted::Latest };
            let looked = Cell::new(false);
            let look = |_: &Key| {
                looked.set(true);
                None
            };
            let (mut gone, mut stays) = (Box::pin(gather(question, look)), Box::pin(gather(question, look)));
            assert!(futures::poll!(&mut gone).is_pending() && futures::poll!(&mut stays).is_pending());
            drop(gone);
            assert_eq!(open_count(), 1);
            stays.await;
            assert!(looked.get());
            let mut gone = Box::pin(gather(question, look));
            assert!(futures::poll!(&mut gone).is_pending());
            assert_eq!(open_count(), 1);
            drop(gone);
            assert_eq!(open_count(), 0);
        });
    }
}
