//! Extractors for bodies and preconditions.

use std::marker::PhantomData;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::BytesMut,
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

use super::{
    idempotency,
    params::Extracting,
    problem::{Error, Fault, FaultCode},
    schema, strict_json,
};

/// Bytes that a JSON body may have.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// The media type of JSON bodies.
pub const JSON: &str = "application/json";
/// The media type of PATCH bodies (RFC 7396).
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON body. Extraction never fails: faults wait in [`Json::valid`], because rights, existence and preconditions
/// are answered before the body is judged.
#[derive(Debug)]
pub struct Json<T>(Result<T, Error>);

impl<T> Json<T> {
    /// The body, which fits the documented schema of `T` and the rules of `T` that a schema cannot say.
    pub fn valid(self) -> Result<T, Error> {
        self.0
    }
}

impl<T: DeserializeOwned + ToSchema + Validate + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let sent_as = media_type(req.headers(), JSON);
        let payload = payload.take();
        let keyed = idempotency::digest_wanted(req);
        Box::pin(async move {
            let read = async {
                sent_as?;
                let body = read_body(payload, BODY_LIMIT).await;
                if let Some(req) = keyed {
                    idempotency::note_body(&req, body.as_deref().ok());
                }
                typed(strict_json::parse(&body?).map_err(Error::BadRequest)?)
            };
            Ok(Self(read.await))
        })
    }
}

/// A merge patch for documents of type `T`. `P` is its documented schema ([`patch_schema!`](crate::patch_schema)).
/// Like [`Json`], it keeps its faults until it is used.
#[derive(Debug)]
pub struct Patch<T, P> {
    changes: Result<Value, Error>,
    types: PhantomData<fn() -> (T, P)>,
}

impl<T, P> Patch<T, P>
where
    T: DeserializeOwned + serde::Serialize + ToSchema + Validate,
{
    /// The document after the change, checked as a whole; `current` is untouched.
    pub fn apply(self, current: &T) -> Result<T, Error> {
        let mut document = serde_json::to_value(current).map_err(Error::internal)?;
        strict_json::merge_patch(&mut document, &self.changes?);
        typed(document)
    }
}

impl<T, P: ToSchema> FromRequest for Patch<T, P> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let sent_as = media_type(req.headers(), MERGE_PATCH);
        let payload = payload.take();
        Box::pin(async move {
            let read = async {
                sent_as?;
                let changes = strict_json::parse(&read_body(payload, BODY_LIMIT).await?).map_err(Error::BadRequest)?;
                schema::check(&P::name(), &changes)?;
                Ok(changes)
            };
            Ok(Self { changes: read.await, types: PhantomData })
        })
    }
}

/// Declares the schema of a merge patch for `$input`. Its name ends with `Patch`: the document's completion then makes
/// every member optional at every depth, and null where it may be taken away.
#[macro_export]
macro_rules! patch_schema {
    ($(#[$doc:meta])* $name:ident for $input:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                <$input as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                <$input as utoipa::ToSchema>::schemas(schemas);
            }
        }
    };
}

/// Checks `value` against the schema of `T`, reads it, and checks what the schema cannot say.
pub fn typed<T: DeserializeOwned + ToSchema + Validate>(value: Value) -> Result<T, Error> {
    schema::check(&T::name(), &value)?;
    let typed: T = serde_json::from_value(value).map_err(|error| {
        // The schema let it pass, so it should read; what remains is a value that no schema can describe.
        tracing::debug!(%error, "a value passed its schema and could not be read");
        Error::Invalid(vec![Fault::at("", FaultCode::Invalid, "A value is not one that exists.")])
    })?;
    typed.validate().map_err(|errors| Error::Invalid(schema::semantic_faults(&errors)))?;
    Ok(typed)
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(mut payload: Payload, limit: usize) -> Result<BytesMut, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| match error {
            actix_web::error::PayloadError::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => {
                Error::RequestTimeout
            }
            _ => Error::BadRequest("The body broke off.".to_owned()),
        })?;
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Requires the media type `wanted`, without a charset other than UTF-8.
pub(crate) fn media_type(headers: &HeaderMap, wanted: &'static str) -> Result<(), Error> {
    let refused = || Error::MediaType(wanted);
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let mut parts = sent.split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(wanted)) {
        return Err(refused());
    }
    for parameter in parts.filter(|part| !part.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or_else(refused)?;
        let utf8 = value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        if name.eq_ignore_ascii_case("charset") && !utf8 {
            return Err(refused());
        }
    }
    Ok(())
}

/// The header If-Match, which every change of an existing resource must send (RFC 9110 section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Compares strongly; called once existence and rights are known. The write itself must compare the version
    /// again, in its own statement.
    pub fn check(&self, etag: &str) -> Result<(), Error> {
        let sent = self.0.as_deref().ok_or(Error::PreconditionRequired)?;
        if sent.trim() == "*" || sent.split(',').any(|tag| tag.trim() == etag) {
            return Ok(());
        }
        Err(Error::PreconditionFailed)
    }

    /// The same where the header may be left out.
    pub fn check_if_sent(&self, etag: &str) -> Result<(), Error> {
        if self.0.is_none() { Ok(()) } else { self.check(etag) }
    }
}

/// If-Match for a change, or `If-None-Match: *` for making what is not there yet (RFC 9110 section 13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchOrNone {
    if_match: IfMatch,
    if_none: bool,
}

impl MatchOrNone {
    /// Like [`IfMatch::check`], with the tag of what is there, if anything is.
    pub fn check(&self, etag: Option<&str>) -> Result<(), Error> {
        match etag {
            None if self.if_none && self.if_match.0.is_none() => Ok(()),
            Some(_) if self.if_none => Err(Error::PreconditionFailed),
            Some(etag) => self.if_match.check(etag),
            None if self.if_match.0.is_none() => Err(Error::PreconditionRequired),
            None => Err(Error::PreconditionFailed),
        }
    }
}

impl FromRequest for MatchOrNone {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let if_none = req.headers().get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == b"*");
        let if_match = IfMatch::from_request(req, payload).into_inner();
        std::future::ready(if_match.map(|if_match| Self { if_match, if_none }))
    }
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sent: Vec<_> = req.headers().get_all(header::IF_MATCH).filter_map(|value| value.to_str().ok()).collect();
        std::future::ready(Ok(Self((!sent.is_empty()).then(|| sent.join(",")))))
    }
}
