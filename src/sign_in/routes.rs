//! Handlers of signing in by e-mail.

use actix_web::{post, web::Data};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::SignInStarted,
    model::{self, Address, AddressKeys, CODE_BYTES, SignInCodeInput, SignInInput},
    store::{self, Attempt},
};
use crate::{
    app::State,
    auth::secrets::{RANDOM_BYTES, SecretKind},
    http::{Accepted, Error, Json, NoQuery, Unstored},
    ids::{PrincipalId, SessionId},
    mail::Letter,
    sessions::body::TokenAnswer,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(start_sign_in).service(verify_sign_in);
}

/// The same for a wrong, an expired, a used and an unknown code.
const REFUSED: Error = Error::Unauthorized("The code does not hold for this address. Ask for a new one.");

/// A new refresh token.
fn refresh_token() -> Result<String, Error> {
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random).map_err(Error::internal)?;
    Ok(SecretKind::Refresh.format(&random))
}

fn address(text: &str) -> Result<Address, Error> {
    text.parse().map_err(Error::internal)
}

/// Ask for a sign-in code
///
/// Sends a code of eight characters to an address. The answer is the same whether or not the address is known. A new
/// code takes the place of the one before; an address gets at most three in 15 minutes, and further requests are
/// answered alike and send nothing.
#[utoipa::path(
    tag = "sign-in",
    operation_id = "start_sign_in",
    request_body(content = SignInInput, description = "Whom to send a code.",
        example = json!({"email": "student@example.edu"})),
    responses((status = 202, description = "A code is on its way, if the address takes mail.", body = SignInStarted)),
    security(())
)]
#[post("/v1/sign-in")]
pub async fn start_sign_in(
    state: Data<State>,
    _: NoQuery,
    body: Json<SignInInput>,
) -> Result<Accepted<SignInStarted>, Error> {
    let address = address(&body.valid()?.email)?;
    let keys = AddressKeys::derive(state.auth.keys().secret());
    let mut random = [0; CODE_BYTES];
    rand::fill(&mut random).map_err(Error::internal)?;
    let code = model::code(random);
    let (address_hash, code_hash) = (keys.hash(&address), keys.code_hash(&address, &code));
    let now = state.now();
    if state.db.write(move |conn| Ok(store::put_code(conn, &address_hash, &code_hash, now)?)).await? {
        let letter = Letter {
            id: Uuid::new_v4(),
            at: now,
            to: address.to_string(),
            subject: model::SUBJECT,
            text: model::letter(&code),
        };
        state.mailer.post(letter);
    }
    Ok(Accepted(SignInStarted::ANSWER))
}

/// Sign in with a code
///
/// Exchanges the code that was sent for the tokens of a new session. The first sign-in of an address makes a
/// participant. A code holds for ten minutes, once, and for five tries; a wrong, an expired, a used and an unknown one
/// are refused alike.
#[utoipa::path(
    tag = "sign-in",
    operation_id = "verify_sign_in",
    request_body(content = SignInCodeInput, description = "The address and the code that was sent to it.",
        example = json!({"email": "student@example.edu", "code": "0000-0000"})),
    responses((status = 200, description = "The tokens of a new session.", body = TokenAnswer)),
    security(())
)]
#[post("/v1/sign-in/verify")]
pub async fn verify_sign_in(
    state: Data<State>,
    _: NoQuery,
    body: Json<SignInCodeInput>,
) -> Result<Unstored<TokenAnswer>, Error> {
    let SignInCodeInput { email, code } = body.valid()?;
    let address = address(&email)?;
    let keys = AddressKeys::derive(state.auth.keys().secret());
    let audit = state.audit_key();
    let now = state.now();
    let attempt = Attempt {
        address_hash: keys.hash(&address),
        code_hash: keys.code_hash(&address, &code),
        sealed: keys.seal(&address).ok_or_else(|| Error::internal("nothing could be sealed"))?,
        domain: address.domain().clone(),
        principal: PrincipalId::from_uuid(Uuid::now_v7()),
        session: SessionId::from_uuid(Uuid::now_v7()),
        refresh_token: refresh_token()?,
    };
    let grant = state.db.write(move |conn| store::verify(conn, &attempt, &audit, now)).await?.ok_or(REFUSED)?;
    Ok(Unstored(TokenAnswer::of_session(&state.auth, grant, now, Uuid::new_v4())?))
}
