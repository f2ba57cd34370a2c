//! A server with shares and tokens, made through its admin door.

use std::path::PathBuf;

use http::Request;
use lakeshare::sigv4::credential::Credential;
use lakeshare::sigv4::sign::{Payload, sign_headers};
use lakeshare::sigv4::signing_key::Scope;
use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

/// A running server.
pub struct World {
    pub server: Server,
}

impl World {
    pub fn start() -> Self {
        let world = Self { server: Server::start() };
        std::fs::create_dir_all(world.bucket()).unwrap();
        world
    }

    /// One share `s` with the table `default`.`t` of `file_count` files of ten rows, and a token for it.
    pub fn with_table(file_count: usize) -> (Self, String) {
        let world = Self::start();
        world.table("t", &Head::plain()).add_files(file_count, 10);
        let token = world.share("s", &[("default", "t", "t")]);
        (world, token)
    }

    /// The directory of the bucket `lake`.
    pub fn bucket(&self) -> PathBuf {
        self.server.dir().join("lake")
    }

    pub fn table(&self, location: &str, head: &Head) -> LogTable {
        LogTable::create(&self.bucket().join(location), head)
    }

    /// Creates a share of `(schema, table, location)` and returns a token for it.
    pub fn share(&self, name: &str, tables: &[(&str, &str, &str)]) -> String {
        self.share_without_token(name, tables);
        self.token(name, &json!({}))
    }

    /// One share `s` with the table `default`.`t` at `t` under these options, and a token for it.
    pub fn share_with_options(&self, options: &Value) -> String {
        self.share_named_with_options("s", options)
    }

    /// The same under another share's name.
    pub fn share_named_with_options(&self, name: &str, options: &Value) -> String {
        let mut table = json!({"name": "t", "sourceType": "delta", "bucket": "lake", "location": "t"});
        table.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let share = json!({"name": name, "schemas": [{"name": "default", "tables": [table]}]});
        let answer = self.admin("POST", "/shares", &share);
        assert_eq!(answer.status, 201, "{}", answer.text());
        self.token(name, &json!({}))
    }

    pub fn share_without_token(&self, name: &str, tables: &[(&str, &str, &str)]) {
        let mut schemas: Vec<Value> = Vec::new();
        for (schema, table, location) in tables {
            let entry = json!({"name": table, "sourceType": "delta", "bucket": "lake", "location": location});
            match schemas.iter_mut().find(|known| known["name"] == json!(schema)) {
                Some(known) => known["tables"].as_array_mut().unwrap().push(entry),
                None => schemas.push(json!({"name": schema, "tables": [entry]})),
            }
        }
        let answer = self.admin("POST", "/shares", &json!({"name": name, "schemas": schemas}));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Makes a token for the share; `options` are those of the admin call.
    pub fn token(&self, share: &str, options: &Value) -> String {
        let answer = self.admin("POST", &format!("/shares/{share}/tokens"), options);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// One signed admin call.
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let target = format!("/_admin/v1{path}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let uri = format!("{}{target}", self.server.url());
        let (mut parts, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        let credential = Credential { access_key: ACCESS_KEY.into(), secret_key: SECRET_KEY.into() };
        let scope = Scope { region: "us-east-1", service: "s3" };
        let now_ms = lakeshare::clock::Clock::system().now_ms();
        sign_headers(&mut parts, Payload::Bytes(body.as_bytes()), &scope, &credential, now_ms).unwrap();
        let mut ask =
            if body.is_empty() { Ask::new(method, &target) } else { Ask::with_body(method, &target, &body) };
        for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host") {
            ask = ask.header(name.as_str(), value.to_str().unwrap());
        }
        ask.send(self.server.address)
    }

    /// Sends a request below the door's prefix with `token`.
    pub fn ask(&self, token: &str, ask: &Ask) -> Answer {
        ask.clone().bearer(token).send(self.server.address)
    }

    pub fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, &Ask::get(&format!("/delta-sharing{path}")))
    }

    /// A call of the table `s`.`default`.`t` with a capabilities header.
    pub fn get_as(&self, token: &str, capabilities: &str, call: &str) -> Answer {
        self.ask(
            token,
            &Ask::get(&format!("{TABLE}/{call}")).header("delta-sharing-capabilities", capabilities),
        )
    }

    /// A query of the table `s`.`default`.`t`.
    /// A query of `default`.`t` in another share than `s`.
    pub fn query_of(&self, token: &str, share: &str) -> Answer {
        let target = format!("/delta-sharing/shares/{share}/schemas/default/tables/t/query");
        self.ask(token, &Ask::post(&target, "{}"))
    }

    pub fn query(&self, token: &str, body: &str) -> Answer {
        self.ask(token, &Ask::post(QUERY, body))
    }

    /// The same with a capabilities header.
    pub fn query_as(&self, token: &str, capabilities: &str, body: &str) -> Answer {
        self.ask(token, &Ask::post(QUERY, body).header("delta-sharing-capabilities", capabilities))
    }
}

/// The table `s`.`default`.`t`.
pub const TABLE: &str = "/delta-sharing/shares/s/schemas/default/tables/t";
/// Its query.
pub const QUERY: &str = "/delta-sharing/shares/s/schemas/default/tables/t/query";

/// Checks that `answer` is an error on one line of JSON, and returns its code and text.
pub fn error_of(answer: &Answer, status: u16) -> (String, String) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let error = answer.json();
    let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["errorCode", "message"]);
    let text = |key: &str| error[key].as_str().unwrap().to_owned();
    (text("errorCode"), text("message"))
}
