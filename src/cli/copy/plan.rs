//! What a copy has to do, data before logs.

use std::path::{Path, PathBuf};

use super::local_tree;
use super::side::{Side, local_destination, missing_path};
use crate::cli::aliases::Aliases;
use crate::cli::fault::Fault;
use crate::cli::list::directory_prefix;
use crate::cli::printer::Printer;
use crate::cli::s3::{Listing, Place, Store};

/// One end of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Local(PathBuf),
    Remote { bucket: String, key: String },
}

/// One file to copy.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub from: End,
    pub to: End,
    pub size: u64,
    /// Of a remote source, so that all of it comes from one object.
    pub etag: Option<String>,
}

/// All jobs of a copy.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub jobs: Vec<Job>,
    /// Jobs from here on wait until all before them are done: they make the data visible.
    pub log_start: usize,
    /// The directory that no download may leave.
    pub local_root: PathBuf,
}

/// A source file: where it is, and its name below the source.
struct Found {
    end: End,
    /// Empty when the source is this one file.
    name: String,
    size: u64,
    etag: Option<String>,
}

/// What a plan is made from.
pub(crate) struct Request<'a> {
    pub from: &'a Side,
    pub to: &'a Side,
    /// Present when FROM is remote.
    pub from_store: Option<&'a Store>,
    pub recursive: bool,
    pub what: &'a str,
    pub aliases: &'a Aliases,
    pub printer: &'a Printer,
}

/// Finds the source's files and gives each its destination.
pub(crate) async fn make(request: &Request<'_>) -> Result<Plan, Fault> {
    let found = match (request.from, request.from_store) {
        (Side::Remote(_), Some(store)) => find_remote(request, store).await?,
        (Side::Remote(_), None) | (Side::Local(_), _) => find_local(request)?,
    };
    let mut plan = destinations(request, found)?;
    let is_log = |job: &Job| match &job.from {
        End::Local(path) => path.iter().any(|part| part == "_delta_log"),
        End::Remote { key, .. } => key.split('/').any(|part| part == "_delta_log"),
    };
    plan.jobs.sort_by_key(is_log);
    plan.log_start = plan.jobs.partition_point(|job| !is_log(job));
    Ok(plan)
}

fn find_local(request: &Request<'_>) -> Result<Vec<Found>, Fault> {
    let typed = request.from.to_string();
    let path = Path::new(&typed);
    let Ok(metadata) = std::fs::metadata(path) else {
        return Err(missing_path(&typed, request.what, request.aliases));
    };
    if metadata.is_file() {
        let end = End::Local(path.to_owned());
        return Ok(vec![Found { end, name: String::new(), size: metadata.len(), etag: None }]);
    }
    if !metadata.is_dir() {
        return Err(Fault::refused(request.what, "it is neither a file nor a directory"));
    }
    if !request.recursive {
        return Err(needs_recursive(request));
    }
    let (files, passed_over) = local_tree::walk(path)?;
    for sentence in passed_over {
        request.printer.warn(&sentence);
    }
    let found = |file: local_tree::LocalFile| Found {
        end: End::Local(file.path),
        name: file.name,
        size: file.size,
        etag: None,
    };
    Ok(files.into_iter().map(found).collect())
}

