//! The handler of participation codes.

use actix_web::{post, web::Data};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::Redemption,
    model::{RedemptionInput, RedemptionKey},
    store::{self, Attempt, Redeemed, Redeemer},
};
use crate::{
    app::State,
    auth::{MaybeCaller, Role},
    http::{Error, Json, NoQuery, Unstored},
    ids::{PrincipalId, SessionId},
    sessions::body::TokenAnswer,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(redeem_participation_code);
}

/// Redeem a participation code
///
/// Proves that one took part in a program, once. Without a token it makes a participant; with a participant's token
/// the proof is added to that participant, and reviews of the period then count as verified. Either way it opens a
/// session. What is stored does not lead from the code to the participant. An answer that was lost is given again,
/// with another access token of the same session, when the code is sent again within ten minutes, as it was sent, and
/// the refresh token has not been used. A code that was used, taken back or has
/// expired is gone; a participant's second code for the same program and period is a conflict and stays open.
#[utoipa::path(
    tag = "sign-in",
    operation_id = "redeem_participation_code",
    request_body(content = RedemptionInput, description = "The code.",
        example = json!({"code": "pct_pc_000000000000000000000000000000002a93qr"})),
    responses((status = 200, description = "The tokens of a new session, and what the code proved.", body = Redemption)),
    security((), ("participant" = []))
)]
#[post("/v1/participation-codes/redemption")]
pub async fn redeem_participation_code(
    state: Data<State>,
    MaybeCaller(caller): MaybeCaller,
    _: NoQuery,
    body: Json<RedemptionInput>,
) -> Result<Unstored<Redemption>, Error> {
    let redeemer = match caller {
        None => Redeemer::New(PrincipalId::from_uuid(Uuid::now_v7())),
        Some(caller) if caller.role == Role::Participant => Redeemer::Known(caller.id),
        Some(_) => return Err(Error::Forbidden("A code is redeemed without a token or with a participant's.")),
    };
    let RedemptionInput { code } = body.valid()?;
    let session = SessionId::from_uuid(Uuid::now_v7());
    let refresh_token = RedemptionKey::derive(state.auth.keys().secret()).refresh_token(&code);
    let attempt = Attempt { code, redeemer, session, refresh_token };
    let audit = state.audit_key();
    let now = state.now();
    match state.db.write(move |conn| store::redeem(conn, &attempt, &audit, now)).await? {
        Redeemed::Granted(grant, cohort) => Ok(Unstored(Redemption {
            tokens: TokenAnswer::of_session(&state.auth, grant, now, Uuid::new_v4())?,
            program_id: cohort.program,
            period: cohort.period_end.half_year(),
        })),
        Redeemed::Gone => Err(Error::Gone("The code has been redeemed or revoked, or it has expired.")),
        Redeemed::Unknown => Err(Error::NotFound("participation code")),
    }
}
