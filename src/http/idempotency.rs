//! Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again has one effect and one answer.
//!
//! A key belongs to a principal, a method and a route. The row that remembers it holds the request's fingerprint and
//! the sealed answer, and commits with the effect: there is never one without the other, whenever the process dies. Only
//! successes are remembered; a request that failed has left nothing behind and may be sent again with its key. Within
//! this process a set of keys refuses a second request while the first runs; between processes the key's unique index
//! decides, and the one who loses gives the winner's answer.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web::Data};
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{
    idempotency_store::{self as store, KeyRow},
    limits::Reading,
    problem::{Error, Fault, FaultCode},
    respond::{Answer, Answered, Render},
};
use crate::{
    app::State,
    auth::{Caller, PurposeKey},
    db::{Conn, Db},
    ids::PrincipalId,
    time::Timestamp,
};

/// The header.
pub const HEADER: &str = "idempotency-key";
/// What the header looks like: an RFC 9651 String, or the same without quotes.
pub const PATTERN: &str = "^(\"[A-Za-z0-9_-]{16,255}\"|[A-Za-z0-9_-]{16,255})$";
/// How long a key is remembered, in seconds.
pub const RETENTION: i64 = 24 * 60 * 60;
/// The operations that need a key: what one would not want twice, by operation id.
pub const REQUIRED: [&str; 8] = [
    "create_appeal",
    "create_client",
    "create_client_secret",
    "create_cohort",
    "create_cohort_codes",
    "create_red_flag_report",
    "create_review",
    "create_review_flag",
];
/// Rows that one purging transaction removes.
const PURGED: i64 = 1000;

/// What this process knows of keys.
pub struct Idempotency {
    key: PurposeKey,
    /// Hashes of the keys whose requests run in this process.
    running: Mutex<HashSet<[u8; 32]>>,
}

impl Idempotency {
    /// `secret` is the service's.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self { key: PurposeKey::derive(secret, "idempotency v1"), running: Mutex::default() }
    }

    fn claim(self: &Arc<Self>, hash: [u8; 32]) -> Option<Claim> {
        let fresh = self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(hash);
        fresh.then(|| Claim { of: Arc::clone(self), hash })
    }
}

/// Holds a key until it is dropped, however the request ends.
struct Claim {
    of: Arc<Idempotency>,
    hash: [u8; 32],
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.of.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.hash);
    }
}

/// SHA-256 of the body; `None` when it could not be read.
#[derive(Debug, Clone, Copy)]
struct BodyDigest(Option<[u8; 32]>);

/// The request, if what reads its body is to tell the digest.
pub(super) fn digest_wanted(req: &HttpRequest) -> Option<HttpRequest> {
    req.headers().contains_key(HEADER).then(|| req.clone())
}

