//! Typed answers: a status, a JSON body, and the headers that belong to it.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::Bytes,
};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use super::problem::Error;

const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=30, stale-while-revalidate=60");
const PRIVATE: HeaderValue = HeaderValue::from_static("no-store");
const UTF8_JSON: HeaderValue = HeaderValue::from_static("application/json");

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse<BoxBody> {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut response = HttpResponse::build(status).body(bytes);
            response.headers_mut().insert(header::CONTENT_TYPE, UTF8_JSON);
            response
        }
        Err(error) => HttpResponse::from_error(Error::internal(error)),
    }
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
}

impl<T> Found<T> {
    /// A resource with a version of its own; `etag` is quoted.
    pub fn versioned(body: T, etag: String) -> Self {
        Self { body, etag: Some(etag) }
    }

    /// A computed document, whose tag is a digest of its bytes.
    pub fn computed(body: T) -> Self {
        Self { body, etag: None }
    }
}

impl<T: Serialize> Responder for Found<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let Ok(bytes) = serde_json::to_vec(&self.body) else {
            return HttpResponse::from_error(Error::internal("a body does not serialise"));
        };
        let etag = self.etag.unwrap_or_else(|| content_tag(&bytes));
        Rendered { bytes: bytes.into(), etag }.respond_to(req)
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

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::CREATED, &self.body);
        response.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
        set(&mut response, header::LOCATION, &self.location);
        set(&mut response, header::ETAG, &self.etag);
        response
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

impl<T: Serialize> Responder for Changed<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::OK, &self.body);
        response.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
        set(&mut response, header::ETAG, &self.etag);
        response
    }
}

/// 202: what was asked for will be done.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> Responder for Accepted<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::ACCEPTED, &self.0);
        response.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
        response
    }
}

/// 200 with what no cache may keep and nobody asks for again: tokens.
#[derive(Debug)]
pub struct Unstored<T>(pub T);

impl<T: Serialize> Responder for Unstored<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::OK, &self.0);
        response.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
        response
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
