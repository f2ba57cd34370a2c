//! Log lines on their way to standard error, many with one write.
//!
//! A line of a request waits some milliseconds for others, so that it costs its core no system call; every other line
//! leaves at once. One thread writes, and no core waits for it unless the buffer is full.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use crate::limits::{LOG_BUFFER_BYTES, LOG_DELAY_MS};

/// The target of lines that may wait.
const WAITING: &str = "access";

type Sink = Box<dyn Write + Send>;

/// Collects lines; cheap to clone.
#[derive(Clone)]
pub(super) struct Lines {
    shared: Arc<Shared>,
}

struct Shared {
    pending: Mutex<Pending>,
    filled: Condvar,
    /// Who holds it writes; taken before `pending`, so that lines stay in their order.
    way_out: Mutex<WayOut>,
}

struct WayOut {
    sink: Sink,
    /// Memory for the lines that come next.
    spare: Vec<u8>,
}

struct Pending {
    bytes: Vec<u8>,
    /// From so many on, who adds a line writes them all.
    bytes_max: usize,
    is_urgent: bool,
}

impl Lines {
    /// Lines that go to `sink`, which is written to by a thread of its own.
    pub(super) fn new(sink: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared {
            pending: Mutex::new(Pending { bytes: Vec::new(), bytes_max: LOG_BUFFER_BYTES, is_urgent: false }),
            filled: Condvar::new(),
            way_out: Mutex::new(WayOut { sink: Box::new(sink), spare: Vec::new() }),
        });
        let writer = Arc::clone(&shared);
        let started = std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run());
        if started.is_err() {
            shared.pending().bytes_max = 0;
        }
        Self { shared }
    }

    /// Writes what is pending.
    pub(super) fn flush(&self) {
        self.shared.write();
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let pending = self.pending();
            let is_empty = |pending: &mut Pending| pending.bytes.is_empty();
            let pending = self.filled.wait_while(pending, is_empty).unwrap_or_else(PoisonError::into_inner);
            let delay = Duration::from_millis(LOG_DELAY_MS);
            drop(self.filled.wait_timeout_while(pending, delay, |pending| !pending.is_urgent));
            self.write();
        }
    }

    fn write(&self) {
        let mut way_out = self.way_out.lock().unwrap_or_else(PoisonError::into_inner);
        let WayOut { sink, spare } = &mut *way_out;
        let mut bytes = self.pending().take(std::mem::take(spare));
        // Where standard error is closed nobody can be told.
        let _ = sink.write_all(&bytes).and_then(|()| sink.flush());
        bytes.clear();
        // Lines that are far longer than usual keep no memory.
        bytes.shrink_to(2 * LOG_BUFFER_BYTES);
        *spare = bytes;
    }

    fn push(&self, line: &[u8], is_urgent: bool) {
        let mut pending = self.pending();
        let was_empty = pending.bytes.is_empty();
        pending.bytes.extend_from_slice(line);
        pending.is_urgent |= is_urgent;
        let is_full = pending.bytes.len() >= pending.bytes_max;
        drop(pending);
        if was_empty || is_urgent {
            self.filled.notify_one();
        }
        if is_full {
            self.write();
        }
    }
}

impl Pending {
    /// Takes the lines and leaves `spare` for the next ones.
    fn take(&mut self, spare: Vec<u8>) -> Vec<u8> {
        self.is_urgent = false;
        std::mem::replace(&mut self.bytes, spare)
    }
}

/// Takes one line.
pub(super) struct Line<'a> {
    shared: &'a Shared,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.shared.push(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.shared, is_urgent: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { shared: &self.shared, is_urgent: metadata.target() != WAITING }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_whole_and_in_their_order() {
        let written = Written::default();
        let lines = Lines::new(written.clone());
        let threads = (0..4).map(|thread| {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for number in 0..20_000 {
                    let line = format!("{thread} {number}\n");
                    lines.shared.push(line.as_bytes(), number % 1_000 == 0);
                }
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        lines.flush();
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        for thread in 0..4 {
            let start = format!("{thread} ");
            let numbers: Vec<usize> =
                text.lines().filter_map(|line| line.strip_prefix(&start)?.parse().ok()).collect();
            assert!(numbers.into_iter().eq(0..20_000), "thread {thread}");
        }
    }

    #[test]
    fn a_line_leaves_without_being_flushed() {
        let written = Written::default();
        let lines = Lines::new(written.clone());
        for (line, is_urgent) in [(b"a\n", false), (b"b\n", true), (b"c\n", false)] {
            lines.shared.push(line, is_urgent);
            while !written.0.lock().unwrap().ends_with(line) {
                std::thread::yield_now();
            }
        }
        assert_eq!(*written.0.lock().unwrap(), b"a\nb\nc\n");
    }
}
