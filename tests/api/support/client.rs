//! A client that is one identity: anonymous, or the holder of one token.

use preceptor::ids::PrincipalId;
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use uuid::Uuid;

/// Sends requests as one identity.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// The principal behind the token.
    pub id: Option<PrincipalId>,
}

impl Client {
    pub fn new(http: reqwest::Client, base: String, token: Option<String>) -> Self {
        Self { http, base, token, id: None }
    }

    /// The same server, with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same, with the principal behind the token noted.
    pub fn with_id(self, id: PrincipalId) -> Self {
        Self { id: Some(id), ..self }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A request to which more can be added before [`send`]. A POST has a fresh Idempotency-Key.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.bare(method, path);
        if method == "POST" { request.header("idempotency-key", Uuid::new_v4().to_string()) } else { request }
    }

    /// A request without an Idempotency-Key.
    pub fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request("POST", path).json(body)).await
    }

    /// A POST without a body.
    pub async fn act(&self, path: &str) -> Answer {
        send(self.request("POST", path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request("DELETE", path)).await
    }

    pub async fn put(&self, path: &str, etag: &str, body: &Value) -> Answer {
        send(self.request("PUT", path).header("if-match", etag).json(body)).await
    }

    pub async fn patch(&self, path: &str, etag: &str, changes: &Value) -> Answer {
        let request = self.request("PATCH", path).header("if-match", etag);
        let request = request.header("content-type", "application/merge-patch+json");
        send(request.body(changes.to_string())).await
    }
}

/// Sends a request that was built by hand.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn etag(&self) -> &str {
        self.header("etag")
    }

    /// Fails the test, with the body, unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Fails the test unless this is a problem document of this type, sound in every part.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        let kind = problem["type"].as_str().unwrap();
        let own = kind.starts_with("http://") && kind.ends_with(&format!("/problems/{code}"));
        let registered = "https://iana.org/assignments/http-problem-types#quota-exceeded";
        assert!(if status == 429 { kind == registered } else { own }, "{kind}");
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        assert_eq!(problem["instance"], format!("urn:uuid:{}", self.header("x-request-id")));
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(self.body.len() < 4096, "{} bytes", self.body.len());
        problem
    }

    /// The codes of the listed faults with their places, in the order of the answer.
    pub fn faults(&self) -> Vec<(String, String)> {
        let problem = self.json();
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let place = |fault: &Value| {
            let place = ["pointer", "parameter", "header"].iter().find_map(|kind| fault.get(*kind));
            place.map(text).unwrap_or_default()
        };
        faults.iter().map(|fault| (place(fault), text(&fault["code"]))).collect()
    }
}
