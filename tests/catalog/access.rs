//! Both sign-ins on one URL, and what lent credentials open.

use http::Method;
use lakeshare::sigv4::credential::Credential;
use lakeshare::sigv4::sign::{Payload, sign_headers};
use lakeshare::sigv4::signing_key::{AmzDate, Scope, derive, hmac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::admin::{http_client, now_ms, root};
use crate::support::catalog::{Catalog, new_table, signed};
use crate::support::server::Server;

const CONFIG: &str = "/_iceberg/v1/config?warehouse=lake";

#[tokio::test]
async fn signatures_for_both_services_and_tokens_open_the_same_url() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let (status, config) = signed(&server, "GET", CONFIG, "s3tables").await;
    assert_eq!(status, 200, "{config}");
    assert_eq!(config["overrides"]["prefix"], "lake");
    assert_eq!(signed(&server, "GET", CONFIG, "s3").await, (200, config.clone()));
    assert_eq!(catalog.get("/config?warehouse=lake").await.ok(), config);
    assert_eq!(signed(&server, "GET", CONFIG, "iam").await.0, 401);
    // `%1F` in a path is encoded again in what is signed for services other than s3.
    catalog.post("/lake/namespaces", &json!({"namespace": ["sales", "north east"]})).await.ok();
    let (status, nested) =
        signed(&server, "GET", "/_iceberg/v1/lake/namespaces/sales%1Fnorth%20east", "s3tables").await;
    assert_eq!((status, &nested["namespace"]), (200, &json!(["sales", "north east"])));
}

/// Makes a namespace with a body whose digest is signed and named by no header, as botocore does for services other than S3;
/// sends `sent` in place of `body`. The status.
async fn post_unnamed(server: &Server, secret_key: &str, body: &str, sent: &str) -> u16 {
    const PATH: &str = "/_iceberg/v1/lake/namespaces";
    const NAMES: &str = "content-type;host;x-amz-date";
    let scope = Scope { region: "us-east-1", service: "s3tables" };
    let date = AmzDate::from_ms(now_ms()).unwrap();
    let digest = hex::encode(Sha256::digest(body));
    let head = format!("content-type:application/json\nhost:{}\nx-amz-date:{}\n", server.address, date.text);
    let canonical = format!("POST\n{PATH}\n\n{head}\n{NAMES}\n{digest}");
    let to_sign =
        format!("{}{}", date.string_to_sign_head(&scope), hex::encode(Sha256::digest(canonical.as_bytes())));
    let signature = hex::encode(hmac(&derive(secret_key, date.day(), &scope), to_sign.as_bytes()));
    let credential = format!("{}/{}", root().access_key, date.credential_scope(&scope));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={NAMES}, Signature={signature}");
    let request =
        http_client().post(format!("{}{PATH}", server.url())).header("authorization", authorization);
    let request = request.header("x-amz-date", date.text).header("content-type", "application/json");
    request.body(sent.to_owned()).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_body_whose_digest_no_header_names_is_covered_by_the_signature() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let body = |name: &str| json!({"namespace": [name]}).to_string();
    let secret = root().secret_key;
    assert_eq!(post_unnamed(&server, &secret, &body("a"), &body("a")).await, 200);
    assert_eq!(post_unnamed(&server, &secret, &body("b"), &body("c")).await, 401);
    assert_eq!(post_unnamed(&server, &secret, &body("d"), "").await, 401);
    assert_eq!(post_unnamed(&server, "another", &body("e"), &body("e")).await, 401);
    let names = catalog.get("/lake/namespaces").await.ok();
    assert_eq!(names["namespaces"], json!([["a"], ["sales"]]));
}

#[tokio::test]
async fn without_proof_nothing_is_told() {
    let server = Server::start();
    let http = http_client();
    let url = format!("{}{CONFIG}", server.url());
    for request in
        [http.get(&url), http.get(&url).bearer_auth("dapi00"), http.get(&url).header("authorization", "x")]
    {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("www-authenticate"));
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["error"]["type"], &body["error"]["code"]),
            (&json!("NotAuthorizedException"), &json!(401))
        );
    }
}

