//! `cp`: files and objects, either way or between buckets.

mod download;
mod local_tree;
mod meter;
mod plan;
mod side;
mod source;
mod upload;

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use indicatif::ProgressBar;
use tokio::sync::Semaphore;

use self::download::Download;
use self::meter::Meter;
use self::plan::{End, Job, Plan};
use self::side::Side;
use self::source::Source;
use self::upload::{OpenUploads, Upload, Uploader};
use super::args::object::Copy;
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::peer::Peer;
use super::printer::Tone;
use super::s3::error::Error;
use super::s3::retry::retrying;
use super::s3::{Place, Store};

/// Requests with data in flight: enough to hide the way to the server, few enough to be fair.
const REQUESTS_IN_FLIGHT: usize = 8;
/// Files in work at once.
const FILES_IN_FLIGHT: usize = 8;
/// Longest time for giving up multipart uploads after an interruption.
const ABORT_SECONDS_MAX: u64 = 5;

/// Copies FROM to TO.
pub(crate) async fn run(context: &Context, args: &Copy) -> Result<(), Fault> {
    let aliases = context.aliases()?;
    let (from, to) = side::read_sides(&args.words, &aliases)?;
    let what = format!("cannot copy '{from}'");
    let store_of = |side: &Side| match side {
        Side::Remote(target) => {
            let stored = aliases.get(&target.alias)?;
            Peer::new(context, &target.alias, stored).map(|peer| Some(Store::new(peer)))
        }
        Side::Local(_) => Ok(None),
    };
    let (from_store, to_store) = (store_of(&from)?, store_of(&to)?);
    if from_store.is_none() && to_store.is_none() {
        return Err(Fault::usage(what, "neither side is on a server")
            .advise("Write ALIAS/BUCKET/KEY for one of them; `lakeshare alias list` shows the aliases."));
    }
    let request = plan::Request {
        from: &from,
        to: &to,
        from_store: from_store.as_ref(),
        recursive: args.recursive,
        what: &what,
        aliases: &aliases,
        printer: &context.printer,
    };
    let plan = plan::make(&request).await?;
    let is_one_server = matches!((&from, &to), (Side::Remote(a), Side::Remote(b)) if a.alias == b.alias);
    let crew = Crew {
        context,
        from_store: from_store.as_ref(),
        to_store: to_store.as_ref(),
        names: [alias_of(&from), alias_of(&to)],
        is_one_server,
        bar: context.printer.bar(plan.jobs.iter().map(|job| job.size).sum()),
        permits: Semaphore::new(REQUESTS_IN_FLIGHT),
        open: OpenUploads::default(),
        file_count: Cell::new(0),
        byte_count: Cell::new(0),
    };
    crew.work(&plan).await
}

fn alias_of(side: &Side) -> Option<&str> {
    match side {
        Side::Remote(target) => Some(&target.alias),
        Side::Local(_) => None,
    }
}

fn interrupted() -> Fault {
    Fault::refused("the copy has stopped", "it was interrupted")
        .advise("The same command begins it again; no half file was left behind.")
}

/// All that the transfers of one copy share.
struct Crew<'a> {
    context: &'a Context,
    from_store: Option<&'a Store>,
    to_store: Option<&'a Store>,
    /// The aliases of FROM and TO, for printing.
    names: [Option<&'a str>; 2],
    is_one_server: bool,
    bar: ProgressBar,
    permits: Semaphore,
    open: OpenUploads,
    file_count: Cell<usize>,
    byte_count: Cell<u64>,
}

