//! Who is asking. Tokens are verified here, and the principal behind each is read from the database on every request,
//! so that a change of rights counts from the next request on.
//!
//! Handlers name the role they need as an argument ([`Admin`], [`Moderator`], [`Participant`], [`OwnProvider`]); a
//! handler that lacks the argument cannot know the caller, so none can forget the check.

mod keys;
pub mod outside;
pub mod principals;
pub mod routes;
mod scope;
mod seal;
pub mod secrets;
mod tokens;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web::Data};
pub use keys::{Change, Entry, Jwk, KeyError, Keys, Unchanged, private_dir};
pub use scope::Scope;
pub use seal::PurposeKey;
pub use tokens::{AUDIENCE, Subject, Tokens, Verified, bearer};
use uuid::Uuid;

use crate::{
    app::State,
    audit::AuditKey,
    http::{Error, Extracting},
    ids::{PrincipalId, ProviderId, UniversityId},
    text_enum::text_enum,
    time::Timestamp,
};

text_enum! {
    /// What a token may be used for. One token, one role: an admin who moderates uses two.
    pub enum Role {
        /// Registers providers and universities.
        Admin = "admin",
        /// Triages, decides, publishes.
        Moderator = "moderator",
        /// Assesses programs against the rubric.
        Assessor = "assessor",
        /// Writes reviews and reports.
        Participant = "participant",
        /// Keeps the programs of one provider.
        Provider = "provider",
        /// Acts for one university.
        University = "university",
        /// Reads what anyone may read: a site or an app built on the service.
        Frontend = "frontend",
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The principal.
    pub id: PrincipalId,
    /// The role of the token in use.
    pub role: Role,
    /// For whom a provider's token acts.
    pub provider: Option<ProviderId>,
    /// For whom a university's token acts.
    pub university: Option<UniversityId>,
}

async fn authenticate(req: &HttpRequest) -> Result<Option<Caller>, Error> {
    let state = req.app_data::<Data<State>>().ok_or_else(|| Error::internal("the app has no state"))?;
    let Some(token) = bearer(req.headers())? else { return Ok(None) };
    let verified = verified(state, token, Timestamp::now()).await?;
    let principal = state.db.read_latest(move |conn| Ok(principals::behind(conn, &verified)?)).await?;
    let caller = principal
        .map(|principal| principal.caller())
        .ok_or(Error::Unauthorized("The access token has been revoked."))?;
    req.extensions_mut().insert(caller);
    req.extensions_mut().insert(verified);
    if !verified.scope.may_write() && !req.method().is_safe() {
        let (role, whole) = (verified.scope.role(), Scope::whole(verified.scope.role()));
        // A frontend's role has no scope that writes.
        return Err(match role {
            Role::Frontend => Error::Forbidden("This token may only read."),
            _ => Error::InsufficientScope("This token may only read.", whole.as_str()),
        });
    }
    Ok(Some(caller))
}

/// What a token says, ours or an outside identity provider's.
async fn verified(state: &State, token: &str, now: Timestamp) -> Result<Verified, Error> {
    if let Some(known) = state.auth.remembered(token, now) {
        return known;
    }
    if !state.auth.outside().claims(token) {
        return state.auth.verify(token, now);
    }
    let proven = state.auth.outside().prove(token, now).await?;
    let mut jti = [0; 16];
    jti.copy_from_slice(&tokens::fingerprint(token)[..16]);
    let verified = Verified {
        principal: participant(state, proven.identity, now).await?,
        scope: Scope::Participant,
        // Issuers name their tokens as they like; this name is the token's own, whatever they do.
        jti: Uuid::from_bytes(jti),
        session: None,
        issued_at: proven.issued_at,
        expires_at: proven.expires_at,
    };
    state.auth.remember(token, verified, tokens::Signer::Outside(proven.key));
    Ok(verified)
}

/// The participant with an outside identity, made at first sight.
async fn participant(state: &State, identity: [u8; 32], now: Timestamp) -> Result<PrincipalId, Error> {
    if let Some(known) = state.db.read_latest(move |conn| Ok(outside::store::find(conn, &identity)?)).await? {
        return Ok(known);
    }
    let fresh = PrincipalId::from_uuid(Uuid::now_v7());
    let key = AuditKey::derive(state.auth.keys().secret());
    state.db.write(move |conn| outside::store::find_or_make(conn, &key, &identity, fresh, now)).await
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            authenticate(&req).await?.ok_or(Error::Unauthorized("This operation needs an access token."))
        })
    }
}

/// A caller, with what their token says.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// The caller.
    pub caller: Caller,
    /// The token.
    pub token: Verified,
}

impl FromRequest for Holder {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (caller, req) = (Caller::from_request(req, payload), req.clone());
        Box::pin(async move {
            let caller = caller.await?;
            let token = req.extensions().get().copied().ok_or_else(|| Error::internal("the token was not noted"))?;
            Ok(Self { caller, token })
        })
    }
}

/// A caller if a token was sent; a token that does not hold is refused all the same.
#[derive(Debug, Clone, Copy)]
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequest for MaybeCaller {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { authenticate(&req).await.map(Self) })
    }
}

macro_rules! role_extractor {
    ($(#[$doc:meta])* $name:ident, $refusal:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub Caller);

        impl FromRequest for $name {
            type Error = Error;
            type Future = Extracting<Self>;

            fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let caller = Caller::from_request(req, payload);
                Box::pin(async move {
                    match caller.await? {
                        caller if caller.role == Role::$name => Ok(Self(caller)),
                        _ => Err(Error::InsufficientScope($refusal, Scope::whole(Role::$name).as_str())),
                    }
                })
            }
        }
    };
}

role_extractor!(
    /// An admin.
    Admin,
    "This operation needs an admin's token."
);
role_extractor!(
    /// A moderator.
    Moderator,
    "This operation needs a moderator's token."
);
role_extractor!(
    /// A participant.
    Participant,
    "This operation needs a participant's token."
);

/// A provider's token, and the provider it acts for.
#[derive(Debug, Clone, Copy)]
pub struct OwnProvider {
    /// The principal.
    pub caller: Caller,
    /// The provider.
    pub provider: ProviderId,
}

impl FromRequest for OwnProvider {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(req, payload);
        Box::pin(async move {
            match caller.await? {
                caller @ Caller { role: Role::Provider, provider: Some(provider), .. } => Ok(Self { caller, provider }),
                _ => {
                    Err(Error::InsufficientScope("This operation needs a provider's token.", Scope::Provider.as_str()))
                }
            }
        })
    }
}