/// Notes the body that was read, or that it could not be.
pub(super) fn note_body(req: &HttpRequest, body: Option<&[u8]>) {
    req.extensions_mut().insert(BodyDigest(body.map(|body| sha256(&[body]))));
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hashing = digest::Context::new(&digest::SHA256);
    for part in parts {
        hashing.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(hashing.finish().as_ref());
    out
}

/// The header's key without quotes; `None` for another form.
fn read_key(sent: &str) -> Option<&str> {
    let key = sent.strip_prefix('"').map_or(Some(sent), |rest| rest.strip_suffix('"'))?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((16..=255).contains(&key.len()) && key.bytes().all(sound)).then_some(key)
}

/// The Idempotency-Key of a request, if it has one. Extraction never fails: faults wait until the change is to be
/// made, because rights and existence are answered first.
pub struct Once {
    req: HttpRequest,
    key: Result<Option<String>, Error>,
}

/// The Idempotency-Key of an operation that needs one ([`REQUIRED`]).
pub struct RequiredOnce(pub Once);

impl Once {
    fn of(req: &HttpRequest) -> Self {
        let malformed = |detail| Error::Parameters(vec![Fault::header(HEADER, FaultCode::BadFormat, detail)]);
        let mut sent = req.headers().get_all(HEADER);
        let key = match (sent.next(), sent.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(malformed("The header stands twice.")),
            (Some(value), None) => match value.to_str().ok().and_then(|text| read_key(text.trim())) {
                Some(key) => Ok(Some(key.to_owned())),
                None => Err(malformed("From 16 to 255 letters, digits, `-` and `_`, with or without double quotes.")),
            },
        };
        Self { req: req.clone(), key }
    }

    /// Runs a change once: `work` in one transaction, with what is to be remembered of its answer. When the key came
    /// before, `work` does not run, and the answer is the one given then.
    ///
    /// # Errors
    /// Those of `work`; 400 for a malformed or missing key, 409 while the first request runs, 422 when the key came
    /// with another request.
    pub async fn write<A, F>(self, state: &Data<State>, caller: &Caller, work: F) -> Result<Answered<A>, Error>
    where
        A: Render + 'static,
        F: Fn(&mut Conn) -> Result<A, Error> + Send + 'static,
    {
        self.begin(state, caller)?.write(work).await
    }

    /// Takes the key, for handlers that read before they write ([`Begun::read`]).
    pub fn begin(self, state: &Data<State>, caller: &Caller) -> Result<Begun, Error> {
        let (req, db) = (self.req, state.db.clone());
        let body = req.extensions().get::<BodyDigest>().copied();
        let (Some(key), false) = (self.key?, matches!(body, Some(BodyDigest(None)))) else {
            // A body that cannot be read is refused, whatever the key.
            return Ok(Begun { req, db, ticket: None, looked_up: false });
        };
        let body = body.and_then(|BodyDigest(digest)| digest).unwrap_or_default();
        let of = &state.idempotency;
        let route = req.match_pattern().unwrap_or_default();
        let method = req.method().as_str().as_bytes();
        let hash = of.key.hash(&[caller.id.as_uuid().as_bytes(), method, route.as_bytes(), key.as_bytes()]);
        let content_type = req.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        // No part but the last can hold a line feed.
        let parts = [method, b"\n", req.path().as_bytes(), b"\n", req.query_string().as_bytes(), b"\n", content_type];
        let fingerprint = sha256(&[&parts.concat(), b"\n", &body]);
        let claim = of.claim(hash).ok_or(Error::IdempotencyKeyInUse)?;
        let (of, now) = (Arc::clone(of), state.now());
        let ticket = Ticket { of, hash, principal: caller.id, fingerprint, now };
        Ok(Begun { req, db, ticket: Some((Arc::new(ticket), claim)), looked_up: false })
    }
}

impl FromRequest for Once {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self::of(req)))
    }
}

impl FromRequest for RequiredOnce {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Once { req, key } = Once::of(req);
        let key = key.and_then(|key| key.ok_or(Error::IdempotencyKeyRequired).map(Some));
        std::future::ready(Ok(Self(Once { req, key })))
    }
}

/// A request whose key, if it has one, is held by it alone in this process.
pub struct Begun {
    req: HttpRequest,
    db: Db,
    ticket: Option<(Arc<Ticket>, Claim)>,
    looked_up: bool,
}

/// What a handler finds that reads before it writes.
#[derive(Debug)]
pub enum Seen<T, A> {
    /// What was read: the request is new.
    New(T),
    /// The answer that was given before.
    Answered(Answered<A>),
}

impl Begun {
    /// Reads what the change starts from, and in the same snapshot whether the request was answered before: then it is
    /// answered so again, whatever has become of the state since.
    pub async fn read<T, A, F>(&mut self, work: F) -> Result<Seen<T, A>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        let ticket = self.ticket();
        let found = self.db.read_latest(move |conn| match look_up(ticket.as_deref(), conn)? {
            Some(answer) => Ok(Err(answer)),
            None => work(conn).map(Ok),
        });
        let found = found.await?;
        self.looked_up = true;
        Ok(found.map_or_else(|answer| Seen::Answered(answer.into()), Seen::New))
    }

    /// Tells the client what is left of a daily quota, and refuses when nothing is.
    pub fn within(&self, left: Option<Reading>) -> Result<(), Error> {
        let Some(left) = left else { return Ok(()) };
        self.req.extensions_mut().insert(left);
        left.check()
    }

    /// Runs the change; see [`Once::write`].
    pub async fn write<A, F>(self, work: F) -> Result<Answered<A>, Error>
    where
        A: Render + 'static,
        F: Fn(&mut Conn) -> Result<A, Error> + Send + 'static,
    {
        let (ticket, looked_up) = (self.ticket(), self.looked_up);
        let written = self.db.write(move |conn| {
            let ticket = ticket.as_deref();
            if !looked_up && let Some(answer) = look_up(ticket, conn)? {
                return Ok(answer);
            }
            let answer = work(conn)?.render()?;
            if let Some(ticket) = ticket {
                ticket.remember(conn, &ticket.row(&answer)?)?;
            }
            Ok(answer)
        });
        match written.await {
            Ok(answer) => Ok(answer.into()),
            Err(error) => self.overtaken(error).await,
        }
    }

    /// Like [`Begun::write`], for a change whose answer is known before: it is rendered and sealed here, so that the
    /// one writer thread of SQLite has nothing to do but store it.
    pub async fn write_known<A, F>(self, answer: A, work: F) -> Result<Answered<A>, Error>
    where
        A: Render,
        F: Fn(&mut Conn) -> Result<(), Error> + Send + 'static,
    {
        let answer = answer.render()?;
        let (ticket, looked_up) = (self.ticket(), self.looked_up);
        let row = ticket.as_ref().map(|ticket| ticket.row(&answer)).transpose()?;
        let written = self.db.write(move |conn| {
            let ticket = ticket.as_deref();
            if !looked_up && let Some(answer) = look_up(ticket, conn)? {
                return Ok(Some(answer));
            }
            work(conn)?;
            if let (Some(ticket), Some(row)) = (ticket, &row) {
                ticket.remember(conn, row)?;
            }
            Ok(None)
        });
        match written.await {
            Ok(before) => Ok(before.unwrap_or(answer).into()),
            Err(error) => self.overtaken(error).await,
        }
    }

    fn ticket(&self) -> Option<Arc<Ticket>> {
        self.ticket.as_ref().map(|(ticket, _)| Arc::clone(ticket))
    }

    /// A change fails when another process has made it at the same time: whatever `error` says, the answer given
    /// there is then the answer.
    async fn overtaken<A>(self, error: Error) -> Result<Answered<A>, Error> {
        let Some(ticket) = self.ticket() else { return Err(error) };
        match self.db.read_latest(move |conn| ticket.look_up(conn)).await {
            Ok(Some(answer)) => Ok(answer.into()),
            Err(reused @ Error::IdempotencyKeyReused) => Err(reused),
            _ => Err(error),
        }
    }
}

