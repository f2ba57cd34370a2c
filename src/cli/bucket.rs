//! `mb` and `rb`.

use super::args::object::{MakeBucket, RemoveBucket};
use super::context::Context;
use super::fault::Fault;
use super::peer::Peer;
use super::printer::Tone;
use super::s3::{Listing, Store};
use super::target::Target;

/// Makes a bucket.
pub(crate) async fn make(context: &Context, args: &MakeBucket) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "bucket")?;
    let store = Store::new(Peer::find(context, &target.alias)?);
    let mut existed = false;
    if let Err(error) = store.create_bucket(target.name()).await {
        existed = args.ignore_existing
            && matches!(error.code(), Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists"));
        if !existed {
            return Err(error.into_fault(format!("cannot make the bucket '{}'", target.name()), &store.peer));
        }
    }
    let name = context.printer.tone(Tone::Name, &format!("{}/{}", target.alias, target.name()));
    let verb = if existed { "exists already" } else { "made" };
    context.printer.note(&format!("Bucket {name} {verb}."));
    context.printer.object(&serde_json::json!({"bucket": target.name(), "created": !existed}));
    Ok(())
}

/// Removes a bucket that holds nothing.
pub(crate) async fn remove(context: &Context, args: &RemoveBucket) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "bucket")?;
    let name = target.name();
    let store = Store::new(Peer::find(context, &target.alias)?);
    let what = format!("cannot remove the bucket '{name}'");
    let everything = Listing { bucket: name, prefix: "", recursive: true };
    let page = store.list(everything, None).await.map_err(|error| error.into_fault(&what, &store.peer))?;
    if !page.objects.is_empty() {
        return Err(Fault::refused(what, "it is not empty")
            .coded("BucketNotEmpty")
            .advise(format!("Empty it first: lakeshare rm --recursive --force {}/{name}", target.alias)));
    }
    store.remove_bucket(name).await.map_err(|error| error.into_fault(&what, &store.peer))?;
    let shown = context.printer.tone(Tone::Name, &format!("{}/{name}", target.alias));
    context.printer.note(&format!("Bucket {shown} removed."));
    context.printer.object(&serde_json::json!({"bucket": name}));
    Ok(())
}
