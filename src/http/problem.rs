//! Problem details (RFC 9457): the one error type of the service and how a client sees it.
//!
//! What the client reads and what the log reads are different strings: a fault of ours answers with a request id
//! and nothing else, and its cause is logged once, here.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::PolicyName;
pub use super::{
    component::{Component, ComponentName, ComponentStatus},
    fault::{Fault, FaultCode},
    problem_code::ProblemCode,
};

/// The media type of every error body but the OAuth endpoint's.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The most faults that one answer lists.
pub const MAX_FAULTS: usize = 50;

/// Everything that can go wrong. Each variant says when to use it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be read at all. The text is for the client.
    #[error("{0}")]
    BadRequest(String),
    /// Query parameters or headers that are not valid.
    #[error("invalid parameters")]
    Parameters(Vec<Fault>),
    /// A cursor that this list did not make.
    #[error("invalid cursor")]
    Cursor,
    /// No token, or one that does not hold; the text is for the client and never holds the token.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// A good token for another role or another's resource that the caller may know of.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The caller's right to report and to flag is suspended; the text is for the client.
    #[error("{0}")]
    Suspended(String),
    /// A good token that lacks the scope: the text for the client, and the scopes of which one would do, separated by
    /// spaces.
    #[error("{0}")]
    InsufficientScope(&'static str, &'static str),
    /// The named kind of thing does not exist, or the caller may not know that it does.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The method does not exist here; the value is for `Allow`.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// The body's deadline has passed.
    #[error("the body did not arrive in time")]
    RequestTimeout,
    /// The present state forbids it. The text is for the client.
    #[error("{0}")]
    Conflict(String),
    /// What is named held once and does not any more. The text is for the client.
    #[error("{0}")]
    Gone(&'static str),
    /// If-Match names another version.
    #[error("the resource has changed")]
    PreconditionFailed,
    /// The body is too large; the limit in bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The path and query are too long.
    #[error("path and query are too long")]
    UriTooLong,
    /// Another media type is needed: the one named.
    #[error("unsupported media type")]
    MediaType(&'static str),
    /// A content coding was used.
    #[error("unsupported content coding")]
    ContentCoding,
    /// Faults in the body.
    #[error("invalid content")]
    Invalid(Vec<Fault>),
    /// If-Match is absent.
    #[error("If-Match is required")]
    PreconditionRequired,
    /// An Idempotency-Key is needed and absent.
    #[error("Idempotency-Key is required")]
    IdempotencyKeyRequired,
    /// The key came before with another request.
    #[error("the Idempotency-Key belongs to another request")]
    IdempotencyKeyReused,
    /// A request with the key is being carried out.
    #[error("a request with this Idempotency-Key is in flight")]
    IdempotencyKeyInUse,
    /// A quota is used up: seconds to wait, and the policies that say so.
    #[error("quota exceeded")]
    TooManyRequests(u64, Vec<PolicyName>),
    /// Try again later; the text is for the client.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The service is not ready: the state of each of its parts.
    #[error("not ready: {0:?}")]
    NotReady(Vec<Component>),
    /// The database answered an error.
    #[error("database: {0}")]
    Database(#[from] DieselError),
    /// A fault of ours; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A fault of ours; `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// One fault in the body.
    #[must_use]
    pub fn field(pointer: &str, code: FaultCode, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::at(pointer, code, detail)])
    }

    /// Whether SQLite may have abandoned the transaction that this happened in.
    #[must_use]
    pub fn is_storage_fault(&self) -> bool {
        matches!(
            self,
            Self::Database(
                DieselError::DatabaseError(DatabaseErrorKind::Unknown | DatabaseErrorKind::ClosedConnection, _)
                    | DieselError::BrokenTransactionManager
                    | DieselError::RollbackErrorOnCommit { .. }
                    | DieselError::AlreadyInTransaction
                    | DieselError::NotInTransaction
            )
        )
    }

    /// The one mapping of causes to what a client sees.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let faults = |code, detail: &str, errors: &[Fault]| {
            let mut problem = Problem::new(code, detail);
            problem.errors = errors.iter().take(MAX_FAULTS).cloned().collect();
            problem
        };
        let own = |code: ProblemCode| Problem::new(code, code.remedy());
        match self {
            Self::BadRequest(detail) => Problem::new(ProblemCode::BadRequest, detail),
            Self::Parameters(errors) => faults(ProblemCode::InvalidParameter, "Correct what `errors` names.", errors),
            Self::Cursor => Problem::new(
                ProblemCode::InvalidCursor,
                "The cursor was not made by this list with these filters and this sort.",
            ),
            Self::Unauthorized(detail) => Problem::new(ProblemCode::Unauthorized, detail),
            Self::Forbidden(detail) | Self::InsufficientScope(detail, _) => {
                Problem::new(ProblemCode::Forbidden, detail)
            }
            Self::Suspended(detail) => Problem::new(ProblemCode::ReportingSuspended, detail),
            Self::NotFound(what) => Problem::new(ProblemCode::NotFound, &format!("There is no such {what}.")),
            Self::MethodNotAllowed(_) => {
                Problem::new(ProblemCode::MethodNotAllowed, "The header `Allow` lists the methods of this address.")
            }
            Self::RequestTimeout => Problem::new(ProblemCode::RequestTimeout, "The body did not arrive in time."),
            Self::Gone(detail) => Problem::new(ProblemCode::Gone, detail),
            Self::Conflict(detail) => Problem::new(ProblemCode::Conflict, detail),
            Self::PreconditionFailed => Problem::new(
                ProblemCode::PreconditionFailed,
                "The resource is no longer the version that `If-Match` names; read it again.",
            ),
            Self::TooLarge(limit) => {
                Problem::new(ProblemCode::ContentTooLarge, &format!("The body may have {limit} bytes at the most."))
            }
            Self::UriTooLong => Problem::new(ProblemCode::UriTooLong, "Path and query may have 8192 bytes together."),
            Self::MediaType(wanted) => Problem::new(
                ProblemCode::UnsupportedMediaType,
                &format!("Send the body with `Content-Type: {wanted}`."),
            ),
            Self::ContentCoding => {
                Problem::new(ProblemCode::UnsupportedMediaType, "Send the body without `Content-Encoding`.")
            }
            Self::Invalid(errors) => faults(ProblemCode::Invalid, "Correct what `errors` points at.", errors),
            Self::PreconditionRequired => {
                Problem::new(ProblemCode::PreconditionRequired, "Send the resource's ETag in `If-Match`.")
            }
            Self::IdempotencyKeyRequired => own(ProblemCode::IdempotencyKeyRequired),
            Self::IdempotencyKeyReused => own(ProblemCode::IdempotencyKeyReused),
            Self::IdempotencyKeyInUse => own(ProblemCode::IdempotencyKeyInUse),
            Self::TooManyRequests(seconds, policies) => {
                let mut problem = Problem::new(ProblemCode::TooManyRequests, &format!("Wait {seconds} seconds."));
                problem.violated_policies.clone_from(policies);
                problem
            }
            Self::Unavailable(detail) => Problem::new(ProblemCode::Unavailable, detail),
            Self::NotReady(components) => {
                let mut problem = Problem::new(ProblemCode::Unavailable, "A part of the service does not work.");
                problem.components.clone_from(components);
                problem
            }
            Self::Database(error) => database_problem(error),
            Self::Internal(_) => Problem::new(ProblemCode::InternalError, "The cause is in the server's log."),
        }
    }
}

