//! `ls`: buckets of a server, or objects of a bucket.

use serde::Serialize;

use super::args::object::List;
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::peer::Peer;
use super::printer::Tone;
use super::s3::{Listing, Page, Place, Store};
use super::target::Target;

/// One line of a listing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// RFC 3339; null for directories, which have no time.
    last_modified: Option<&'a str>,
    size: u64,
    /// Relative to what was listed.
    key: &'a str,
    etag: Option<&'a str>,
}

/// Lists what the target holds.
pub(crate) async fn run(context: &Context, args: &List) -> Result<(), Fault> {
    let target = Target::parse(&args.target)?;
    let store = Store::new(Peer::find(context, &target.alias)?);
    let what = format!("cannot list '{target}'");
    let (bucket, key) = target.bucket_and_key();
    if bucket.is_empty() {
        return list_buckets(context, &store, args, &what).await;
    }
    let prefix = directory_prefix(key);
    let listing = Listing { bucket, prefix: &prefix, recursive: args.recursive };
    let count = print_pages(context, &store, listing, args, &what).await?;
    if count > 0 || key.is_empty() {
        return Ok(());
    }
    // Nothing below it: it may be a file.
    let place = Place { bucket, key };
    let info = store.head(place).await.map_err(|error| error.into_fault(&what, &store.peer))?;
    let Some(info) = info else {
        return Err(Fault::refused(what, "there is neither an object nor a directory of that name")
            .advise(format!("`lakeshare ls {}/{bucket}` shows what there is.", target.alias)));
    };
    let name = key.rsplit('/').next().unwrap_or(key);
    print(
        context,
        &Line {
            kind: "file",
            last_modified: Some(&info.modified),
            size: info.size,
            key: name,
            etag: info.etag.as_deref(),
        },
    );
    Ok(())
}

async fn list_buckets(context: &Context, store: &Store, args: &List, what: &str) -> Result<(), Fault> {
    for bucket in store.list_buckets(what).await? {
        if args.recursive {
            let listing = Listing { bucket: &bucket.name, prefix: "", recursive: true };
            print_pages_below(context, store, listing, args, what).await?;
        } else if !args.files {
            print(
                context,
                &Line {
                    kind: "folder",
                    last_modified: Some(&bucket.created),
                    size: 0,
                    key: &format!("{}/", bucket.name),
                    etag: None,
                },
            );
        }
    }
    Ok(())
}

/// Lists a bucket as part of a whole server: keys are shown with the bucket's name.
async fn print_pages_below(
    context: &Context,
    store: &Store,
    listing: Listing<'_>,
    args: &List,
    what: &str,
) -> Result<u64, Fault> {
    let shown = format!("{}/", listing.bucket);
    each_page(context, store, listing, what, |page| print_page(context, page, "", &shown, args.files)).await
}

async fn print_pages(
    context: &Context,
    store: &Store,
    listing: Listing<'_>,
    args: &List,
    what: &str,
) -> Result<u64, Fault> {
    each_page(context, store, listing, what, |page| print_page(context, page, listing.prefix, "", args.files))
        .await
}

/// Fetches page after page, as long as somebody reads; gives the number of entries seen.
async fn each_page(
    context: &Context,
    store: &Store,
    listing: Listing<'_>,
    what: &str,
    mut show: impl FnMut(&Page),
) -> Result<u64, Fault> {
    let mut count = 0;
    let mut after = None;
    loop {
        let page = store
            .list(listing, after.as_deref())
            .await
            .map_err(|error| error.into_fault(what, &store.peer))?;
        count += (page.objects.len() + page.directories.len()) as u64;
        show(&page);
        after = page.next;
        if after.is_none() || context.printer.is_closed() {
            return Ok(count);
        }
    }
}

/// Prints directories and files of a page in the order of their names.
fn print_page(context: &Context, page: &Page, prefix: &str, shown_before: &str, files_only: bool) {
    let mut lines: Vec<(String, Line<'_>)> = Vec::new();
    if !files_only {
        for directory in &page.directories {
            let line = Line { kind: "folder", last_modified: None, size: 0, key: "", etag: None };
            lines.push((relative(directory, prefix, shown_before), line));
        }
    }
    for object in &page.objects {
        let line = Line {
            kind: "file",
            last_modified: object.last_modified.as_deref(),
            size: object.size.unwrap_or(0),
            key: "",
            etag: object.etag.as_deref(),
        };
        lines.push((relative(&object.key, prefix, shown_before), line));
    }
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, line) in &lines {
        print(context, &Line { key, ..*line });
    }
}

fn relative(key: &str, prefix: &str, shown_before: &str) -> String {
    format!("{shown_before}{}", key.strip_prefix(prefix).unwrap_or(key))
}

fn print(context: &Context, line: &Line<'_>) {
    let printer = &context.printer;
    printer.object(line);
    if printer.is_json() {
        return;
    }
    let moment = match line.last_modified {
        Some(text) if !text.is_empty() => format!("[{}]", human::listing_moment(text)),
        _ => " ".repeat(human::listing_moment("1970-01-01T00:00:00Z").len() + 2),
    };
    let is_folder = line.kind == "folder";
    let size = format!("{:>9}", if is_folder { "-".to_owned() } else { human::size(line.size) });
    let tone = if is_folder { Tone::Name } else { Tone::Plain };
    printer.line(&format!(
        "{} {} {}",
        printer.tone(Tone::Good, &moment),
        printer.tone(Tone::Warning, &size),
        printer.tone(tone, line.key)
    ));
}

/// The prefix of everything in the directory `key`; `orders` never means `orders2`.
pub(crate) fn directory_prefix(key: &str) -> String {
    if key.is_empty() || key.ends_with('/') { key.to_owned() } else { format!("{key}/") }
}
