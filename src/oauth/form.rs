//! Bodies of the media type `application/x-www-form-urlencoded`, read strictly.

use std::marker::PhantomData;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Refusal, RefusalCode};
use crate::http::{Error, Extracting, extract, params, schema};

/// The media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// Bytes that a form may have.
const FORM_LIMIT: usize = 64 * 1024;

/// A form. Extraction never fails; its faults wait in [`Form::valid`].
pub struct Form<T> {
    parameters: Result<Map<String, Value>, Refusal>,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + ToSchema> Form<T> {
    /// The form, which fits the documented schema of `T`.
    pub fn valid(self) -> Result<T, Refusal> {
        let value = Value::Object(self.parameters?);
        match schema::check(&T::name(), &value) {
            Ok(()) => {}
            Err(Error::Invalid(faults)) => return Err(described(&faults)),
            Err(other) => return Err(other.into()),
        }
        serde_json::from_value(value).map_err(|_| Refusal::new(RefusalCode::InvalidRequest, "The form cannot be read."))
    }

    /// One parameter, before the whole is judged; `None` too when the form cannot be read.
    #[must_use]
    pub fn peek(&self, name: &str) -> Option<&str> {
        self.parameters.as_ref().ok()?.get(name)?.as_str()
    }
}

/// Names the first fault, and never what was sent.
fn described(faults: &[crate::http::Fault]) -> Refusal {
    let text = faults.first().map_or_else(
        || "The form cannot be read.".to_owned(),
        |fault| {
            let place = fault.pointer.as_deref().unwrap_or_default().trim_start_matches("#/");
            format!("`{place}`: {}", fault.detail)
        },
    );
    Refusal::new(RefusalCode::InvalidRequest, text)
}

impl<T: 'static> FromRequest for Form<T> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let sent_as = extract::media_type(req.headers(), FORM);
        let has_query = !req.query_string().is_empty();
        let payload = payload.take();
        Box::pin(async move {
            let read = async {
                sent_as?;
                let body = extract::read_body(payload, FORM_LIMIT).await?;
                // Secrets do not belong into addresses, which end up in logs.
                if has_query {
                    let text = "Send parameters in the body, not in the address.";
                    return Err(Refusal::new(RefusalCode::InvalidRequest, text));
                }
                parse(&body)
            };
            Ok(Self { parameters: read.await, kind: PhantomData })
        })
    }
}

/// Reads a form: each name once (RFC 6749 section 3.2), empty values as absent.
fn parse(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let refused = |text: &'static str| Refusal::new(RefusalCode::InvalidRequest, text);
    let text = std::str::from_utf8(body).map_err(|_| refused("The form is not UTF-8."))?;
    let mut seen = Vec::new();
    let mut parameters = Map::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (Some(name), Some(value)) = (params::decode(name), params::decode(value)) else {
            return Err(refused("The form is not percent-encoded UTF-8."));
        };
        if seen.contains(&name) {
            return Err(refused("A parameter stands twice."));
        }
        if seen.len() >= 100 {
            return Err(refused("The form has more than 100 parameters."));
        }
        if !value.is_empty() {
            parameters.insert(name.clone(), Value::String(value));
        }
        seen.push(name);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Value> {
        parse(text.as_bytes()).ok().map(Value::Object)
    }

    #[test]
    fn forms_are_read_strictly() {
        let form = parsed("a=1+2&b=%C3%A9&&c=&d").unwrap();
        assert_eq!(form, serde_json::json!({"a": "1 2", "b": "é"}));
        for wrong in ["a=1&a=2", "a=1&a=", "a&a", "a=1&%61=2", "a=%", "a=%C3", "%zz=1"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
        assert!(parse(b"a=\xff").is_err());
    }
}
