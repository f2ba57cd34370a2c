//! A thread that owns one connection and works off a queue.
//!
//! What waits in the queue is run in one transaction, each piece in a savepoint of its own, and
//! answered after the commit: many small changes share one flush of the disk, and a piece that fails
//! undoes only itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::limits;
use crate::state::error::Error;

/// Whether the thread's transactions may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

type Committed = Result<(), Arc<rusqlite::Error>>;

/// One piece of work with its way back; the type of its result is hidden.
trait Job: Send {
    /// Runs it; false means that its savepoint has to be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    fn answer(self: Box<Self>, committed: &Committed);
}

struct Piece<T, F> {
    work: Option<F>,
    result: Result<T, Error>,
    /// Raised when the commit is over, whatever came of it.
    counter: Option<Arc<AtomicU64>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Job for Piece<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Error> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.result = work(connection);
        }
        self.result.is_ok()
    }

    fn answer(self: Box<Self>, committed: &Committed) {
        if let Some(counter) = &self.counter {
            counter.fetch_add(1, Ordering::Release);
        }
        let result = match committed {
            Ok(()) => self.result,
            Err(source) => Err(Error::Commit { source: Arc::clone(source) }),
        };
        // The asker may have left; what was committed stays committed.
        let _ = self.reply.send(result);
    }
}

/// The thread and the queue before it. Dropping it waits until the queue is worked off.
#[derive(Debug)]
pub(super) struct Worker {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(name: &'static str, connection: Connection, mode: Mode) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel(limits::STATE_QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work_off(connection, mode, jobs))
            .map_err(|source| Error::File { action: "start a thread named", path: name.into(), source })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs `work` on the thread and waits for the commit.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask(work, None).await
    }

    /// The same; raises `counter` after the commit and before the answer, also if the asker has left.
    pub(super) async fn run_counted<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        counter: Arc<AtomicU64>,
    ) -> Result<T, Error> {
        self.ask(work, Some(counter)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        counter: Option<Arc<AtomicU64>>,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let piece = Piece { work: Some(work), result: Err(Error::Stopped), counter, reply };
        let queue = self.queue.as_ref().ok_or(Error::Stopped)?;
        queue.try_send(Box::new(piece)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Stopped,
        })?;
        answer.await.unwrap_or(Err(Error::Stopped))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work_off(mut connection: Connection, mode: Mode, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch = Vec::new();
    while let Some(first) = jobs.blocking_recv() {
        batch.push(first);
        while batch.len() < limits::STATE_BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        let committed = run_batch(&mut connection, mode, &mut batch).map_err(Arc::new);
        for job in batch.drain(..) {
            job.answer(&committed);
        }
    }
}

fn run_batch(
    connection: &mut Connection,
    mode: Mode,
    batch: &mut [Box<dyn Job>],
) -> Result<(), rusqlite::Error> {
    let behavior = match mode {
        Mode::Read => TransactionBehavior::Deferred,
        Mode::Write => TransactionBehavior::Immediate,
    };
    let mut transaction = connection.transaction_with_behavior(behavior)?;
    for job in batch {
        match mode {
            Mode::Read => {
                job.run(&transaction);
            }
            Mode::Write => {
                let savepoint = transaction.savepoint()?;
                if job.run(&savepoint) {
                    savepoint.commit()?;
                } else {
                    savepoint.finish()?;
                }
            }
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker() -> Worker {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT").unwrap();
        Worker::start("test", connection, Mode::Write).unwrap()
    }

    fn insert(n: i64) -> impl FnOnce(&Connection) -> Result<(), Error> + Send + 'static {
        move |connection| {
            connection
                .execute("INSERT INTO t VALUES (?1)", [n])
                .map(|_| ())
                .map_err(|source| Error::Sqlite { action: "insert", source })
        }
    }

    fn count(connection: &Connection) -> Result<i64, Error> {
        connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .map_err(|source| Error::Sqlite { action: "count", source })
    }

    #[tokio::test]
    async fn a_piece_that_fails_undoes_only_itself() {
        let worker = worker();
        let (stand, go) = std::sync::mpsc::channel::<()>();
        // Holds the thread, so that the three pieces behind it share one transaction.
        let hold = worker.run(move |_| {
            let _ = go.recv();
            Ok(())
        });
        let broken = worker.run(|connection| {
            insert(2)(connection)?;
            Err::<(), _>(Error::Busy)
        });
        let release = async move {
            tokio::task::yield_now().await;
            drop(stand);
        };
        let (first, one, two, three, ()) =
            tokio::join!(hold, worker.run(insert(1)), broken, worker.run(insert(3)), release);
        assert!(first.is_ok() && one.is_ok() && two.is_err() && three.is_ok());
        assert_eq!(worker.run(count).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_full_queue_is_an_answer_and_not_a_wait() {
        let worker = worker();
        let (stand, go) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let hold = worker.run(move |_| {
            let _ = begun.send(());
            let _ = go.recv();
            Ok(())
        });
        let rest = async {
            has_begun.await.unwrap();
            let mut waiting = Vec::new();
            for n in 0..limits::STATE_QUEUE_MAX {
                let mut piece = Box::pin(worker.run(insert(i64::try_from(n).unwrap())));
                assert!(futures::poll!(&mut piece).is_pending());
                waiting.push(piece);
            }
            let refused = worker.run(insert(-1)).await;
            drop(stand);
            for piece in waiting {
                piece.await.unwrap();
            }
            refused
        };
        let (_, refused) = tokio::join!(hold, rest);
        assert!(matches!(refused, Err(Error::Busy)));
        assert_eq!(worker.run(count).await.unwrap(), i64::try_from(limits::STATE_QUEUE_MAX).unwrap());
    }
}
