//! Typed answers: a status, a JSON body, and the headers that belong to it.

use std::marker::PhantomData;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use super::problem::Error;

const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=30, stale-while-revalidate=60");
const PRIVATE: HeaderValue = HeaderValue::from_static("no-store");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const UTF8_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer to a change, ready to be sent: now, or again when the request comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header Location.
    pub location: Option<String>,
    /// The header `ETag`.
    pub etag: Option<String>,
    /// JSON; empty for none.
    pub body: Vec<u8>,
    /// Whether it was given before.
    pub replayed: bool,
}

/// What an answer to a change can be made from.
pub trait Render {
    /// The answer. Fails only where a body does not serialise.
    fn render(self) -> Result<Answer, Error>;
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = if self.body.is_empty() {
            HttpResponse::build(status).finish()
        } else {
            let mut response = HttpResponse::build(status).body(self.body);
            response.headers_mut().insert(header::CONTENT_TYPE, UTF8_JSON);
            response
        };
        response.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, self.etag)] {
            if let Some(value) = value {
                set(&mut response, name, &value);
            }
        }
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// An [`Answer`] made from an `A`.
#[derive(Debug)]
pub struct Answered<A> {
    answer: Answer,
    made_from: PhantomData<fn() -> A>,
}

impl<A> Answered<A> {
    /// The answer, for who sends it in another form.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.answer
    }
}

impl<A> From<Answer> for Answered<A> {
    fn from(answer: Answer) -> Self {
        Self { answer, made_from: PhantomData }
    }
}

impl<A> Responder for Answered<A> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        self.answer.respond_to(req)
    }
}

fn respond(rendered: Result<Answer, Error>, req: &HttpRequest) -> HttpResponse {
    match rendered {
        Ok(answer) => answer.respond_to(req),
        Err(error) => HttpResponse::from_error(error),
    }
}

fn unversioned(status: u16, body: &impl Serialize) -> Result<Answer, Error> {
    let body = serde_json::to_vec(body).map_err(Error::internal)?;
    Ok(Answer { status, location: None, etag: None, body, replayed: false })
}

/// Answers to requests that carry a token are for that caller alone.
fn cache_control(req: &HttpRequest) -> HeaderValue {
    if req.headers().contains_key(header::AUTHORIZATION) { PRIVATE } else { PUBLIC }
}

/// A strong entity tag over the bytes of an answer.
fn content_tag(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]))
}

fn set(response: &mut HttpResponse, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// 200 with one resource.
#[derive(Debug)]
pub struct Found<T> {
    body: T,
    etag: Option<String>,
    fresh: Option<u32>,
}

impl<T> Found<T> {
    /// A resource with a version of its own; `etag` is quoted.
    pub fn versioned(body: T, etag: String) -> Self {
        Self { body, etag: Some(etag), fresh: None }
    }

    /// A computed document, whose tag is a digest of its bytes.
    pub fn computed(body: T) -> Self {
        Self { body, etag: None, fresh: None }
    }

    /// The same, to be kept for this many seconds by whoever may keep it.
    #[must_use]
    pub fn fresh_for(self, seconds: u32) -> Self {
        Self { fresh: Some(seconds), ..self }
    }
}

impl<T: Serialize> Responder for Found<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let Ok(bytes) = serde_json::to_vec(&self.body) else {
            return HttpResponse::from_error(Error::internal("a body does not serialise"));
        };
        let etag = self.etag.unwrap_or_else(|| content_tag(&bytes));
        let mut response = Rendered { bytes: bytes.into(), etag }.respond_to(req);
        if let Some(seconds) = self.fresh.filter(|_| cache_control(req) == PUBLIC) {
            set(&mut response, header::CACHE_CONTROL, &format!("public, max-age={seconds}"));
        }
        response
    }
}

/// 200 with a resource whose JSON is at hand.
#[derive(Debug)]
pub struct Rendered {
    /// The body.
    pub bytes: Bytes,
    /// Its quoted entity tag.
    pub etag: String,
}

impl Responder for Rendered {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok().body(self.bytes);
        response.headers_mut().insert(header::CONTENT_TYPE, UTF8_JSON);
        response.headers_mut().insert(header::CACHE_CONTROL, cache_control(req));
        set(&mut response, header::ETAG, &self.etag);
        response
    }
}

/// 201 with the new resource, its address and its entity tag.
#[derive(Debug)]
pub struct Created<T> {
    /// The absolute path of the new resource.
    pub location: String,
    /// Its quoted entity tag.
    pub etag: String,
    /// Its body.
    pub body: T,
}

impl<T: Serialize> Created<T> {
    /// A new resource whose tag is a digest of its bytes, as [`Found::computed`] gives it.
    ///
    /// # Errors
    /// Where the body does not serialise.
    pub fn computed(location: String, body: T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(&body).map_err(Error::internal)?;
        Ok(Self { location, etag: content_tag(&bytes), body })
    }
}

impl<T: Serialize> Render for Created<T> {
    fn render(self) -> Result<Answer, Error> {
        let body = serde_json::to_vec(&self.body).map_err(Error::internal)?;
        let (location, etag) = (Some(self.location), Some(self.etag));
        Ok(Answer { status: 201, location, etag, body, replayed: false })
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        respond(self.render(), req)
    }
}

/// 200 after a change: the resource as it is now.
#[derive(Debug)]
pub struct Changed<T> {
    /// The resource's body.
    pub body: T,
    /// Its new quoted entity tag.
    pub etag: String,
}

impl<T: Serialize> Changed<T> {
    /// A resource whose tag is a digest of its bytes, as [`Found::computed`] gives it.
    ///
    /// # Errors
    /// Where the body does not serialise.
    pub fn computed(body: T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(&body).map_err(Error::internal)?;
        Ok(Self { body, etag: content_tag(&bytes) })
    }
}

impl<T: Serialize> Render for Changed<T> {
    fn render(self) -> Result<Answer, Error> {
        let body = serde_json::to_vec(&self.body).map_err(Error::internal)?;
        Ok(Answer { status: 200, location: None, etag: Some(self.etag), body, replayed: false })
    }
}

impl<T: Serialize> Responder for Changed<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        respond(self.render(), req)
    }
}

/// 202: what was asked for will be done.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> Responder for Accepted<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        respond(unversioned(202, &self.0), req)
    }
}

/// 200 with what no cache may keep and nobody asks for again: tokens (RFC 6749 section 5.1 wants both headers).
#[derive(Debug)]
pub struct Unstored<T>(pub T);

impl<T: Serialize> Responder for Unstored<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let mut response = respond(unversioned(200, &self.0), req);
        response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        response
    }
}

/// 204: done, and there is nothing to show.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl Render for NoContent {
    fn render(self) -> Result<Answer, Error> {
        Ok(Answer { status: 204, location: None, etag: None, body: Vec::new(), replayed: false })
    }
}

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        respond(self.render(), req)
    }
}

/// 200 with one page of a list and its Link header.
#[derive(Debug)]
pub struct Page<T> {
    body: T,
    links: String,
}

impl<T> Page<T> {
    /// A page; `links` is the value of the Link header.
    pub fn new(body: T, links: String) -> Self {
        Self { body, links }
    }
}

impl<T: Serialize> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let mut response = Found::computed(self.body).respond_to(req);
        set(&mut response, header::LINK, &self.links);
        response
    }
}
