//! `kill -9` during share and token changes loses nothing and halves nothing.
//!
//! Several clients change shares of their own through the admin door while the server is killed, ten
//! times over one directory. A share's description and tables all carry one number, so a change that
//! happened in part would show. After each restart the state of a client has to be the one that its
//! acknowledged changes lead to, or that plus the one change that was never answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::admin::{Admin, http_client, shares_of};
use crate::support::delta_table;
use crate::support::server::Server;

const ROUNDS: u64 = 10;
const CLIENTS: u64 = 3;

/// What one client's shares should look like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    /// Name to the number of its last change.
    shares: BTreeMap<String, u64>,
    /// Token id to the share that it opens.
    tokens: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
enum Change {
    Create { share: String, number: u64 },
    Patch { share: String, from: u64, number: u64 },
    Remove { share: String },
    Grant { share: String },
    Revoke { id: String },
}

impl State {
    /// A grant is added by its answer, which alone knows the id.
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { share, number } | Change::Patch { share, number, .. } => {
                self.shares.insert(share.clone(), *number);
            }
            Change::Remove { share } => {
                self.shares.remove(share);
                self.tokens.retain(|_, opens| opens != share);
            }
            Change::Grant { .. } => {}
            Change::Revoke { id } => {
                self.tokens.remove(id);
            }
        }
    }
}

struct Client {
    name: String,
    random: u64,
    count: u64,
    state: State,
    /// Text of every token that was ever answered, by id.
    texts: BTreeMap<String, String>,
    unanswered: Option<Change>,
}

fn table(number: u64, letter: char) -> Value {
    json!({"name": format!("t{number}{letter}"), "sourceType": "delta", "bucket": "b", "location": "t"})
}

impl Client {
    fn new(number: u64) -> Self {
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        Self {
            name: format!("client{number}"),
            random,
            count: 0,
            state: State::default(),
            texts: BTreeMap::new(),
            unanswered: None,
        }
    }

    /// Below `bound`, from a fixed seed (xorshift64).
    fn draw(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % bound as u64).unwrap()
    }

    fn next_change(&mut self) -> Change {
        self.count += 1;
        let number = self.count;
        let (share_index, token_index) = (self.draw(64), self.draw(64));
        let nth = |count: usize, index: usize| if count == 0 { None } else { Some(index % count) };
        let share = nth(self.state.shares.len(), share_index)
            .and_then(|index| self.state.shares.iter().nth(index))
            .map(|(share, number)| (share.clone(), *number));
        let id = nth(self.state.tokens.len(), token_index)
            .and_then(|index| self.state.tokens.keys().nth(index).cloned());
        match (self.draw(10), share, id) {
            (0..3, Some((share, from)), _) => Change::Patch { share, from, number },
            (3..6, Some((share, _)), _) => Change::Grant { share },
            (6..8, _, Some(id)) => Change::Revoke { id },
            (8, Some((share, _)), _) => Change::Remove { share },
            _ => Change::Create { share: format!("{}-{number}", self.name), number },
        }
    }

    /// Changes things until the server is gone.
    async fn work(&mut self, admin: &Admin, acknowledged: &AtomicUsize, progress: &Notify) {
        loop {
            let change = self.next_change();
            self.unanswered = Some(change.clone());
            let Ok(answer) = send(admin, &change).await else { return };
            self.unanswered = None;
            self.state.apply(&change);
            if let Change::Grant { share } = change {
                let text = |key: &str| answer[key].as_str().unwrap().to_owned();
                self.state.tokens.insert(text("tokenId"), share);
                self.texts.insert(text("tokenId"), text("token"));
            }
            acknowledged.fetch_add(1, Ordering::SeqCst);
            progress.notify_one();
        }
    }

    /// Compares with what the server holds, and takes over what became of the unanswered change.
    async fn check(&mut self, admin: &Admin, url: &str) {
        let mut held = self.read(admin).await;
        let mut possible = self.state.clone();
        if let Some(change) = &self.unanswered {
            possible.apply(change);
        }
        if let Some(Change::Grant { share }) = &self.unanswered {
            let unknown: Vec<String> =
                held.tokens.keys().filter(|id| !self.texts.contains_key(*id)).cloned().collect();
            assert!(unknown.len() <= 1, "tokens that nobody asked for: {unknown:?}");
            for id in unknown {
                assert_eq!(held.tokens.remove(&id).as_ref(), Some(share));
                admin.call("DELETE", &format!("/tokens/{id}"), &Value::Null).await;
            }
        }
        assert!(
            held == self.state || held == possible,
            "held {held:#?}\nacknowledged {:#?}\nunanswered {:?}",
            self.state,
            self.unanswered
        );
        self.state = held;
        self.unanswered = None;
        let http = http_client();
        for (id, text) in &self.texts {
            let expected =
                self.state.tokens.get(id).map_or((401, vec![]), |share| (200, vec![share.clone()]));
            assert_eq!(shares_of(&http, url, text).await, expected, "token {id}");
        }
    }

    /// What the server holds of this client's; no share is half changed.
    async fn read(&self, admin: &Admin) -> State {
        let mut held = State::default();
        let listed = admin.call("GET", "/shares", &Value::Null).await;
        for share in listed.body["shares"].as_array().unwrap() {
            let name = share["name"].as_str().unwrap();
            if !name.starts_with(&self.name) {
                continue;
            }
            let number: u64 = share["description"].as_str().unwrap().parse().unwrap();
            let tables = json!([{"name": "s", "tables": [table(number, 'a'), table(number, 'b')]}]);
            assert_eq!(share["schemas"], tables, "share {name} is half changed");
            held.shares.insert(name.to_owned(), number);
            let tokens = admin.call("GET", &format!("/shares/{name}/tokens"), &Value::Null).await;
            for token in tokens.body["tokens"].as_array().unwrap() {
                let id = token["tokenId"].as_str().unwrap();
                held.tokens.insert(id.to_owned(), name.to_owned());
            }
        }
        held
    }
}

