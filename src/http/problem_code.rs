//! The kinds of problem: status, title and remedy of each.

use actix_web::http::StatusCode;

use crate::text_enum::text_enum;

/// The registered type of every 429 (draft-ietf-httpapi-ratelimit-headers, section on problem types).
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

text_enum! {
    /// The kinds of problem, one per `type` URI. Each is described at `/problems/{code}`.
    pub enum ProblemCode {
        /// The request could not be read: bad syntax, encoding, cursor or parameter.
        BadRequest = "bad_request",
        /// The query string has an unknown, repeated or badly typed parameter, or a header is malformed.
        InvalidParameter = "invalid_parameter",
        /// The cursor was not made by this list with these filters.
        InvalidCursor = "invalid_cursor",
        /// No valid access token was sent.
        Unauthorized = "unauthorized",
        /// The token's role or subject may not do this.
        Forbidden = "forbidden",
        /// The right to report red flags and to flag reviews is suspended for a time.
        ReportingSuspended = "reporting_suspended",
        /// There is no such resource, or it is not for you to know of.
        NotFound = "not_found",
        /// The resource does not have this method.
        MethodNotAllowed = "method_not_allowed",
        /// The body did not arrive in time.
        RequestTimeout = "request_timeout",
        /// The request contradicts the resource's present state.
        Conflict = "conflict",
        /// What was named held once and does not any more.
        Gone = "gone",
        /// The resource has changed since the `ETag` that was sent.
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
        /// The operation needs an Idempotency-Key header.
        IdempotencyKeyRequired = "idempotency_key_required",
        /// The Idempotency-Key came before with another request.
        IdempotencyKeyReused = "idempotency_key_reused",
        /// A request with the same Idempotency-Key has not been answered yet.
        IdempotencyKeyInUse = "idempotency_key_in_use",
        /// Too many requests; wait as Retry-After says. Such problems have the registered type `quota-exceeded`.
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
            Self::BadRequest | Self::InvalidParameter | Self::InvalidCursor | Self::IdempotencyKeyRequired => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ReportingSuspended => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::IdempotencyKeyInUse => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The address of the type; `public_url` is where this service is reached. Registered types have their own.
    #[must_use]
    pub fn type_uri(self, public_url: &str) -> String {
        match self {
            Self::TooManyRequests => QUOTA_EXCEEDED.to_owned(),
            code => format!("{public_url}/problems/{code}"),
        }
    }

    /// The constant title of the type.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request cannot be read",
            Self::InvalidParameter => "A query parameter or header is not valid",
            Self::InvalidCursor => "The cursor is not valid",
            Self::Unauthorized => "Authentication is required",
            Self::Forbidden => "Not allowed",
            Self::ReportingSuspended => "The right to report is suspended",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::Conflict => "Conflict with the present state",
            Self::Gone => "Gone",
            Self::PreconditionFailed => "The resource has changed",
            Self::ContentTooLarge => "The content is too large",
            Self::UriTooLong => "The address is too long",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::Invalid => "The content breaks a rule",
            Self::PreconditionRequired => "A precondition is required",
            Self::IdempotencyKeyRequired => "An idempotency key is required",
            Self::IdempotencyKeyReused => "The idempotency key belongs to another request",
            Self::IdempotencyKeyInUse => "The idempotency key is in use",
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
            Self::InvalidParameter => "`errors` names each one; the OpenAPI document lists those that exist.",
            Self::InvalidCursor => {
                "Start the list again without `cursor`; keep filters and sort as they were for the following pages."
            }
            Self::Unauthorized => "Send a valid access token in the header `Authorization: Bearer …`.",
            Self::Forbidden => "Use a token whose role the operation's description names.",
            Self::ReportingSuspended => {
                "Wait until the time that `detail` and /v1/me name, or ask a moderator to look again."
            }
            Self::NotFound => "Check the id or slug; ids are lower-case hyphenated UUIDs.",
            Self::MethodNotAllowed => "The header `Allow` lists the methods of this address.",
            Self::RequestTimeout => "Send the whole body without pauses.",
            Self::Conflict => "Read the resource again and decide anew.",
            Self::Gone => "Ask whoever gave it to you for another one.",
            Self::PreconditionFailed => {
                "Read the resource again, apply the change to what it is now, and send its new ETag in `If-Match`."
            }
            Self::ContentTooLarge => "Send less; the OpenAPI document states the limits.",
            Self::UriTooLong => "Path and query may have 8192 bytes together.",
            Self::UnsupportedMediaType => {
                "The header `Accept` (or `Accept-Patch`) of the answer names what is taken; send the body without a content coding."
            }
            Self::Invalid => "`errors` points at each fault.",
            Self::PreconditionRequired => "Send the resource's ETag in `If-Match`.",
            Self::IdempotencyKeyRequired => {
                "Send the header `Idempotency-Key` with a random value of 16 to 255 letters, digits, `-` and `_`; send the same value when you try again."
            }
            Self::IdempotencyKeyReused => {
                "Send a new key with a new request; an old key only with exactly the request that it came with first."
            }
            Self::IdempotencyKeyInUse => "Wait as `Retry-After` says, and send the same request with the same key.",
            Self::TooManyRequests => "Wait for as many seconds as `Retry-After` says.",
            Self::InternalError => "Try again; if it persists, tell the operator the request id in `instance`.",
            Self::Unavailable => "Try again after as many seconds as `Retry-After` says.",
        }
    }
}