/// By kind, never by the engine's text. Stores map the violations that a client can cause where the insert is;
/// what arrives here is the remainder.
fn database_problem(error: &DieselError) -> Problem {
    use DatabaseErrorKind as Kind;
    match error {
        DieselError::NotFound => Problem::new(ProblemCode::NotFound, "There is no such resource."),
        DieselError::DatabaseError(Kind::UniqueViolation, _) => {
            Problem::new(ProblemCode::Conflict, "Something with the same identity exists already.")
        }
        DieselError::DatabaseError(Kind::ForeignKeyViolation, _) => {
            Problem::new(ProblemCode::Conflict, "Something that this refers to does not exist.")
        }
        DieselError::DatabaseError(Kind::CheckViolation | Kind::NotNullViolation, _) => {
            Problem::new(ProblemCode::Invalid, "A value breaks a rule of the store.")
        }
        DieselError::DatabaseError(
            Kind::SerializationFailure | Kind::ClosedConnection | Kind::UnableToSendCommand,
            _,
        )
        | DieselError::BrokenTransactionManager => {
            Problem::new(ProblemCode::Unavailable, "The database is not available for the moment.")
        }
        DieselError::DatabaseError(_, info) if is_out_of_range(info.message()) => {
            Problem::new(ProblemCode::Invalid, "A number is larger than the store takes.")
        }
        DieselError::DatabaseError(_, info) if is_out_of_service(info.message()) => {
            Problem::new(ProblemCode::Unavailable, "The database is not available for the moment.")
        }
        _ => Problem::new(ProblemCode::InternalError, "The cause is in the server's log."),
    }
}