/// The answer's body; an error when the server died before it.
async fn send(admin: &Admin, change: &Change) -> Result<Value, reqwest::Error> {
    let both = |number: u64| [table(number, 'a'), table(number, 'b')];
    let (method, path, body) = match change {
        Change::Create { share, number } => {
            let schemas = json!([{"name": "s", "tables": both(*number)}]);
            let body = json!({"name": share, "description": number.to_string(), "schemas": schemas});
            ("POST", "/shares".to_owned(), body)
        }
        Change::Patch { share, from, number } => {
            let body = json!({
                "description": number.to_string(),
                "add": both(*number).map(|table| json!({"schema": "s", "table": table})),
                "remove": both(*from).map(|table| json!({"schema": "s", "name": table["name"]})),
            });
            ("PATCH", format!("/shares/{share}"), body)
        }
        Change::Remove { share } => ("DELETE", format!("/shares/{share}"), Value::Null),
        Change::Grant { share } => ("POST", format!("/shares/{share}/tokens"), Value::Null),
        Change::Revoke { id } => ("DELETE", format!("/tokens/{id}"), Value::Null),
    };
    let answer = admin.try_call(method, &path, &body).await?;
    assert!(answer.status.is_success(), "{change:?}: {:?}", answer.body);
    Ok(answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_no_acknowledged_change_and_halve_none() {
    let dir = tempfile::tempdir().unwrap();
    delta_table::write_empty(dir.path(), "b", "t");
    let mut clients: Vec<Client> = (1..=CLIENTS).map(Client::new).collect();
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut server = Server::start_in(dir.path(), &[]);
        let (admin, url) = (Admin::new(&server), server.url());
        for client in &mut clients {
            client.check(&admin, &url).await;
        }
        let (acknowledged, progress) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        // The first round dies at its first change, later ones after more and more.
        let wanted = usize::try_from(round * 4).unwrap();
        let tasks: Vec<_> = clients
            .drain(..)
            .map(|mut client| {
                let (admin, acknowledged) = (Admin::new(&server), Arc::clone(&acknowledged));
                let progress = Arc::clone(&progress);
                tokio::spawn(async move {
                    client.work(&admin, &acknowledged, &progress).await;
                    client
                })
            })
            .collect();
        while acknowledged.load(Ordering::SeqCst) < wanted {
            // A client that fails an assertion ends, and then nobody would call.
            assert!(!tasks.iter().any(tokio::task::JoinHandle::is_finished), "a client ended early");
            progress.notified().await;
        }
        server.kill();
        for task in tasks {
            clients.push(task.await.unwrap());
        }
        total += acknowledged.load(Ordering::SeqCst);
    }
    let server = Server::start_in(dir.path(), &[]);
    let admin = Admin::new(&server);
    for client in &mut clients {
        client.check(&admin, &server.url()).await;
    }
    assert!(total >= 180, "{total} changes are too few to say anything");
}