#[tokio::test]
async fn tokens_are_given_for_the_right_secret_and_renewed_by_exchange() {
    let server = Server::start();
    let http = http_client();
    let url = format!("{}/_iceberg/v1/oauth/tokens", server.url());
    let ask = async |form: &str| {
        let request = http.post(&url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, body) = ask("grant_type=client_credentials&client_id=lakeadmin&client_secret=wrong").await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    let (status, body) = ask("grant_type=password").await;
    assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
    let (status, body) =
        ask("grant_type=client_credentials&client_id=lakeadmin&client_secret=lakeadmin").await;
    assert_eq!((status, &body["token_type"]), (200, &json!("bearer")));
    assert!(body["expires_in"].as_i64().unwrap() > 0);
    let exchange = |token: &str| {
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={token}")
    };
    assert_eq!(ask(&exchange(body["access_token"].as_str().unwrap())).await.0, 200);
    assert_eq!(ask(&exchange("made-up")).await.0, 400);
    // A token that has ended is renewed for who still knows the secret.
    let by_secret = async |secret: &str| {
        let request = http.post(&url).basic_auth("lakeadmin", Some(secret)).body(exchange("ended"));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((by_secret("lakeadmin").await, by_secret("other").await), (200, 400));
}

/// A signed S3 call with lent credentials; the status.
async fn s3(config: &Value, method: Method, path: &str, body: &[u8]) -> u16 {
    let text = |key: &str| config[key].as_str().unwrap().to_owned();
    let uri = format!("{}/{path}", text("s3.endpoint"));
    let request = http::Request::builder().method(method).uri(uri);
    let request = request.header("x-amz-security-token", text("s3.session-token"));
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let credential =
        Credential { access_key: text("s3.access-key-id"), secret_key: text("s3.secret-access-key") };
    let scope = Scope { region: "us-east-1", service: "s3" };
    sign_headers(&mut parts, Payload::Bytes(body), &scope, &credential, now_ms()).unwrap();
    let request = http::Request::from_parts(parts, body.to_vec());
    http_client().execute(request.try_into().unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn lent_credentials_end_at_the_table() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let wanted = [("x-iceberg-access-delegation", "vended-credentials")];
    let lake = "/lake/namespaces/sales/tables";
    let mut body = new_table("t1");
    body["location"] = json!("s3://lake/sales/t1");
    let made = catalog.call_with(Method::POST, lake, &body, &wanted).await.ok();
    body["name"] = json!("t10");
    body["location"] = json!("s3://lake/sales/t10");
    catalog.call_with(Method::POST, lake, &body, &wanted).await.ok();
    let config = &made["config"];
    let credential = &made["storage-credentials"][0];
    assert_eq!(credential["prefix"], "s3://lake/sales/t1");
    assert_eq!(credential["config"]["s3.access-key-id"], config["s3.access-key-id"]);
    assert_eq!(s3(config, Method::PUT, "lake/sales/t1/data/a", b"1").await, 200);
    assert_eq!(s3(config, Method::GET, "lake/sales/t1/data/a", b"").await, 200);
    assert_eq!(s3(config, Method::GET, "lake?list-type=2&prefix=sales%2Ft1%2F", b"").await, 200);
    for (method, path) in [
        (Method::PUT, "lake/sales/t10/data/a"),
        (Method::PUT, "lake/sales/a"),
        (Method::GET, "lake?list-type=2&prefix=sales%2Ft1"),
        (Method::GET, "lake?list-type=2"),
        (Method::DELETE, "lake/sales/t10"),
        (Method::DELETE, "lake"),
        (Method::PUT, "other"),
    ] {
        assert_eq!(s3(config, method.clone(), path, b"").await, 403, "{method} {path}");
    }
    let delete = |key: &str| format!("<Delete><Object><Key>{key}</Key></Object></Delete>").into_bytes();
    assert_eq!(s3(config, Method::POST, "lake?delete", &delete("sales/t10/data/a")).await, 403);
    assert_eq!(s3(config, Method::POST, "lake?delete", &delete("sales/t1/data/a")).await, 200);
    assert_eq!(s3(config, Method::GET, "lake/sales/t1/data/a", b"").await, 404);
    let again = catalog.get("/lake/namespaces/sales/tables/t1/credentials").await.ok();
    assert_eq!(again["storage-credentials"][0]["prefix"], "s3://lake/sales/t1");
    let plain = catalog.get("/lake/namespaces/sales/tables/t1").await.ok();
    assert!(plain["config"]["s3.access-key-id"].is_null() && plain["storage-credentials"].is_null());
}

#[tokio::test]
async fn a_signed_request_reaches_the_table_and_nothing_else() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = catalog.make_table("t").await;
    let location = made["metadata"]["location"].as_str().unwrap().strip_prefix("s3://").unwrap().to_owned();
    let sign = async |method: Method, path: &str| {
        let uri = format!("{}/{path}", server.url());
        let body = json!({"region": "us-east-1", "uri": uri, "method": method.as_str(), "headers": {"x-amz-meta-a": ["1"]}});
        let signed = catalog.post("/lake/namespaces/sales/tables/t/sign", &body).await.ok();
        let mut request = http_client().request(method, signed["uri"].as_str().unwrap());
        for (name, values) in signed["headers"].as_object().unwrap() {
            for value in values.as_array().unwrap() {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(sign(Method::PUT, &format!("{location}/data/a")).await, 200);
    assert_eq!(sign(Method::GET, &format!("{location}/data/a")).await, 200);
    assert_eq!(sign(Method::GET, "lake/elsewhere").await, 403);
    // Spark drops a table before it removes the files.
    catalog.delete("/lake/namespaces/sales/tables/t").await.ok();
    assert_eq!(sign(Method::DELETE, &format!("{location}/data/a")).await, 204);
    assert_eq!(sign(Method::GET, &format!("{location}/data/a")).await, 404);
    assert_eq!(sign(Method::GET, "lake/elsewhere").await, 403);
    let unknown = json!({"region": "us-east-1", "uri": server.url(), "method": "GET", "headers": {}});
    let refused = catalog.post("/lake/namespaces/sales/tables/never/sign", &unknown).await;
    assert_eq!(refused.error(), (404, "NoSuchTableException"));
    catalog.make_table("t").await;
    assert_eq!(sign(Method::PUT, &format!("{location}/data/a")).await, 403, "another table of that name");
    let foreign =
        json!({"region": "us-east-1", "uri": "http://example.com/lake/x", "method": "GET", "headers": {}});
    let refused = catalog.post("/lake/namespaces/sales/tables/t/sign", &foreign).await;
    assert_eq!(refused.error(), (400, "BadRequestException"));
}