async fn find_remote(request: &Request<'_>, store: &Store) -> Result<Vec<Found>, Fault> {
    let Side::Remote(target) = request.from else { return Ok(Vec::new()) };
    let (bucket, key) = target.bucket_and_key();
    if bucket.is_empty() {
        return Err(Fault::usage(request.what, "the bucket is missing")
            .advise(format!("Write {}/BUCKET/KEY.", target.alias)));
    }
    let failed = |error: crate::cli::s3::error::Error| error.into_fault(request.what, &store.peer);
    if !key.is_empty() && !key.ends_with('/') {
        let info = store.head(Place { bucket, key }).await.map_err(failed)?;
        if let Some(info) = info {
            let end = End::Remote { bucket: bucket.to_owned(), key: key.to_owned() };
            return Ok(vec![Found { end, name: String::new(), size: info.size, etag: info.etag }]);
        }
    }
    let prefix = directory_prefix(key);
    let listing = Listing { bucket, prefix: &prefix, recursive: true };
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.list(listing, after.as_deref()).await.map_err(failed)?;
        if !request.recursive && !page.objects.is_empty() {
            return Err(needs_recursive(request));
        }
        // Keys that end in a slash only mark directories.
        for object in page.objects.into_iter().filter(|object| !object.key.ends_with('/')) {
            let name = object.key.strip_prefix(&prefix).unwrap_or(&object.key).to_owned();
            let end = End::Remote { bucket: bucket.to_owned(), key: object.key };
            found.push(Found { end, name, size: object.size.unwrap_or(0), etag: object.etag });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if found.is_empty() && !key.is_empty() {
        return Err(Fault::refused(request.what, "there is neither an object nor a directory of that name")
            .advise(format!("`lakeshare ls {}/{bucket}` shows what there is.", target.alias)));
    }
    Ok(found)
}

fn needs_recursive(request: &Request<'_>) -> Fault {
    Fault::refused(request.what, "it is a directory")
        .advise(format!("Copy all below it with `lakeshare cp --recursive {} {}`.", request.from, request.to))
}

fn destinations(request: &Request<'_>, found: Vec<Found>) -> Result<Plan, Fault> {
    let is_single = matches!(found.as_slice(), [one] if one.name.is_empty());
    let base = if request.from.is_slashed() { "" } else { request.from.last_name() };
    match request.to {
        Side::Remote(target) => {
            let (bucket, key) = target.bucket_and_key();
            if bucket.is_empty() {
                return Err(Fault::usage(request.what, "the bucket to copy to is missing")
                    .advise(format!("Write {}/BUCKET/KEY; `lakeshare mb` makes buckets.", target.alias)));
            }
            let into = key.is_empty() || key.ends_with('/');
            let jobs = found.into_iter().map(|file| {
                let name = destination_name(&file.name, base, into);
                let key = match (is_single, into) {
                    (true, false) => key.to_owned(),
                    (_, true) => format!("{key}{name}"),
                    (false, false) => format!("{key}/{name}"),
                };
                let to = End::Remote { bucket: bucket.to_owned(), key };
                Job { from: file.end, to, size: file.size, etag: file.etag }
            });
            Ok(Plan { jobs: jobs.collect(), ..Plan::default() })
        }
        Side::Local(typed) => {
            let root = local_destination(typed, request.what, request.aliases)?;
            let into = request.to.is_slashed() || root.is_dir();
            let jobs = found.into_iter().map(|file| {
                let name = destination_name(&file.name, base, into);
                let path =
                    if is_single && !into { root.clone() } else { local_tree::safe_join(&root, &name)? };
                Ok(Job { from: file.end, to: End::Local(path), size: file.size, etag: file.etag })
            });
            Ok(Plan { jobs: jobs.collect::<Result<_, Fault>>()?, log_start: 0, local_root: root })
        }
    }
}

/// The name below the destination: copies into a directory keep the source's own name.
fn destination_name(name: &str, base: &str, into: bool) -> String {
    match (name, base) {
        ("", base) => base.to_owned(),
        (name, base) if into && !base.is_empty() => format!("{base}/{name}"),
        (name, _) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::Manner;
    use crate::cli::target::Target;

    fn found(names: &[&str]) -> Vec<Found> {
        let one = |name: &&str| Found {
            end: End::Remote { bucket: "b".to_owned(), key: format!("tpch/orders/{name}") },
            name: (*name).to_owned(),
            size: 1,
            etag: None,
        };
        names.iter().map(one).collect()
    }

    fn remote(path: &str) -> Side {
        Side::Remote(Target { alias: "a".to_owned(), path: path.to_owned() })
    }

    fn targets(from: &Side, to: &Side, names: &[&str]) -> Result<Vec<String>, Fault> {
        let directory = tempfile::tempdir().unwrap();
        let aliases = Aliases::load(directory.path()).unwrap();
        let printer = Printer::new(Manner::default());
        let request = Request {
            from,
            to,
            from_store: None,
            recursive: true,
            what: "cannot copy",
            aliases: &aliases,
            printer: &printer,
        };
        let plan = destinations(&request, found(names))?;
        let show = |job: Job| match job.to {
            End::Local(path) => path.display().to_string(),
            End::Remote { bucket, key } => format!("{bucket}/{key}"),
        };
        Ok(plan.jobs.into_iter().map(show).collect())
    }

    #[test]
    fn a_slash_behind_the_target_keeps_the_name_of_the_source() {
        let names = ["p.parquet", "_delta_log/0.json"];
        for (from, to, first) in [
            ("b/tpch/orders", "c/x/", "c/x/orders/p.parquet"),
            ("b/tpch/orders", "c", "c/orders/p.parquet"),
            ("b/tpch/orders", "c/x", "c/x/p.parquet"),
            ("b/tpch/orders/", "c/x/", "c/x/p.parquet"),
            ("b/tpch/orders/", "c/x", "c/x/p.parquet"),
        ] {
            let all = targets(&remote(from), &remote(to), &names).unwrap();
            assert_eq!(all[0], first, "{from} to {to}");
        }
    }

    #[test]
    fn one_file_takes_the_new_name_or_keeps_its_own() {
        let from = remote("b/tpch/a.parquet");
        assert_eq!(targets(&from, &remote("c/new"), &[""]).unwrap(), ["c/new"]);
        assert_eq!(targets(&from, &remote("c/dir/"), &[""]).unwrap(), ["c/dir/a.parquet"]);
        assert_eq!(targets(&from, &remote("c"), &[""]).unwrap(), ["c/a.parquet"]);
        let directory = tempfile::tempdir().unwrap();
        let typed = directory.path().display().to_string();
        let all = targets(&from, &Side::Local(typed.clone()), &[""]).unwrap();
        assert_eq!(all, [format!("{typed}/a.parquet")]);
    }

    #[test]
    fn keys_that_leave_the_target_directory_stop_the_copy() {
        let directory = tempfile::tempdir().unwrap();
        let to = Side::Local(directory.path().display().to_string());
        for name in ["../../etc/passwd", "a/../../../x", "/abs"] {
            let fault = targets(&remote("b/tpch/orders/"), &to, &["fine", name]).unwrap_err();
            assert!(fault.what.contains(name), "{fault}");
        }
    }
}