fn look_up(ticket: Option<&Ticket>, conn: &mut Conn) -> Result<Option<Answer>, Error> {
    ticket.map_or(Ok(None), |ticket| ticket.look_up(conn))
}

/// One key with one request.
struct Ticket {
    of: Arc<Idempotency>,
    hash: [u8; 32],
    principal: PrincipalId,
    fingerprint: [u8; 32],
    now: Timestamp,
}

/// What is sealed beside the body.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
}

impl Ticket {
    fn look_up(&self, conn: &mut Conn) -> Result<Option<Answer>, Error> {
        let Some((fingerprint, sealed)) = store::find(conn, &self.hash, self.now)? else { return Ok(None) };
        if fingerprint != self.fingerprint {
            return Err(Error::IdempotencyKeyReused);
        }
        self.open(&sealed).map(Some).ok_or_else(|| Error::internal("a remembered answer cannot be opened"))
    }

    /// The hash is sealed with the answer, so that nobody can move a row's answer to another key.
    fn row(&self, answer: &Answer) -> Result<KeyRow, Error> {
        let head = Head { status: answer.status, location: answer.location.clone(), etag: answer.etag.clone() };
        let head = serde_json::to_vec(&head).map_err(Error::internal)?;
        let sealed = self.of.key.seal(&[&self.hash, &head[..], b"\n", &answer.body].concat());
        Ok(KeyRow {
            key_hash: self.hash.to_vec(),
            principal_id: self.principal,
            fingerprint: self.fingerprint.to_vec(),
            sealed: sealed.ok_or_else(|| Error::internal("an answer cannot be sealed"))?,
            expires_at: self.now.plus_seconds(RETENTION),
        })
    }

    fn open(&self, sealed: &[u8]) -> Option<Answer> {
        let plain = self.of.key.open(sealed)?;
        let rest = plain.strip_prefix(&self.hash[..])?;
        // JSON without line breaks between its members holds no line feed.
        let (head, body) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'\n')?)?;
        let Head { status, location, etag } = serde_json::from_slice(head).ok()?;
        Some(Answer { status, location, etag, body: body.get(1..)?.to_vec(), replayed: true })
    }

    /// Fails when another process was quicker, which undoes the effect.
    fn remember(&self, conn: &mut Conn, row: &KeyRow) -> Result<(), Error> {
        if store::insert(conn, row, self.now)? { Ok(()) } else { Err(Error::IdempotencyKeyInUse) }
    }
}

/// Forgets expired keys: in short transactions, and for a while at the most, so that nobody waits for it.
pub async fn purge(db: &Db, now: Timestamp) -> Result<(), Error> {
    for _ in 0..20 {
        let forgotten = db.write(move |conn| Ok(store::purge(conn, now, PURGED)?)).await?;
        if i64::try_from(forgotten).unwrap_or(PURGED) < PURGED {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
