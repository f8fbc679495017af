//! Handlers of one's own data.

use actix_web::{
    HttpRequest, delete, get,
    web::{Data, Path},
};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    body::{Account, Export, Participation, Session, SessionPage},
    model::ReviewsAfter,
    store,
};
use crate::{
    app::State,
    audit::{self, AuditKind, Event},
    auth::{Holder, Participant, PurposeKey, token_of},
    confirmations::{body::OwnConfirmations, model::ConfirmationKey},
    db::Conn,
    http::{Error, FaultCode, Found, FromParams, NoContent, NoQuery, Page, Paging, Params, Position, Query},
    ids::{DecisionId, SessionId},
    notices::model::NoticeKeys,
    red_flags::measure_store,
    reviews::pseudonym::PseudonymKey,
    sign_in::model::AddressKeys,
    time::Timestamp,
};

/// Most participations that the account shows; the export has all.
const PARTICIPATIONS: i64 = 100;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(read)
        .service(erase)
        .service(list_sessions)
        .service(end_sessions)
        .service(end_session)
        .service(export);
}

/// Read one's own account
///
/// Who the token is for and what it may be used for. An e-mail address is never shown here; the export has it.
#[utoipa::path(
    tag = "account",
    operation_id = "get_account",
    responses((status = 200, description = "The account.", body = Account)),
    security(("bearer" = []))
)]
#[get("/v1/me")]
pub async fn read(state: Data<State>, holder: Holder, _: NoQuery) -> Result<Found<Account>, Error> {
    let Holder { caller, token } = holder;
    let now = state.now();
    let read = move |conn: &mut Conn| {
        let suspension = measure_store::suspension(conn, caller.id, now)?;
        Ok((store::overview(conn, caller.id, PARTICIPATIONS)?, suspension))
    };
    let ((created_at, university_email, cohorts), reporting_suspension) = state.db.read_latest(read).await?;
    Ok(Found::computed(Account {
        id: caller.id,
        role: caller.role,
        scope: token.scope,
        provider: caller.provider,
        university: caller.university,
        university_email,
        participations: cohorts.into_iter().map(Participation::from).collect(),
        reporting_suspension,
        created_month: created_at.day().month(),
    }))
}

/// The query of the list of sessions.
#[derive(Debug)]
pub struct SessionsQuery(Paging);

impl FromParams for SessionsQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List own sessions
///
/// For participants: the sign-ins that still hold, newest first. Only participants sign in; others have clients or
/// tokens from the command line.
#[utoipa::path(
    tag = "account",
    operation_id = "list_own_sessions",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of sessions.", body = SessionPage)),
    security(("participant" = []))
)]
#[get("/v1/me/sessions")]
pub async fn list_sessions(
    state: Data<State>,
    caller: Participant,
    req: HttpRequest,
    Query(SessionsQuery(paging)): Query<SessionsQuery>,
) -> Result<Page<SessionPage>, Error> {
    let (id, own) = (caller.0.id, token_of(&req)?.session);
    let paging = paging.bound_to(id);
    let after = match paging.position(&state.cursors)? {
        Some(last) => {
            let opened = Timestamp::from_micros(last.number).ok_or(Error::Cursor)?;
            Some((opened, SessionId::from_uuid(last.id)))
        }
        None => None,
    };
    let (limit, now) = (paging.fetch(), state.now());
    let rows = state.db.read_latest(move |conn| Ok(store::open_sessions(conn, id, after, limit, now)?)).await?;
    let position =
        |row: &crate::sessions::store::SessionRow| Position::by_number(row.created_at.as_micros(), *row.id.as_uuid());
    let slice = paging.page(rows, &state.cursors, position);
    Ok(SessionPage::answer(slice, |row| Session::new(&row, own)))
}

/// End all own sessions
///
/// For participants: every sign-in ends, that of this request included, and with it its access and refresh tokens.
/// Sessions are not versioned, so `If-Match` is not needed; doing it again changes nothing.
#[utoipa::path(
    tag = "account",
    operation_id = "end_own_sessions",
    responses((status = 204, description = "None is left.")),
    security(("participant" = []))
)]
#[delete("/v1/me/sessions")]
pub async fn end_sessions(state: Data<State>, caller: Participant, _: NoQuery) -> Result<NoContent, Error> {
    let (id, key, now) = (caller.0.id, state.audit_key(), state.now());
    state.db.write(move |conn| store::end_sessions(conn, id, &key, now)).await?;
    Ok(NoContent)
}

/// End one of one's own sessions
///
/// For participants. Its access and refresh tokens are refused from the next request on. Sessions are not versioned, so
/// `If-Match` is not needed. One that has ended is not there any more.
#[utoipa::path(
    tag = "account",
    operation_id = "end_own_session",
    params(("session" = SessionId, Path, description = "Id of the session.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 204, description = "It has ended.")),
    security(("participant" = []))
)]
#[delete("/v1/me/sessions/{session}")]
pub async fn end_session(
    state: Data<State>,
    caller: Participant,
    session: Path<SessionId>,
    _: NoQuery,
) -> Result<NoContent, Error> {
    let (id, key, now) = (caller.0.id, state.audit_key(), state.now());
    let session = session.into_inner();
    state.db.write(move |conn| store::end_session(conn, id, session, &key, now)).await?;
    Ok(NoContent)
}

