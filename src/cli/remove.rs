//! `rm`: one object, or all below a directory.

use super::args::object::Remove;
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::list::directory_prefix;
use super::peer::Peer;
use super::printer::Tone;
use super::s3::{DELETE_KEYS_MAX, Listing, Place, Store};
use super::target::Target;

/// Removes what the target names; whole buckets only with `--force`.
pub(crate) async fn run(context: &Context, args: &Remove) -> Result<(), Fault> {
    let target = Target::parse(&args.target)?;
    let (bucket, key) = target.bucket_and_key();
    if bucket.is_empty() {
        return Err(Fault::usage(
            format!("cannot remove '{}'", target.alias),
            "the bucket and key are missing",
        )
        .advise(format!(
            "Write {0}/BUCKET/KEY, or forget the alias: lakeshare alias remove {0}",
            target.alias
        )));
    }
    let what = format!("cannot remove '{target}'");
    if key.is_empty() && !(args.recursive && args.force) {
        return Err(Fault::refused(what, "that is a whole bucket").advise(format!(
            "Empty it with `lakeshare rm --recursive --force {0}/{bucket}`; `lakeshare rb {0}/{bucket}` removes an empty one.",
            target.alias
        )));
    }
    let store = Store::new(Peer::find(context, &target.alias)?);
    let remover = Remover { context, store: &store, alias: &target.alias, bucket, what: &what };
    let mut count = 0;
    if !key.is_empty() && !key.ends_with('/') {
        count += remover.remove_object(key).await?;
    }
    if args.recursive {
        count += remover.remove_directory(&directory_prefix(key)).await?;
    }
    if count == 0 && !key.is_empty() {
        return Err(remover.nothing_there(key, args.recursive).await);
    }
    if args.recursive {
        context.printer.note(&format!("Removed {}.", human::count(count, "object")));
    }
    Ok(())
}

struct Remover<'a> {
    context: &'a Context,
    store: &'a Store,
    alias: &'a str,
    bucket: &'a str,
    what: &'a str,
}

impl Remover<'_> {
    async fn remove_object(&self, key: &str) -> Result<usize, Fault> {
        let place = Place { bucket: self.bucket, key };
        let info =
            self.store.head(place).await.map_err(|error| error.into_fault(self.what, &self.store.peer))?;
        if info.is_none() {
            return Ok(0);
        }
        self.remove_keys(&[key.to_owned()]).await
    }

    /// Page by page; the listing goes on behind the removed keys.
    async fn remove_directory(&self, prefix: &str) -> Result<usize, Fault> {
        let listing = Listing { bucket: self.bucket, prefix, recursive: true };
        let mut removed = 0;
        let mut after: Option<String> = None;
        loop {
            let page = self
                .store
                .list(listing, after.as_deref())
                .await
                .map_err(|error| error.into_fault(self.what, &self.store.peer))?;
            let keys: Vec<String> = page.objects.into_iter().map(|object| object.key).collect();
            for batch in keys.chunks(DELETE_KEYS_MAX) {
                removed += self.remove_keys(batch).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(removed);
            }
        }
    }

    async fn remove_keys(&self, keys: &[String]) -> Result<usize, Fault> {
        let kept = self
            .store
            .remove(self.bucket, keys)
            .await
            .map_err(|error| error.into_fault(self.what, &self.store.peer))?;
        for key in keys.iter().filter(|key| !kept.iter().any(|(kept, _)| kept == *key)) {
            let name =
                self.context.printer.tone(Tone::Name, &format!("{}/{}/{key}", self.alias, self.bucket));
            self.context.printer.note(&format!("Removed {name}"));
            self.context.printer.object(&serde_json::json!({"bucket": self.bucket, "key": key}));
        }
        match kept.first() {
            None => Ok(keys.len()),
            Some((key, why)) => Err(Fault::refused(
                format!("cannot remove '{}/{}/{key}'", self.alias, self.bucket),
                why.clone(),
            )),
        }
    }

    async fn nothing_there(&self, key: &str, recursive: bool) -> Fault {
        let prefix = directory_prefix(key);
        let listing = Listing { bucket: self.bucket, prefix: &prefix, recursive: false };
        let is_directory = match self.store.list(listing, None).await {
            Ok(page) => !page.objects.is_empty() || !page.directories.is_empty(),
            Err(error) => return error.into_fault(self.what, &self.store.peer),
        };
        if is_directory && !recursive {
            let shown = format!("{}/{}/{key}", self.alias, self.bucket);
            return Fault::refused(self.what, "that is a directory")
                .advise(format!("Remove all below it with `lakeshare rm --recursive {shown}`."));
        }
        Fault::refused(self.what, "there is neither an object nor a directory of that name")
            .advise(format!("`lakeshare ls {}/{}` shows what there is.", self.alias, self.bucket))
    }
}
