//! Keyset paging: opaque, authenticated cursors, and the page every list answers with.
//!
//! A cursor holds the sort key and id of the last row shown. It is bound by its authentication tag to the path,
//! filters, sort and principal it was made for, so it neither grants access nor works on another list.

use std::fmt::Write;

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{params::Params, problem::Error};

/// Items on a page when `limit` is absent.
pub const DEFAULT_LIMIT: i64 = 20;
/// The largest `limit`.
pub const MAX_LIMIT: i64 = 100;
const VERSION: u8 = 1;
const TAG: usize = 16;

/// The last row of a page: its sort key (a number or a text, the other one empty) and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// A numeric sort key, 0 where the sort is by text.
    #[serde(rename = "n")]
    pub number: i64,
    /// A textual sort key, empty where the sort is by number.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The row's id, which makes the order total.
    pub id: Uuid,
}

impl Position {
    /// A position in a list sorted by a number.
    #[must_use]
    pub fn by_number(number: i64, id: Uuid) -> Self {
        Self { number, text: String::new(), id }
    }

    /// A position in a list sorted by a text.
    #[must_use]
    pub fn by_text(text: &str, id: Uuid) -> Self {
        Self { number: 0, text: text.to_owned(), id }
    }
}

/// The key that authenticates cursors.
#[derive(Clone)]
pub struct CursorKey(hmac::Key);

impl CursorKey {
    /// Derives the key from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"preceptor cursor v1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    fn tag(&self, context: &str, payload: &[u8]) -> [u8; TAG] {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(&(context.len() as u64).to_be_bytes());
        signing.update(context.as_bytes());
        signing.update(payload);
        let mut tag = [0; TAG];
        tag.copy_from_slice(&signing.sign().as_ref()[..TAG]);
        tag
    }

    fn seal(&self, context: &str, position: &Position) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(serde_json::to_vec(position).unwrap_or_default());
        bytes.extend(self.tag(context, &bytes));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, context: &str, cursor: &str) -> Result<Position, Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::Cursor)?;
        let (payload, tag) = bytes.split_last_chunk::<TAG>().ok_or(Error::Cursor)?;
        constant_time::verify_slices_are_equal(&self.tag(context, payload), tag).map_err(|_| Error::Cursor)?;
        match payload.split_first() {
            Some((&VERSION, json)) => serde_json::from_slice(json).map_err(|_| Error::Cursor),
            _ => Err(Error::Cursor),
        }
    }
}

/// `limit` and `cursor` of a list request, with what a cursor of this list is bound to.
#[derive(Debug)]
pub struct Paging {
    limit: i64,
    cursor: Option<String>,
    context: String,
    path: String,
    first: String,
    next: String,
}

/// Stands in the query template where the next cursor goes; not a character that a cursor or an encoded value has.
const HOLE: &str = "~~";

impl Paging {
    /// Takes `limit` and `cursor`.
    pub fn from_params(params: &mut Params) -> Self {
        let limit = params.integer("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
        let cursor = params.bounded("cursor", 1..=1000);
        Self {
            limit,
            cursor,
            context: params.context(),
            path: params.path().to_owned(),
            first: params.with_cursor(None),
            next: params.with_cursor(Some(HOLE)),
        }
    }

    /// Binds the list to a principal, where its content depends on who asks.
    #[must_use]
    pub fn bound_to(mut self, principal: impl std::fmt::Display) -> Self {
        let _ = write!(self.context, "\nfor={principal}");
        self
    }

    /// Rows to fetch: one more than shown, to know whether there is a next page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Where to go on, if a cursor was sent.
    pub fn position(&self, key: &CursorKey) -> Result<Option<Position>, Error> {
        self.cursor.as_deref().map(|cursor| key.open(&self.context, cursor)).transpose()
    }

    /// Cuts `rows` to the page and makes the cursor of the next one.
    pub fn page<R>(&self, mut rows: Vec<R>, key: &CursorKey, position: impl Fn(&R) -> Position) -> Slice<R> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| key.seal(&self.context, &position(row)));
        let link = |query: &str, rel| {
            let mark = if query.is_empty() { "" } else { "?" };
            format!("<{}{mark}{query}>; rel=\"{rel}\"", self.path)
        };
        let mut links = link(&self.first, "first");
        if let Some(cursor) = &next_cursor {
            links.push_str(", ");
            links.push_str(&link(&self.next.replace(HOLE, cursor), "next"));
        }
        Slice { rows, next_cursor, links }
    }
}

/// One page's rows before they become bodies.
#[derive(Debug)]
pub struct Slice<R> {
    /// The rows to show.
    pub rows: Vec<R>,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
    /// The value of the Link header (RFC 8288).
    pub links: String,
}

/// Declares a page type: `data`, `next_cursor`. Concrete types, because generic ones are copied into the document
/// wherever they are used.
#[macro_export]
macro_rules! page_type {
    ($(#[$doc:meta])* $name:ident of $item:ty) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        pub struct $name {
            /// The items of this page.
            #[schema(max_items = 100)]
            pub data: Vec<$item>,
            /// Send it as `cursor` for the next page; null at the end of the list.
            #[schema(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", example = "AXsibiI6NDIwMDB9c2lnbmVk")]
            pub next_cursor: Option<String>,
        }

        impl $name {
            /// Turns a slice of rows into an answer with its Link header.
            pub fn answer<R>(slice: $crate::http::Slice<R>, item: impl FnMut(R) -> $item) -> $crate::http::Page<Self> {
                let data = slice.rows.into_iter().map(item).collect();
                $crate::http::Page::new(Self { data, next_cursor: slice.next_cursor }, slice.links)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_in_its_own_context_and_unchanged() {
        let key = CursorKey::derive(b"secret");
        let position = Position::by_text("abc", Uuid::nil());
        let cursor = key.seal("/v1/programs\nsort=title", &position);
        assert_eq!(key.open("/v1/programs\nsort=title", &cursor).unwrap(), position);
        assert!(key.open("/v1/programs\nsort=-score", &cursor).is_err());
        assert!(CursorKey::derive(b"other").open("/v1/programs\nsort=title", &cursor).is_err());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
            assert!(key.open("/v1/programs\nsort=title", &changed).is_err(), "byte {index}");
        }
    }
}
