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
use outside::Proven;
pub use scope::Scope;
pub use seal::PurposeKey;
pub use tokens::{AUDIENCE, Subject, Tokens, Verified, bearer};
use uuid::Uuid;

use crate::{
    app::State,
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

/// What is said to the holder of a token that has been revoked.
pub const REVOKED: Error = Error::Unauthorized("The access token has been revoked.");

async fn authenticate(req: &HttpRequest) -> Result<Option<Caller>, Error> {
    let state = req.app_data::<Data<State>>().ok_or_else(|| Error::internal("the app has no state"))?;
    let Some(token) = bearer(req.headers())? else { return Ok(None) };
    let verified = verified(state, token, state.now()).await?;
    let principal = state.db.read_latest(move |conn| Ok(principals::behind(conn, &verified)?)).await?;
    let caller = principal.map(|principal| principal.caller()).ok_or(REVOKED)?;
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
    let verified = Verified {
        principal: participant(state, &proven, now).await?,
        scope: Scope::Participant,
        jti: proven.jti,
        session: None,
        issued_at: proven.issued_at,
        expires_at: proven.expires_at,
    };
    state.auth.remember(token, verified, tokens::Signer::Outside(proven.key));
    Ok(verified)
}

/// The participant whom an outside token names, made at first sight unless the token was revoked.
async fn participant(state: &State, proven: &Proven, now: Timestamp) -> Result<PrincipalId, Error> {
    let (identity, jti) = (proven.identity, proven.jti);
    if let Some(known) = state.db.read_latest(move |conn| outside::store::known(conn, &identity, jti)).await? {
        return Ok(known);
    }
    let fresh = PrincipalId::from_uuid(Uuid::now_v7());
    let key = state.audit_key();
    state.db.write(move |conn| outside::store::find_or_make(conn, &key, (&identity, jti), fresh, now)).await
}

/// What it takes to revoke a token.
#[derive(Debug, Clone, Copy)]
pub struct Revocable {
    /// The token's id.
    pub jti: Uuid,
    /// When it expires, Unix seconds.
    pub expires_at: i64,
    /// Whom it names, if that is known here.
    pub principal: Option<PrincipalId>,
}

/// A sound token, ours or an outside identity provider's, as far as a revocation needs it: nobody is made from it.
/// `None` for one that does not hold.
pub async fn revocable(state: &State, token: &str, now: Timestamp) -> Result<Option<Revocable>, Error> {
    let found = if state.auth.outside().claims(token) {
        state.auth.outside().prove(token, now).await.map(|proven| (proven.jti, proven.expires_at, Err(proven.identity)))
    } else {
        state.auth.verify(token, now).map(|verified| (verified.jti, verified.expires_at, Ok(verified.principal)))
    };
    let (jti, expires_at, whom) = match found {
        Ok(found) => found,
        Err(Error::Unauthorized(_)) => return Ok(None),
        Err(other) => return Err(other),
    };
    let principal = match whom {
        Ok(principal) => Some(principal),
        Err(identity) => state.db.read_latest(move |conn| Ok(outside::store::find(conn, &identity)?)).await?,
    };
    Ok(Some(Revocable { jti, expires_at, principal }))
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

/// What the token of a request says whose caller has been asked for.
pub fn token_of(req: &HttpRequest) -> Result<Verified, Error> {
    req.extensions().get().copied().ok_or_else(|| Error::internal("the token was not noted"))
}

impl FromRequest for Holder {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (caller, req) = (Caller::from_request(req, payload), req.clone());
        Box::pin(async move {
            let caller = caller.await?;
            Ok(Self { caller, token: token_of(&req)? })
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
    /// An assessor.
    Assessor,
    "This operation needs an assessor's token."
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
