//! The floor under every request: what holds for all operations alike, whatever the handler does.
//!
//! It gives each request an id, answers HEAD where GET exists, refuses what cannot be read (bad percent-encoding,
//! content codings, overlong addresses), puts a deadline on bodies, counts against the rate limit, catches panics,
//! renders errors as problem documents and answers 304. One function, because each wrapped middleware costs a boxed
//! future per request. Around it stand CORS, whose headers errors must carry too, and [`armour`].

use std::{
    io,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    Error as ActixError, HttpMessage, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{Bytes, Data},
};
use futures_util::{FutureExt, Stream};
use tokio::time::Sleep;
use uuid::Uuid;

use super::{
    limits::{Counted, Reading},
    problem::{Error, PROBLEM_JSON, Pending, Problem, ProblemCode},
};
use crate::app::State;

/// Bytes that path and query may have together.
const MAX_URI: usize = 8192;
/// Longer than it takes to answer 408.
const HOLD: Duration = Duration::from_secs(5);

/// The request's id, as in the log, the header `X-Request-Id` and `instance` of problems.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Uuid);

/// The middleware; see the module.
pub async fn floor(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let start = Instant::now();
    let id = Uuid::new_v4();
    let Some(state) = req.app_data::<Data<State>>().cloned() else {
        return Ok(req.into_response(HttpResponse::InternalServerError().finish()));
    };
    let is_head = req.method() == Method::HEAD;
    if is_head {
        req.head_mut().method = Method::GET;
    }
    let mut counted = state.limits.count(&req, state.auth.cached_principal(req.headers()));
    let refused = refusal(&req).or_else(|| counted.as_ref().and_then(Counted::refusal));
    req.extensions_mut().insert(RequestId(id));

    let mut response = if let Some(error) = refused {
        req.into_response(error.error_response())
    } else {
        let req = with_deadline(req, state.config.body_timeout);
        // The request is not kept across the call: the router needs the only handle to it.
        match AssertUnwindSafe(next.call(req)).catch_unwind().await {
            Ok(Ok(response)) => response.map_into_boxed_body(),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                return Err(PanicAnswer::new(&state, id).into());
            }
        }
    };

    if response.status().as_u16() >= 400 {
        response = problem(response, &state, id);
    } else if response.status() == StatusCode::OK && is_fresh(&response) {
        response = not_modified(response);
    }
    if let Some(counted) = &mut counted {
        if response.status().is_client_error() && response.status() != StatusCode::TOO_MANY_REQUESTS {
            counted.failed();
        }
        let daily = response.request().extensions().get::<Reading>().copied();
        counted.describe(daily, response.headers_mut());
    }
    common_headers(response.headers_mut(), id);
    record(&state, &response, is_head, start, id);
    Ok(response)
}

/// What no operation takes.
fn refusal(req: &ServiceRequest) -> Option<Error> {
    let uri = req.uri();
    if uri.path_and_query().map_or(0, |both| both.as_str().len()) > MAX_URI {
        return Some(Error::UriTooLong);
    }
    if !percent_encoding_is_sound(uri.path()) {
        return Some(Error::BadRequest("The path is not percent-encoded UTF-8 text.".to_owned()));
    }
    let coding = req.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Some(Error::ContentCoding);
    }
    None
}

/// Strict UTF-8 without control characters after decoding; actix would decode it lossily.
fn percent_encoding_is_sound(path: &str) -> bool {
    if !path.contains('%') {
        return true;
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let (Some(high), Some(low)) = (digit(), digit()) else { return false };
        decoded.push(high * 16 + low);
    }
    std::str::from_utf8(&decoded).is_ok_and(|text| !text.chars().any(char::is_control))
}

/// Replaces the payload by one that ends with a timeout when the whole body has not arrived within `limit`.
fn with_deadline(req: ServiceRequest, limit: Duration) -> ServiceRequest {
    let has_body =
        req.headers().contains_key(header::CONTENT_LENGTH) || req.headers().contains_key(header::TRANSFER_ENCODING);
    if !has_body {
        return req;
    }
    let (req, payload) = req.into_parts();
    let stream = DeadlineStream { payload, deadline: Box::pin(tokio::time::sleep(limit)) };
    ServiceRequest::from_parts(req, Payload::Stream { payload: Box::pin(stream) })
}

struct DeadlineStream {
    payload: Payload,
    deadline: Pin<Box<Sleep>>,
}

