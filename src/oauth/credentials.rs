//! How a client proves itself: `client_secret_basic` or `client_secret_post` (RFC 6749 section 2.3.1).

use actix_web::http::header::{self, HeaderMap};
use aws_lc_rs::constant_time;
use base64::{Engine, prelude::BASE64_STANDARD};
use uuid::Uuid;

use super::{Refusal, RefusalCode, model::WithClient};
use crate::{
    app::State,
    audit::{self, AuditKind, Event},
    auth::secrets,
    clients::{
        model::ACTIVE_SECRETS,
        store::{self, ActiveSecret, Client},
    },
    http::params,
    ids::{ClientId, SecretId},
    time::Timestamp,
};

/// An id and a secret, as they were sent.
pub struct Credentials {
    client: String,
    secret: String,
}

impl Credentials {
    /// What the headers or the form hold; `None` when there is no secret in either.
    pub fn read(headers: &HeaderMap, form: &impl WithClient) -> Result<Option<Self>, Refusal> {
        let basic = from_header(headers)?;
        let invalid = |text: &'static str| Err(Refusal::new(RefusalCode::InvalidRequest, text));
        match (basic, form.client()) {
            (Some(_), (_, Some(_))) => invalid("The client is proven in two ways; use one."),
            (Some(basic), (Some(id), None)) if basic.client != id => {
                invalid("`client_id` is another one than that of the header.")
            }
            (Some(basic), _) => Ok(Some(basic)),
            (None, (Some(id), Some(secret))) => Ok(Some(Self { client: id.to_owned(), secret: secret.to_owned() })),
            (None, (None, Some(_))) => invalid("`client_id` is missing."),
            (None, (_, None)) => Ok(None),
        }
    }

    /// The client, if it has its rights and the secret is one of its own that holds.
    ///
    /// An unknown client takes the same work as a wrong secret, so that neither answer nor time tells which it was.
    /// Failures are written into the security log; of uses of a secret, one an hour.
    pub async fn prove(self, state: &State, now: Timestamp) -> Result<Client, Refusal> {
        let sent: Option<ClientId> = self.client.parse().ok();
        let id = sent.unwrap_or(ClientId::from_uuid(Uuid::nil()));
        let hash = secrets::hash(&self.secret);
        let (client, secrets) = state.db.read_latest(move |conn| store::credentials(conn, id, now)).await?;
        let matching = matching(&secrets, &hash);
        let key = state.audit_key();
        let Some((client, secret)) = client.as_ref().zip(matching) else {
            let name = client.map_or_else(|| "unknown".to_owned(), |client| client.row.id.to_string());
            let event = Event { kind: AuditKind::SignInFailed, actor: None, subject: format!("client:{name}") };
            state.db.write(move |conn| audit::append(conn, &key, &event, now)).await?;
            return Err(Refusal::client());
        };
        if secret.is_use_noted(now) {
            let event = Event {
                kind: AuditKind::SignedIn,
                actor: Some(client.row.principal_id),
                subject: format!("client:{id} secret:{}", secret.id),
            };
            let secret: SecretId = secret.id;
            let note = move |conn: &mut crate::db::Conn| {
                store::note_use(conn, secret, now)?;
                audit::append(conn, &key, &event, now)
            };
            state.db.write(note).await?;
        }
        Ok(client.clone())
    }
}

/// The secret with this hash. As many comparisons are made as a client can have secrets, whatever there is.
fn matching<'a>(secrets: &'a [ActiveSecret], hash: &[u8; 32]) -> Option<&'a ActiveSecret> {
    let mut found = None;
    for index in 0..usize::try_from(ACTIVE_SECRETS).unwrap_or_default() {
        let secret = secrets.get(index);
        let stored = secret.map_or([0; 32].as_slice(), |secret| &secret.hash);
        if constant_time::verify_slices_are_equal(stored, hash).is_ok() {
            found = secret;
        }
    }
    found
}

/// Both parts of a Basic header are form-encoded before they are joined (RFC 6749 section 2.3.1).
fn from_header(headers: &HeaderMap) -> Result<Option<Credentials>, Refusal> {
    let mut sent = headers.get_all(header::AUTHORIZATION);
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(Refusal::new(RefusalCode::InvalidRequest, "The Authorization header stands twice."));
    }
    value
        .to_str()
        .ok()
        .and_then(basic)
        .map(Some)
        .ok_or_else(|| Refusal::new(RefusalCode::InvalidClient, "The Authorization header is not one of HTTP Basic."))
}

fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client, secret) = joined.split_once(':')?;
    Some(Credentials { client: params::decode(client)?, secret: params::decode(secret)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String)> {
        basic(text).map(|found| (found.client, found.secret))
    }

    #[test]
    fn basic_credentials_are_decoded_twice() {
        let header = |joined: &str| format!("bAsIc {}", BASE64_STANDARD.encode(joined));
        assert_eq!(read(&header("a%3Ab:c%20d+e")), Some(("a:b".to_owned(), "c d e".to_owned())));
        assert_eq!(read(&header("id:pct_cs_1")), Some(("id".to_owned(), "pct_cs_1".to_owned())));
        for wrong in ["Basic", "Basic ?", "Bearer YTpi", &header("no colon"), &header("a:%")] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_the_hash_of_a_secret_that_is_there_matches() {
        let secret = |n: u8| ActiveSecret { id: SecretId::new_v4([n; 16]), hash: vec![n; 32], last_used_at: None };
        let both = [secret(1), secret(2)];
        assert_eq!(matching(&both, &[2; 32]), Some(&both[1]));
        assert_eq!(matching(&both, &[3; 32]), None);
        assert_eq!(matching(&[], &[0; 32]), None);
    }
}
