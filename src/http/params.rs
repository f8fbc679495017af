//! Query parameters, read strictly: an unknown or repeated one, or one of the wrong form, is a fault that names it.

use std::{fmt::Write, future::Future, ops::RangeInclusive, pin::Pin, str::FromStr};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::problem::{Error, Fault, FaultCode};

/// The parameters of one request, taken one by one; what is left over is unknown.
#[derive(Debug)]
pub struct Params {
    path: String,
    left: Vec<(String, String)>,
    all: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Params {
    /// Splits the query string of `req`.
    fn of(req: &HttpRequest) -> Self {
        let mut params = Self { path: req.path().to_owned(), left: Vec::new(), all: Vec::new(), faults: Vec::new() };
        for part in req.query_string().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                let detail = "The parameter is not percent-encoded UTF-8.";
                params.faults.push(Fault::parameter("query", FaultCode::BadFormat, detail));
                continue;
            };
            if value.chars().any(char::is_control) || name.chars().any(char::is_control) {
                let detail = "Control characters are not allowed.";
                params.faults.push(Fault::parameter(&printable(&name), FaultCode::BadFormat, detail));
            } else if params.all.iter().any(|(known, _)| *known == name) {
                params.faults.push(Fault::parameter(&name, FaultCode::Duplicate, "The parameter stands twice."));
            } else {
                params.all.push((name, value));
            }
        }
        params.all.sort();
        params.left.clone_from(&params.all);
        params
    }

    /// Takes the text of `name`, trimmed.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let index = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(index).1.trim().to_owned())
    }

    /// Takes the text of `name` if it has from `length.start()` to `length.end()` characters.
    pub fn bounded(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.text(name)?;
        if length.contains(&text.chars().count()) {
            return Some(text);
        }
        let detail = format!("From {} to {} characters.", length.start(), length.end());
        self.fault(name, FaultCode::BadFormat, &detail);
        None
    }

    /// Takes `name` as a `T`, `form` says what a `T` looks like.
    pub fn parsed<T: FromStr>(&mut self, name: &str, form: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.fault(name, FaultCode::BadFormat, form);
        }
        value
    }

    /// Takes `name` as a comma-separated list of distinct `T`, at most `most`.
    pub fn list<T: FromStr + PartialEq>(&mut self, name: &str, most: usize, form: &str) -> Vec<T> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let mut values = Vec::new();
        for part in text.split(',') {
            match part.trim().parse() {
                Ok(value) if values.contains(&value) => self.fault(name, FaultCode::Duplicate, "A value stands twice."),
                Ok(value) => values.push(value),
                Err(_) => {
                    self.fault(name, FaultCode::BadFormat, form);
                    return Vec::new();
                }
            }
        }
        if values.len() > most {
            self.fault(name, FaultCode::TooMany, &format!("At most {most} values, separated by commas."));
        }
        values
    }

    /// Takes `name` as an integer within `range`.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let text = self.text(name)?;
        // `i64::from_str` takes "+1"; JSON and the document's schema do not.
        let value = text.parse::<i64>().ok().filter(|value| range.contains(value) && !text.starts_with('+'));
        if value.is_none() {
            let detail = format!("A whole number from {} to {}.", range.start(), range.end());
            self.fault(name, FaultCode::BadFormat, &detail);
        }
        value
    }

    /// Takes `name` as `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, "true or false.")
    }

    /// Notes a fault found by the caller.
    pub fn fault(&mut self, name: &str, code: FaultCode, detail: &str) {
        self.faults.push(Fault::parameter(name, code, detail));
    }

    /// The request's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Path and parameters but for `cursor` and `limit`, in one order: what a cursor is bound to.
    #[must_use]
    pub fn context(&self) -> String {
        let mut context = self.path.clone();
        for (name, value) in self.all.iter().filter(|(name, _)| name != "cursor" && name != "limit") {
            context.push('\n');
            context.push_str(name);
            context.push('=');
            context.push_str(value);
        }
        context
    }

    /// The query string with `cursor` replaced.
    #[must_use]
    pub fn with_cursor(&self, cursor: Option<&str>) -> String {
        let kept = self.all.iter().filter(|(name, _)| name != "cursor");
        let cursor = cursor.map(|cursor| ("cursor", cursor));
        let pairs = kept.map(|(name, value)| (name.as_str(), value.as_str())).chain(cursor);
        let query = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        query.collect::<Vec<_>>().join("&")
    }

    fn finish(mut self) -> Result<(), Error> {
        for (name, _) in std::mem::take(&mut self.left) {
            self.fault(&name, FaultCode::UnknownMember, "There is no such parameter.");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Error::Parameters(self.faults)) }
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Decodes one name or value of `application/x-www-form-urlencoded`; `None` when it is not percent-encoded UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(*rest.next()?).to_digit(16)?;
                let low = char::from(*rest.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => out.push(*other),
        }
    }
    String::from_utf8(out).ok()
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A type that is read from query parameters.
pub trait FromParams: Sized {
    /// Takes what it knows from `params`, noting faults there. The result is used only when there were none.
    fn from_params(params: &mut Params) -> Self;
}

/// Extracts a `T` from the query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromParams> FromRequest for Query<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut params = Params::of(req);
        let value = T::from_params(&mut params);
        std::future::ready(params.finish().map(|()| Self(value)))
    }
}

/// For operations without query parameters: whatever is sent is unknown.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl FromRequest for NoQuery {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        if req.query_string().is_empty() {
            return std::future::ready(Ok(Self));
        }
        std::future::ready(Params::of(req).finish().map(|()| Self))
    }
}

/// The boxed future of extractors that wait.
pub(crate) type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;