impl Stream for DeadlineStream {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(item) = Pin::new(&mut self.payload).poll_next(context) {
            return Poll::Ready(item);
        }
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => {
                // The server closes a connection whose body somebody still holds when the answer goes out. One whose
                // body was dropped it keeps, to read and discard the rest, however slowly that comes.
                let payload = std::mem::replace(&mut self.payload, Payload::None);
                actix_web::rt::spawn(async move {
                    tokio::time::sleep(HOLD).await;
                    drop(payload);
                });
                Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Fills in the problem document of an error answer; one that has none gets the one of its status.
fn problem(response: ServiceResponse<BoxBody>, state: &State, id: Uuid) -> ServiceResponse<BoxBody> {
    let is_own_form = response.headers().get(header::CONTENT_TYPE).is_some_and(|own| own == PROBLEM_JSON)
        || response.response().extensions().get::<OwnErrorForm>().is_some();
    if is_own_form {
        return response;
    }
    let pending = response.response().extensions().get::<Pending>().cloned();
    let problem = pending.map_or_else(|| of_status(response.status()), |pending| pending.0);
    let body = problem.render(&state.config.public_url, id);
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Marks an error answer whose form another standard prescribes.
#[derive(Debug, Clone, Copy)]
pub struct OwnErrorForm;

fn of_status(status: StatusCode) -> Problem {
    let code = ProblemCode::ALL.iter().find(|code| code.status() == status);
    let code = code.copied().unwrap_or(match status {
        status if status.is_server_error() => ProblemCode::InternalError,
        _ => ProblemCode::BadRequest,
    });
    Problem::new(code, code.remedy())
}

/// Whether If-None-Match names the answer's entity tag (weak comparison, RFC 9110 section 13.1.2).
fn is_fresh(response: &ServiceResponse<BoxBody>) -> bool {
    let request = response.request();
    if request.method() != Method::GET {
        return false;
    }
    let Some(etag) = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()) else {
        return false;
    };
    request.headers().get_all(header::IF_NONE_MATCH).any(|value| {
        let listed = value.to_str().unwrap_or_default();
        listed.trim() == "*" || listed.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
    })
}

fn not_modified(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let mut response = response.map_body(|_, _| BoxBody::new(()));
    *response.response_mut().status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

fn common_headers(headers: &mut HeaderMap, id: Uuid) {
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.append(header::VARY, HeaderValue::from_static("Authorization"));
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// The outermost middleware: what a browser must be told with every answer, those of the CORS layer included.
pub async fn armour(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    // Browsers heed it over TLS only; whether there is TLS in front, the public address tells.
    let tls = req.app_data::<Data<State>>().is_some_and(|state| state.config.public_url.starts_with("https://"));
    let mut response = next.call(req).await?.map_into_boxed_body();
    armour_headers(response.headers_mut());
    if tls {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    Ok(response)
}

fn armour_headers(headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
}

/// One log line and one count per request; the route's template, never the path, and never a body.
fn record(state: &Data<State>, response: &ServiceResponse<BoxBody>, is_head: bool, start: Instant, id: Uuid) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let method = if is_head { "HEAD" } else { known_method(request.method()) };
    let status = response.status().as_u16();
    let elapsed = start.elapsed();
    state.denials.note(state, response, method, id);
    state.metrics.observe(method, &route, status, elapsed);
    tracing::info!(
        target: "preceptor::access",
        request_id = %id,
        method,
        route,
        status,
        bytes = match response.response().body().size() {
            BodySize::Sized(bytes) => bytes,
            BodySize::None | BodySize::Stream => 0,
        },
        duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        principal = request.extensions().get::<crate::auth::Caller>().map(|caller| caller.id.to_string()),
    );
}

/// Bounds what a client can write into metrics and logs.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// What a panicking handler answers. By then the request is gone, so the answer is made whole here.
#[derive(Debug)]
struct PanicAnswer {
    body: Vec<u8>,
    id: Uuid,
}

impl PanicAnswer {
    fn new(state: &State, id: Uuid) -> Self {
        tracing::error!(request_id = %id, "a handler panicked");
        state.metrics.panicked();
        let problem = Problem::new(ProblemCode::InternalError, "The cause is in the server's log.");
        Self { body: problem.render(&state.config.public_url, id), id }
    }
}

impl std::fmt::Display for PanicAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a handler panicked")
    }
}

impl ResponseError for PanicAnswer {
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::InternalServerError().body(self.body.clone());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        common_headers(response.headers_mut(), self.id);
        armour_headers(response.headers_mut());
        response
    }
}
