//! Tokens open their shares until they end or are revoked.

use serde_json::{Value, json};

use crate::support::admin::{Admin, http_client, now_ms, shares_of};
use crate::support::server::Server;

async fn make_token(admin: &Admin, share: &str, body: &Value) -> (String, String) {
    let made = admin.call("POST", &format!("/shares/{share}/tokens"), body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let text = |key: &str| made.body[key].as_str().unwrap().to_owned();
    (text("tokenId"), text("token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_holds_on_every_connection_once_it_is_answered() {
    let server = Server::start_with(&["--cores", "2"]);
    let admin = Admin::new(&server);
    admin.call("POST", "/shares", &json!({"name": "s"})).await;
    // One pool each, hence one connection each; the kernel spreads them over the cores.
    let clients: Vec<reqwest::Client> = (0..16).map(|_| http_client()).collect();
    for _ in 0..8 {
        let (id, token) = make_token(&admin, "s", &Value::Null).await;
        for client in &clients {
            assert_eq!(shares_of(client, &server.url(), &token).await, (200, vec!["s".to_owned()]));
        }
        let revoked = admin.call("DELETE", &format!("/tokens/{id}"), &Value::Null).await;
        assert_eq!(revoked.status, 204);
        let url = server.url();
        let asked = clients.iter().map(|client| shares_of(client, &url, &token));
        for (status, names) in futures::future::join_all(asked).await {
            assert_eq!((status, names), (401, vec![]));
        }
    }
}

#[tokio::test]
async fn a_token_ends_at_its_expiry() {
    let server = Server::start();
    let admin = Admin::new(&server);
    admin.call("POST", "/shares", &json!({"name": "s"})).await;
    let ends_ms = now_ms() + 1_500;
    let ends_at = lakeshare::clock::rfc3339(ends_ms);
    let (_, token) = make_token(&admin, "s", &json!({"expiresAt": ends_at})).await;
    let client = http_client();
    let mut was_open = false;
    loop {
        let asked_ms = now_ms();
        let (status, _) = shares_of(&client, &server.url(), &token).await;
        if status == 200 {
            assert!(asked_ms < ends_ms, "open after its end");
            was_open = true;
        } else {
            assert_eq!(status, 401);
            assert!(now_ms() >= ends_ms, "closed before its end");
            break;
        }
    }
    assert!(was_open);
    let listed = admin.call("GET", "/shares/s/tokens", &Value::Null).await;
    assert_eq!(listed.body["tokens"][0]["expiresAt"], ends_at);
}

#[tokio::test]
async fn one_token_opens_several_shares_and_closes_with_each() {
    let server = Server::start();
    let admin = Admin::new(&server);
    for name in ["a", "b", "c"] {
        admin.call("POST", "/shares", &json!({"name": name})).await;
    }
    let body = json!({"additionalShares": ["B"], "description": "two"});
    let (id, token) = make_token(&admin, "A", &body).await;
    let client = http_client();
    let opens = |token: String| {
        let (client, url) = (client.clone(), server.url());
        async move { shares_of(&client, &url, &token).await }
    };
    assert_eq!(opens(token.clone()).await, (200, vec!["a".to_owned(), "b".to_owned()]));
    admin.call("DELETE", "/shares/a", &Value::Null).await;
    assert_eq!(opens(token.clone()).await, (200, vec!["b".to_owned()]));
    admin.call("DELETE", "/shares/b", &Value::Null).await;
    assert_eq!(opens(token).await.0, 401);
    let gone = admin.call("DELETE", &format!("/tokens/{id}"), &Value::Null).await;
    assert_eq!(gone.code(), (404, "TOKEN_NOT_FOUND"));
}

#[tokio::test]
async fn the_profile_opens_the_share_and_no_file_holds_the_token() {
    let server = Server::start();
    let admin = Admin::new(&server);
    admin.call("POST", "/shares", &json!({"name": "s"})).await;
    let made = admin.call("POST", "/shares/s/tokens", &Value::Null).await;
    let profile = &made.body["profile"];
    assert_eq!(profile["endpoint"], format!("{}/delta-sharing", server.url()));
    let token = profile["bearerToken"].as_str().unwrap();
    let request = http_client().get(format!("{}/shares", profile["endpoint"].as_str().unwrap()));
    assert_eq!(request.bearer_auth(token).send().await.unwrap().status(), 200);
    let listed = admin.call("GET", "/shares/s/tokens", &Value::Null).await;
    assert!(!listed.body.to_string().contains(token));
    let private = server.dir().join(".lakeshare");
    for entry in std::fs::read_dir(private).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes.windows(token.len()).any(|window| window == token.as_bytes());
            assert!(!is_there, "{} holds the token", path.display());
        }
    }
}
