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

use crate::text_enum::text_enum;

/// The media type of every error body but the OAuth endpoint's.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The most faults that one answer lists.
pub const MAX_FAULTS: usize = 50;

text_enum! {
    /// The kinds of problem, one per `type` URI. Each is described at `/problems/{code}`.
    pub enum ProblemCode {
        /// The request could not be read: bad syntax, encoding, cursor or parameter.
        BadRequest = "bad_request",
        /// The query string has an unknown, repeated or badly typed parameter.
        InvalidParameter = "invalid_parameter",
        /// The cursor was not made by this list with these filters.
        InvalidCursor = "invalid_cursor",
        /// No valid access token was sent.
        Unauthorized = "unauthorized",
        /// The token's role or subject may not do this.
        Forbidden = "forbidden",
        /// There is no such resource, or it is not for you to know of.
        NotFound = "not_found",
        /// The resource does not have this method.
        MethodNotAllowed = "method_not_allowed",
        /// The body did not arrive in time.
        RequestTimeout = "request_timeout",
        /// The request contradicts the resource's present state.
        Conflict = "conflict",
        /// The resource has changed since the ETag that was sent.
        PreconditionFailed = "precondition_failed",
        /// The body is larger than this operation takes.
        ContentTooLarge = "content_too_large",
        /// Path and query together are too long.
        UriTooLong = "uri_too_long",
        /// The body's media type or content coding is not one that this operation takes.
        UnsupportedMediaType = "unsupported_media_type",
        /// The request was read and understood, and breaks a rule of its fields.
        Invalid = "invalid",
        /// A change needs an If-Match header.
        PreconditionRequired = "precondition_required",
        /// Too many requests; wait as Retry-After says.
        TooManyRequests = "too_many_requests",
        /// A fault of the server's; the request id leads to the cause in its log.
        InternalError = "internal_error",
        /// The service cannot answer for the moment; try again.
        Unavailable = "unavailable",
    }
}

impl ProblemCode {
    /// The HTTP status; the one table of codes and statuses.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::InvalidParameter | Self::InvalidCursor => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The constant title of the type.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request cannot be read",
            Self::InvalidParameter => "A query parameter is not valid",
            Self::InvalidCursor => "The cursor is not valid",
            Self::Unauthorized => "Authentication is required",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::Conflict => "Conflict with the present state",
            Self::PreconditionFailed => "The resource has changed",
            Self::ContentTooLarge => "The content is too large",
            Self::UriTooLong => "The address is too long",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::Invalid => "The content breaks a rule",
            Self::PreconditionRequired => "A precondition is required",
            Self::TooManyRequests => "Too many requests",
            Self::InternalError => "Internal error",
            Self::Unavailable => "Temporarily unavailable",
        }
    }

    /// What a client can do about it; shown at the type's address.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::BadRequest => "Read `detail`, correct the request, and send it again.",
            Self::InvalidParameter => "`errors` names each parameter; the OpenAPI document lists those that exist.",
            Self::InvalidCursor => "Start the list again without `cursor`; keep filters and sort as they were for the following pages.",
            Self::Unauthorized => "Send a valid access token in the header `Authorization: Bearer …`.",
            Self::Forbidden => "Use a token whose role the operation's description names.",
            Self::NotFound => "Check the id or slug; ids are lower-case hyphenated UUIDs.",
            Self::MethodNotAllowed => "The header `Allow` lists the methods of this address.",
            Self::RequestTimeout => "Send the whole body without pauses.",
            Self::Conflict => "Read the resource again and decide anew.",
            Self::PreconditionFailed => "Read the resource again, apply the change to what it is now, and send its new ETag in `If-Match`.",
            Self::ContentTooLarge => "Send less; the OpenAPI document states the limits.",
            Self::UriTooLong => "Path and query may have 8192 bytes together.",
            Self::UnsupportedMediaType => "The header `Accept` (or `Accept-Patch`) of the answer names what is taken; send the body without a content coding.",
            Self::Invalid => "`errors` points at each fault.",
            Self::PreconditionRequired => "Send the resource's ETag in `If-Match`.",
            Self::TooManyRequests => "Wait for as many seconds as `Retry-After` says.",
            Self::InternalError => "Try again; if it persists, tell the operator the request id in `instance`.",
            Self::Unavailable => "Try again after as many seconds as `Retry-After` says.",
        }
    }
}

text_enum! {
    /// The kinds of fault in a request.
    pub enum FaultCode {
        /// A required member is absent.
        Required = "required",
        /// The member does not exist.
        UnknownMember = "unknown_member",
        /// The value has another JSON type.
        WrongType = "wrong_type",
        /// The value is not one of the listed ones.
        NotAllowed = "not_allowed",
        /// The text is too short.
        TooShort = "too_short",
        /// The text is too long.
        TooLong = "too_long",
        /// The number is too small.
        TooSmall = "too_small",
        /// The number is too large.
        TooLarge = "too_large",
        /// The list has too few items.
        TooFew = "too_few",
        /// The list has too many items.
        TooMany = "too_many",
        /// The text has another form than the one required.
        BadFormat = "bad_format",
        /// Something stands twice that may stand once.
        Duplicate = "duplicate",
        /// Two members or parameters contradict each other, or one lacks the other.
        Inconsistent = "inconsistent",
        /// A list has an entry twice.
        DuplicateItem = "duplicate_item",
        /// The end of a range comes before its beginning.
        RangeReversed = "range_reversed",
        /// Not an ISO 3166-1 alpha-2 country code.
        UnknownCountry = "unknown_country",
        /// Not an ISO 4217 currency code in use.
        UnknownCurrency = "unknown_currency",
        /// Not a well-formed BCP 47 tag.
        InvalidLanguageTag = "invalid_language_tag",
        /// Not an http or https address.
        InvalidUrl = "invalid_url",
        /// Not an e-mail address.
        InvalidEmail = "invalid_email",
        /// The review has neither a rating nor a text.
        EmptyReview = "empty_review",
        /// The period has not begun or not ended yet.
        InTheFuture = "in_the_future",
        /// The period lies too far back.
        TooLongAgo = "too_long_ago",
        /// The member does not go with another one that is present.
        NotApplicable = "not_applicable",
        /// The thing referred to does not exist.
        UnknownReference = "unknown_reference",
        /// A rule that has no code of its own is broken.
        Invalid = "invalid",
    }
}

