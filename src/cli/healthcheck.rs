//! Asks whether a server is ready, for containers.

use url::Url;

use super::args::server::Healthcheck;
use super::context::Context;
use super::fault::Fault;
use super::transport;

/// Succeeds when the server answers its health path with 2xx.
pub(crate) async fn run(context: &Context, args: &Healthcheck) -> Result<(), Fault> {
    let url = parse_health_url(&args.url)?;
    let what = format!("the server at {} is not ready", url.origin().ascii_serialization());
    let client = context.trust.client(&url)?;
    let answer =
        client.get(url.clone()).send().await.map_err(|error| transport::no_answer(&what, &url, &error))?;
    if !answer.status().is_success() {
        return Err(Fault::refused(what, format!("{} answered {}", url.path(), answer.status()))
            .advise("A server that starts or stops is not ready for a moment; else look into its log."));
    }
    context.printer.note(&format!("The server at {} is ready.", url.origin().ascii_serialization()));
    context.printer.object(&serde_json::json!({"url": url.as_str(), "ready": true}));
    Ok(())
}

fn parse_health_url(text: &str) -> Result<Url, Fault> {
    let mut url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            Fault::usage(
                format!("cannot use '{text}' as a server's address"),
                "it is not a URL of http or https",
            )
            .advise("Write http://HOST:PORT, for example http://127.0.0.1:9000.")
        })?;
    if url.path() == "/" {
        url.set_path("/readyz");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_path_is_asked_unless_another_is_given() {
        assert_eq!(parse_health_url("http://a:1").unwrap().as_str(), "http://a:1/readyz");
        assert_eq!(parse_health_url("http://a:1/healthz").unwrap().as_str(), "http://a:1/healthz");
        assert!(parse_health_url("a:1").is_err());
    }
}