/// A number beyond its column, for which diesel has no kind.
fn is_out_of_range(message: &str) -> bool {
    message.ends_with("out of range") || message.starts_with("cannot store REAL value in INTEGER column")
}

/// Faults for which diesel has no kind and waiting is the remedy: a full disk, a lock held too long, a server that
/// is going down or has cut the statement short.
fn is_out_of_service(message: &str) -> bool {
    [
        "database or disk is full",
        "database is locked",
        "deadlock detected",
        "canceling statement due to",
        "terminating connection",
        "the database system is",
        "server closed the connection",
        "connection not open",
        "no connection to the server",
        "could not extend file",
        "disk I/O error",
        "lock timeout",
    ]
    .iter()
    .any(|known| message.contains(known))
}

/// The body of every error answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The address that describes this type of problem.
    #[serde(rename = "type")]
    #[schema(format = "uri", max_length = 300, example = "https://preceptor.invalid/problems/not_found")]
    pub type_uri: String,
    /// The type's constant title.
    #[schema(max_length = 100, example = "Not found")]
    pub title: String,
    /// The HTTP status of this answer.
    #[schema(format = "int32", minimum = 400, maximum = 599, example = 404)]
    pub status: u16,
    /// What to do about it.
    #[schema(max_length = 500, example = "There is no such program.")]
    pub detail: String,
    /// The request's id, to be quoted to the operator.
    #[schema(format = "uri", max_length = 60, example = "urn:uuid:6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")]
    pub instance: String,
    /// Each fault of the request, as many as fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub errors: Vec<Fault>,
    /// The state of each part, where readiness is what was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub components: Vec<Component>,
    /// The policies whose quota is used up (draft-ietf-httpapi-ratelimit-headers).
    #[serde(rename = "violated-policies", default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub violated_policies: Vec<PolicyName>,
    #[serde(skip, default = "internal")]
    #[schema(ignore)]
    code: ProblemCode,
}

fn internal() -> ProblemCode {
    ProblemCode::InternalError
}

impl Problem {
    /// A problem whose `type` and `instance` are filled in when it is sent.
    #[must_use]
    pub fn new(code: ProblemCode, detail: &str) -> Self {
        Self {
            type_uri: String::new(),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail: detail.chars().take(500).collect(),
            instance: String::new(),
            errors: Vec::new(),
            components: Vec::new(),
            violated_policies: Vec::new(),
            code,
        }
    }

    /// The body's bytes. `public_url` is where this service is reached.
    #[must_use]
    pub fn render(mut self, public_url: &str, request_id: uuid::Uuid) -> Vec<u8> {
        self.type_uri = self.code.type_uri(public_url);
        self.instance = request_id.urn().to_string();
        serde_json::to_vec(&self).unwrap_or_default()
    }
}

/// Carried from the error to the outermost middleware, which knows the request id.
#[derive(Debug, Clone)]
pub struct Pending(pub Problem);

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.problem().code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let problem = self.problem();
        if problem.code == ProblemCode::InternalError {
            tracing::error!(cause = %self, "internal error");
        } else if problem.code == ProblemCode::Unavailable {
            tracing::warn!(cause = %self, "unavailable");
        }
        let mut response = HttpResponse::build(problem.code.status());
        match self {
            Self::Unauthorized(_) => {
                response
                    .insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="preceptor", error="invalid_token""#));
            }
            Self::Forbidden(_) | Self::Suspended(_) => {
                response.insert_header((
                    header::WWW_AUTHENTICATE,
                    r#"Bearer realm="preceptor", error="insufficient_scope""#,
                ));
            }
            Self::InsufficientScope(_, scope) => {
                let challenge = format!(r#"Bearer realm="preceptor", error="insufficient_scope", scope="{scope}""#);
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            Self::MethodNotAllowed(allow) => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            Self::MediaType(wanted) => {
                response.insert_header((header::ACCEPT, *wanted));
                if wanted.contains("merge-patch") {
                    response.insert_header((HeaderName::from_static("accept-patch"), *wanted));
                }
            }
            Self::ContentCoding => {
                response.insert_header((header::ACCEPT_ENCODING, "identity"));
            }
            Self::TooManyRequests(seconds, _) => {
                response.insert_header((header::RETRY_AFTER, HeaderValue::from(*seconds)));
            }
            Self::IdempotencyKeyInUse => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            _ if problem.code == ProblemCode::Unavailable => {
                response.insert_header((header::RETRY_AFTER, "2"));
            }
            _ => {}
        }
        let mut response = response.finish();
        response.extensions_mut().insert(Pending(problem));
        response
    }
}
