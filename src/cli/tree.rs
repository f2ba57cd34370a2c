//! `tree`: buckets and directories with the lines between them.

use super::args::object::Tree;
use super::context::Context;
use super::fault::Fault;
use super::list::directory_prefix;
use super::peer::Peer;
use super::printer::Tone;
use super::s3::{Listing, Store};
use super::target::Target;

/// One level that is being printed: what is left of it.
struct Level {
    entries: std::vec::IntoIter<Entry>,
}

struct Entry {
    /// The last part of the name.
    name: String,
    /// Prefix of what is below, for directories and buckets; `None` for files.
    below: Option<String>,
    bucket: String,
}

/// Prints what is below the target, one directory after the other, so that a large bucket needs little memory.
pub(crate) async fn run(context: &Context, args: &Tree) -> Result<(), Fault> {
    let target = Target::parse(&args.target)?;
    let store = Store::new(Peer::find(context, &target.alias)?);
    let what = format!("cannot show the tree of '{target}'");
    let (bucket, key) = target.bucket_and_key();
    let root = if bucket.is_empty() {
        buckets(&store, &what).await?
    } else {
        let level = children(&store, args.files, bucket, &directory_prefix(key), &what).await?;
        if level.entries.len() == 0 && !key.is_empty() {
            require_directory(&store, &target, &what).await?;
        }
        level
    };
    let title = target.to_string();
    context.printer.line(&context.printer.tone(Tone::Strong, title.trim_end_matches('/')));
    descend(context, &store, args, root, &what).await
}

async fn descend(
    context: &Context,
    store: &Store,
    args: &Tree,
    root: Level,
    what: &str,
) -> Result<(), Fault> {
    let depth_max = args.depth.map_or(usize::MAX, usize::from);
    let mut open = vec![root];
    // One mark for each open level but the last: whether more entries follow there.
    let mut rails = String::new();
    let mut path: Vec<String> = Vec::new();
    while let Some(level) = open.last_mut() {
        let Some(entry) = level.entries.next() else {
            open.pop();
            path.pop();
            for _ in 0..RAIL_LETTERS {
                rails.pop();
            }
            continue;
        };
        let is_last = level.entries.len() == 0;
        print(context, &rails, is_last, &path, &entry);
        if context.printer.is_closed() {
            return Ok(());
        }
        if let Some(prefix) = &entry.below
            && open.len() < depth_max
        {
            let below = children(store, args.files, &entry.bucket, prefix, what).await?;
            rails.push_str(if is_last { "   " } else { "│  " });
            path.push(entry.name);
            open.push(below);
        }
    }
    Ok(())
}

const RAIL_LETTERS: usize = 3;

fn print(context: &Context, rails: &str, is_last: bool, path: &[String], entry: &Entry) {
    let printer = &context.printer;
    let branch = if is_last { "└─ " } else { "├─ " };
    let is_directory = entry.below.is_some();
    let name = if is_directory {
        printer.tone(Tone::Name, &format!("{}/", entry.name))
    } else {
        printer.tone(Tone::Plain, &entry.name)
    };
    printer.line(&format!("{rails}{branch}{name}"));
    let mut key = path.join("/");
    if !key.is_empty() {
        key.push('/');
    }
    key.push_str(&entry.name);
    let kind = if is_directory { "folder" } else { "file" };
    printer.object(&serde_json::json!({"type": kind, "key": key, "depth": path.len() + 1}));
}

async fn buckets(store: &Store, what: &str) -> Result<Level, Fault> {
    let entries: Vec<Entry> = store
        .list_buckets(what)
        .await?
        .into_iter()
        .map(|bucket| Entry { name: bucket.name.clone(), below: Some(String::new()), bucket: bucket.name })
        .collect();
    Ok(Level { entries: entries.into_iter() })
}

/// What lies directly below `prefix`, sorted by name.
async fn children(
    store: &Store,
    files: bool,
    bucket: &str,
    prefix: &str,
    what: &str,
) -> Result<Level, Fault> {
    let listing = Listing { bucket, prefix, recursive: false };
    let name_of = |key: &str| key.strip_prefix(prefix).unwrap_or(key).trim_end_matches('/').to_owned();
    let mut entries = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store
            .list(listing, after.as_deref())
            .await
            .map_err(|error| error.into_fault(what, &store.peer))?;
        for directory in page.directories {
            entries.push(Entry {
                name: name_of(&directory),
                below: Some(directory),
                bucket: bucket.to_owned(),
            });
        }
        for object in page.objects.into_iter().filter(|object| files && object.key != prefix) {
            entries.push(Entry { name: name_of(&object.key), below: None, bucket: bucket.to_owned() });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Level { entries: entries.into_iter() })
}

/// A directory without directories is still one, if it holds files.
async fn require_directory(store: &Store, target: &Target, what: &str) -> Result<(), Fault> {
    let (bucket, key) = target.bucket_and_key();
    let listing = Listing { bucket, prefix: &directory_prefix(key), recursive: false };
    let page = store.list(listing, None).await.map_err(|error| error.into_fault(what, &store.peer))?;
    if page.objects.is_empty() && page.directories.is_empty() {
        return Err(Fault::refused(what, "there is no directory of that name")
            .advise(format!("`lakeshare ls {}/{bucket}` shows what there is.", target.alias)));
    }
    Ok(())
}
