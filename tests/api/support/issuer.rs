//! An identity provider on this machine: a real server with keys of its own, which counts what is asked of it.

use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use aws_lc_rs::signature::EcdsaKeyPair;
use preceptor::{
    auth::outside::model::{IssuerConfig, OutsideAlgorithm},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::jwt::{new_key, public, sign};

/// What it answers, and how often it was asked.
pub struct Answers {
    pub keys: Mutex<Vec<Value>>,
    /// What the discovery document says that the issuer is.
    pub name: Mutex<String>,
    /// Another answer than the documents: status and body.
    pub instead: Mutex<Option<(u16, String)>>,
    /// How often the discovery document was asked for.
    pub discoveries: AtomicUsize,
    /// How often the key set was asked for.
    pub sets: AtomicUsize,
}

/// A running identity provider.
pub struct Issuer {
    pub url: String,
    pub answers: Arc<Answers>,
    pub key: EcdsaKeyPair,
    handle: ServerHandle,
    server: Option<thread::JoinHandle<()>>,
}

pub const AUDIENCE: &str = "preceptor-at-work";

impl Issuer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = new_key();
        let answers = Arc::new(Answers {
            keys: Mutex::new(vec![public(&key, "one")]),
            name: Mutex::new(url.clone()),
            instead: Mutex::default(),
            discoveries: AtomicUsize::new(0),
            sets: AtomicUsize::new(0),
        });
        let shared = web::Data::from(answers.clone());
        let (send, receive) = std::sync::mpsc::channel();
        let server = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let factory = move || {
                    App::new()
                        .app_data(shared.clone())
                        .route("/.well-known/openid-configuration", web::get().to(discovery))
                        .route("/keys", web::get().to(key_set))
                };
                let server = HttpServer::new(factory).workers(1).disable_signals().listen(listener).unwrap().run();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = receive.recv().unwrap();
        Self { url, answers, key, handle, server: Some(server) }
    }

    /// How the service is told of it.
    pub fn config(&self) -> IssuerConfig {
        let algorithms = [OutsideAlgorithm::Es256, OutsideAlgorithm::Rs256].into();
        IssuerConfig { issuer: self.url.clone(), audience: AUDIENCE.to_owned(), algorithms }
    }

    pub fn header() -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "one"})
    }

    /// Claims that hold for two days.
    pub fn claims(&self, subject: &str) -> Value {
        let now = Timestamp::now().as_micros() / 1_000_000;
        json!({
            "iss": self.url, "sub": subject, "aud": ["other", AUDIENCE], "client_id": "an-app",
            "iat": now, "exp": now + 2 * 86_400, "scope": "openid reviews",
            "email": "same@university.edu", "email_verified": true,
        })
    }

    pub fn token(&self, subject: &str) -> String {
        sign(&self.key, Self::header(), self.claims(subject))
    }

    pub fn set_keys(&self, keys: Vec<Value>) {
        *self.answers.keys.lock().unwrap() = keys;
    }

    /// Answers everything with this from now on.
    pub fn answer_instead(&self, status: u16, body: &str) {
        *self.answers.instead.lock().unwrap() = Some((status, body.to_owned()));
    }

    pub fn discoveries(&self) -> usize {
        self.answers.discoveries.load(Ordering::SeqCst)
    }

    pub fn sets(&self) -> usize {
        self.answers.sets.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn answer(answers: &Answers, document: Value) -> HttpResponse {
    match answers.instead.lock().unwrap().clone() {
        Some((status, body)) => {
            let mut answer = HttpResponse::build(status.try_into().unwrap());
            answer.insert_header(("location", answers.name.lock().unwrap().as_str())).body(body)
        }
        None => HttpResponse::Ok().json(document),
    }
}

async fn discovery(answers: web::Data<Answers>) -> HttpResponse {
    answers.discoveries.fetch_add(1, Ordering::SeqCst);
    let name = answers.name.lock().unwrap().clone();
    answer(&answers, json!({"issuer": name, "jwks_uri": format!("{name}/keys")}))
}

async fn key_set(answers: web::Data<Answers>) -> HttpResponse {
    answers.sets.fetch_add(1, Ordering::SeqCst);
    let keys = answers.keys.lock().unwrap().clone();
    answer(&answers, json!({ "keys": keys }))
}