/// One fault in a request. Exactly one of `pointer`, `parameter` and `header` is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Where in the body: a JSON Pointer (RFC 6901) in URI fragment form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, pattern = "^#(/.*)?$", example = "#/places/0/country")]
    pub pointer: Option<String>,
    /// The query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub parameter: Option<String>,
    /// The header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub header: Option<String>,
    /// The kind of fault.
    pub code: FaultCode,
    /// What is wrong and how to mend it.
    #[schema(max_length = 500)]
    pub detail: String,
}

impl Fault {
    /// A fault in the body; `pointer` without the leading `#`.
    #[must_use]
    pub fn at(pointer: &str, code: FaultCode, detail: impl Into<String>) -> Self {
        let pointer = Some(format!("#{}", fragment(pointer)));
        Self { pointer, parameter: None, header: None, code, detail: detail.into() }
    }

    /// A fault in a query parameter.
    #[must_use]
    pub fn parameter(name: &str, code: FaultCode, detail: impl Into<String>) -> Self {
        let parameter = Some(name.chars().take(200).collect());
        Self { pointer: None, parameter, header: None, code, detail: detail.into() }
    }

    /// A fault in a header.
    #[must_use]
    pub fn header(name: &str, code: FaultCode, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: None, header: Some(name.to_owned()), code, detail: detail.into() }
    }
}

/// Percent-encodes what may not stand in a URI fragment (RFC 3986 section 3.5).
fn fragment(pointer: &str) -> String {
    let mut out = String::with_capacity(pointer.len());
    for byte in pointer.bytes().take(900) {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

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
    /// The rate limit is used up; seconds to wait.
    #[error("rate limit exceeded")]
    TooManyRequests(u64),
    /// Try again later; the text is for the client.
    #[error("{0}")]
    Unavailable(&'static str),
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
        match self {
            Self::BadRequest(detail) => Problem::new(ProblemCode::BadRequest, detail),
            Self::Parameters(errors) => {
                faults(ProblemCode::InvalidParameter, "Correct what `errors` names.", errors)
            }
            Self::Cursor => Problem::new(
                ProblemCode::InvalidCursor,
                "The cursor was not made by this list with these filters and this sort.",
            ),
            Self::Unauthorized(detail) => Problem::new(ProblemCode::Unauthorized, detail),
            Self::Forbidden(detail) => Problem::new(ProblemCode::Forbidden, detail),
            Self::NotFound(what) => Problem::new(ProblemCode::NotFound, &format!("There is no such {what}.")),
            Self::MethodNotAllowed(_) => {
                Problem::new(ProblemCode::MethodNotAllowed, "The header `Allow` lists the methods of this address.")
            }
            Self::RequestTimeout => Problem::new(ProblemCode::RequestTimeout, "The body did not arrive in time."),
            Self::Conflict(detail) => Problem::new(ProblemCode::Conflict, detail),
            Self::PreconditionFailed => Problem::new(
                ProblemCode::PreconditionFailed,
                "The resource is no longer the version that `If-Match` names; read it again.",
            ),
            Self::TooLarge(limit) => {
                Problem::new(ProblemCode::ContentTooLarge, &format!("The body may have {limit} bytes at the most."))
            }
            Self::UriTooLong => {
                Problem::new(ProblemCode::UriTooLong, "Path and query may have 8192 bytes together.")
            }
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
            Self::TooManyRequests(seconds) => {
                Problem::new(ProblemCode::TooManyRequests, &format!("Wait {seconds} seconds."))
            }
            Self::Unavailable(detail) => Problem::new(ProblemCode::Unavailable, detail),
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
        DieselError::DatabaseError(Kind::SerializationFailure | Kind::ClosedConnection | Kind::UnableToSendCommand, _)
        | DieselError::BrokenTransactionManager => {
            Problem::new(ProblemCode::Unavailable, "The database is not available for the moment.")
        }
        DieselError::DatabaseError(_, info) if is_out_of_service(info.message()) => {
            Problem::new(ProblemCode::Unavailable, "The database is not available for the moment.")
        }
        _ => Problem::new(ProblemCode::InternalError, "The cause is in the server's log."),
    }
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
            code,
        }
    }

    /// The body's bytes. `public_url` is where this service is reached.
    #[must_use]
    pub fn render(mut self, public_url: &str, request_id: uuid::Uuid) -> Vec<u8> {
        self.type_uri = format!("{public_url}/problems/{}", self.code.as_str());
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
                response.insert_header((
                    header::WWW_AUTHENTICATE,
                    r#"Bearer realm="preceptor", error="invalid_token""#,
                ));
            }
            Self::Forbidden(_) => {
                response.insert_header((
                    header::WWW_AUTHENTICATE,
                    r#"Bearer realm="preceptor", error="insufficient_scope""#,
                ));
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
            Self::TooManyRequests(seconds) => {
                response.insert_header((header::RETRY_AFTER, HeaderValue::from(*seconds)));
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
