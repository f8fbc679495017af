//! Single faults in a request: what a problem document lists in `errors`.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum::text_enum;

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
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