/// Take out one's own data
///
/// For participants: everything that is stored about them as one document: the addresses, participations, sessions, reviews
/// with their former contents, reports, requests for confirmation, flags, appeals, and what the security log says that they
/// did. That it was taken out is entered into that log.
#[utoipa::path(
    tag = "account",
    operation_id = "export_own_data",
    responses((status = 200, description = "The data.", body = Export)),
    security(("participant" = []))
)]
#[get("/v1/me/export")]
pub async fn export(state: Data<State>, caller: Participant, _: NoQuery) -> Result<Found<Export>, Error> {
    let (id, now) = (caller.0.id, state.now());
    let stored = state.db.read_latest(move |conn| store::stored(conn, id)).await?;
    let secret = state.auth.keys().secret();
    let address = match &stored.address {
        Some((sealed, _)) => {
            let open = AddressKeys::derive(secret).open(sealed);
            Some(open.ok_or_else(|| Error::internal("an address does not open with the key of this service"))?)
        }
        None => None,
    };
    let confirmations = OwnConfirmations::open(&stored.confirmations, &ConfirmationKey::derive(secret))?;
    let notices = match &stored.notice_address {
        Some(sealed) => {
            let open = NoticeKeys::derive(secret).open(sealed);
            Some(open.ok_or_else(|| Error::internal("an address does not open with the key of this service"))?)
        }
        None => None,
    };
    let body = Export::new(stored, ([address, notices], confirmations), &PseudonymKey::derive(secret), now)?;
    let key = state.audit_key();
    let event = Event { kind: AuditKind::DataExported, actor: Some(id), subject: format!("principal:{id}") };
    state.db.write(move |conn| audit::append(conn, &key, &event, now)).await?;
    Ok(Found::computed(body))
}

/// The query of the erasure.
#[derive(Debug)]
pub struct ErasureQuery(Option<ReviewsAfter>);

impl FromParams for ErasureQuery {
    fn from_params(params: &mut Params) -> Self {
        let sent = params.text("reviews");
        if sent.is_none() {
            params.fault("reviews", FaultCode::Required, "keep or withdraw: what becomes of the reviews.");
        }
        let reviews = sent.as_deref().and_then(|text| text.parse().ok());
        if sent.is_some() && reviews.is_none() {
            params.fault("reviews", FaultCode::NotAllowed, "keep or withdraw.");
        }
        Self(reviews)
    }
}

/// Erase one's own identity
///
/// For participants, and final. The address, the one for notices, outside identities, participations, refresh tokens and
/// answers kept for requests that are sent again are deleted, every session ends, and no token of this service for them
/// holds any more, nor the token that this request is made with. Any other token of an outside identity provider makes a
/// new participant. With `reviews=keep` the reviews stay under their pseudonym, and those that an address at a university
/// verified or that a university confirmed count as unverified from then on, because that is forgotten; with
/// `reviews=withdraw` they are withdrawn, and their texts and former contents erased: an empty row stays. Texts of reviews
/// that were withdrawn before are erased in either case. The words of appeals and the notes of flags are erased. Red-flag
/// reports stay with their text, which is evidence, under a pseudonym that leads to nobody. An account has no versions, so
/// `If-Match` is not needed.
#[utoipa::path(
    tag = "account",
    operation_id = "erase_account",
    params(("reviews" = inline(ReviewsAfter), Query, description = "What becomes of the reviews.", example = "keep")),
    responses((status = 204, description = "Nobody knows any more who it was.")),
    security(("participant" = []))
)]
#[delete("/v1/me")]
pub async fn erase(
    state: Data<State>,
    caller: Participant,
    req: HttpRequest,
    Query(ErasureQuery(reviews)): Query<ErasureQuery>,
) -> Result<NoContent, Error> {
    let reviews = reviews.ok_or_else(|| Error::internal("a query without a choice passed its check"))?;
    let (key, now) = (state.audit_key(), state.now());
    // How many decisions there will be is known in the transaction only, so their ids are made from one random seed.
    let mut seed = [0; 32];
    rand::fill(&mut seed).map_err(|_| Error::internal("the system gives no randomness"))?;
    let ids = PurposeKey::derive(&seed, "erasure decisions v1");
    let decision = move |review: crate::ids::ReviewId| {
        let mut random = [0; 10];
        random.copy_from_slice(&ids.hash(&[review.as_uuid().as_bytes()])[..10]);
        DecisionId::new_v7(now, random)
    };
    let holder = Holder { caller: caller.0, token: token_of(&req)? };
    state.db.write(move |conn| store::erase(conn, &holder, reviews, &decision, &key, now)).await?;
    Ok(NoContent)
}