impl Crew<'_> {
    async fn work(&self, plan: &Plan) -> Result<(), Fault> {
        let begun = Instant::now();
        let (data, logs) = plan.jobs.split_at_checked(plan.log_start).unwrap_or((&plan.jobs, &[]));
        let all = async {
            self.copy_all(data, 0, &plan.local_root).await?;
            self.copy_all(logs, data.len(), &plan.local_root).await
        };
        let done = tokio::select! {
            done = all => done,
            _ = tokio::signal::ctrl_c() => Err(interrupted()),
        };
        self.bar.finish_and_clear();
        if let Some(store) = self.to_store {
            // Parts of a server that is away stay there; waiting for it would help nobody.
            let _ =
                tokio::time::timeout(Duration::from_secs(ABORT_SECONDS_MAX), self.open.abort(store)).await;
        }
        match done {
            Ok(()) => {
                self.sum_up(begun.elapsed());
                Ok(())
            }
            Err(fault) if plan.jobs.len() > 1 => Err(self.with_count(fault, plan.jobs.len())),
            Err(fault) => Err(fault),
        }
    }

    async fn copy_all(&self, jobs: &[Job], first_number: usize, local_root: &Path) -> Result<(), Fault> {
        futures::stream::iter(jobs.iter().enumerate().map(Ok))
            .try_for_each_concurrent(FILES_IN_FLIGHT, |(index, job)| async move {
                let meter = Meter::new(&self.bar);
                let size = self.copy_one(job, first_number + index, local_root, &meter).await?;
                self.file_count.set(self.file_count.get() + 1);
                self.byte_count.set(self.byte_count.get() + size);
                self.tell(job, size);
                Ok(())
            })
            .await
    }

    /// Copies one file and gives its size.
    async fn copy_one(
        &self,
        job: &Job,
        number: usize,
        local_root: &Path,
        meter: &Meter,
    ) -> Result<u64, Fault> {
        let [from_name, to_name] = [self.show(&job.from, 0), self.show(&job.to, 1)];
        let what = format!("cannot copy '{from_name}' to '{to_name}'");
        let (done, peer) = match (&job.from, &job.to, self.from_store, self.to_store) {
            (End::Remote { bucket, key }, End::Local(path), Some(store), _) => {
                local_tree::make_parent(local_root, path)?;
                let _permit = self.permits.acquire().await;
                let place = Place { bucket, key };
                let etag = job.etag.as_deref();
                (Download { store, place, etag, target: path, number }.run(meter).await, &store.peer)
            }
            (End::Local(path), End::Remote { bucket, key }, _, Some(store)) => {
                let place = Place { bucket, key };
                let upload = Upload { source: Source::File(path), place, size: job.size };
                let sent = self.uploader(store).run(upload, meter).await;
                (sent.map(|()| job.size), &store.peer)
            }
            (
                End::Remote { bucket: from_bucket, key: from_key },
                End::Remote { bucket, key },
                Some(from_store),
                Some(store),
            ) => {
                let from = Place { bucket: from_bucket, key: from_key };
                let to = Place { bucket, key };
                if self.is_one_server && (from_bucket, from_key) == (bucket, key) {
                    return Err(Fault::refused(what, "both are the same object"));
                }
                let copied = if self.is_one_server {
                    self.copy_on_server(store, [from, to], job.size, meter).await
                } else {
                    let source = Source::Object { store: from_store, place: from, etag: job.etag.as_deref() };
                    self.uploader(store).run(Upload { source, place: to, size: job.size }, meter).await
                };
                (copied.map(|()| job.size), &store.peer)
            }
            _ => return Err(Fault::usage(what, "neither side is on a server")),
        };
        done.map_err(|error| error.into_fault(what, peer))
    }

    fn uploader<'b>(&'b self, store: &'b Store) -> Uploader<'b> {
        Uploader { store, permits: &self.permits, open: &self.open }
    }

    async fn copy_on_server(
        &self,
        store: &Store,
        [from, to]: [Place<'_>; 2],
        size: u64,
        meter: &Meter,
    ) -> Result<(), Error> {
        let _permit = self.permits.acquire().await;
        retrying(|| store.copy(from, to), || ()).await?;
        meter.add(size);
        Ok(())
    }

    /// An end as the user would type it.
    fn show(&self, end: &End, side: usize) -> String {
        match end {
            End::Local(path) => path.display().to_string(),
            End::Remote { bucket, key } => {
                let alias = self.names.get(side).copied().flatten().unwrap_or_default();
                format!("{alias}/{bucket}/{key}")
            }
        }
    }

    fn tell(&self, job: &Job, size: u64) {
        let printer = &self.context.printer;
        let (source, target) = (self.show(&job.from, 0), self.show(&job.to, 1));
        if !printer.has_progress() {
            printer.note(&format!(
                "{} -> {}",
                printer.tone(Tone::Plain, &source),
                printer.tone(Tone::Name, &target)
            ));
        }
        printer.object(&serde_json::json!({
            "type": "file", "source": source, "target": target, "size": size,
        }));
    }

    fn sum_up(&self, elapsed: Duration) {
        let (files, bytes) = (self.file_count.get(), self.byte_count.get());
        let seconds = elapsed.as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a speed for people, with two or three digits"
        )]
        let speed = (bytes as f64 / seconds.max(0.001)) as u64;
        self.context.printer.note(&format!(
            "Copied {}, {} in {seconds:.1}s ({}/s).",
            human::count(files, "file"),
            human::size(bytes),
            human::size(speed)
        ));
        self.context.printer.object(&serde_json::json!({
            "type": "summary", "files": files, "bytes": bytes,
            "seconds": (seconds * 1_000.0).round() / 1_000.0, "bytesPerSecond": speed,
        }));
    }

    fn with_count(&self, fault: Fault, job_count: usize) -> Fault {
        let count = format!("{} of {job_count} files were copied before.", self.file_count.get());
        let advice = if fault.advice.is_empty() { count } else { format!("{} {count}", fault.advice) };
        fault.advise(advice)
    }
}
