//! Handlers of requests for confirmation.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{ConfirmationRequest, ConfirmationRequestPage, OwnConfirmations},
    model::{ConfirmationDecisionInput, ConfirmationInput, ConfirmationKey, RequestStatus},
    store::{self, Decision, RequestRow},
};
use crate::{
    app::State,
    auth::{Caller, Participant, Role},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, Found, FromParams, Json, NoQuery, Once, Page, Paging, Params, Query, Slice,
        schema::semantic_faults,
    },
    ids::{ConfirmationId, UniversityId},
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(request_confirmation)
        .service(get_own_confirmations)
        .service(list_confirmation_requests)
        .service(get_confirmation_request)
        .service(decide_confirmation_request)
        .service(withdraw_confirmation_request);
}

fn key(state: &State) -> ConfirmationKey {
    ConfirmationKey::derive(state.auth.keys().secret())
}

fn university(caller: &Caller) -> Result<UniversityId, Error> {
    match (caller.role, caller.university) {
        (Role::University, Some(id)) => Ok(id),
        _ => Err(Error::InsufficientScope("This operation needs a university's token.", "university")),
    }
}

fn no_randomness() -> Error {
    Error::internal("the system gives no randomness")
}

/// The answer after a change, without the statement.
fn changed(row: &RequestRow) -> Changed<ConfirmationRequest> {
    Changed { body: ConfirmationRequest::closed(row), etag: row.etag() }
}

/// Ask a university for a confirmation
///
/// For participants without a code: the university says whether they took part in the program in these months. What
/// they write for it is sealed, read by that university alone, and erased once it has decided. Confirmed, their reviews
/// of the program in that period count as `university_confirmed`. A review that is public already then turns verified:
/// whoever confirms can see that happen, and so guess whose review it is. Who does not want that asks before writing.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "request_confirmation",
    request_body(content = ConfirmationInput, description = "What is to be confirmed.", example = json!({
        "program": "0195f8a0-1c2d-7abc-8def-0123456789ab",
        "period": {"start_month": "2025-03", "end_month": "2025-05"},
        "university": "0195f8a0-2b3c-7abc-8def-0123456789ab",
        "statement": "Mira Okafor, student number 40172"
    })),
    responses((status = 201, description = "The request; its statement is null in this answer.",
        body = ConfirmationRequest)),
    security(("participant" = []))
)]
#[post("/v1/me/confirmation-requests")]
pub async fn request_confirmation(
    state: Data<State>,
    Participant(caller): Participant,
    _: NoQuery,
    once: Once,
    body: Json<ConfirmationInput>,
) -> Result<Answered<Created<ConfirmationRequest>>, Error> {
    let (input, now) = (body.valid()?, state.now());
    input.period.check("period", now.day()).map_err(|errors| Error::Invalid(semantic_faults(&errors)))?;
    let id = ConfirmationId::from_uuid(Uuid::new_v4());
    let row = RequestRow {
        id,
        principal_id: Some(caller.id),
        university_id: input.university,
        program_id: input.program,
        period_start: input.period.start_month,
        period_end: input.period.end_month,
        status: RequestStatus::Pending,
        version: 1,
        statement: Some(key(&state).seal(id, &input.statement).ok_or_else(no_randomness)?),
        created_at: now,
        decided_month: None,
    };
    let create = move |conn: &mut Conn| {
        store::create(conn, &row, caller.id)?;
        let Changed { body, etag } = changed(&row);
        Ok(Created { location: format!("/v1/confirmation-requests/{id}"), etag, body })
    };
    once.write(&state, &caller, create).await
}

/// Read one's own confirmations
///
/// For participants: their requests that wait, and what universities decided about others.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "get_own_confirmations",
    responses((status = 200, description = "Requests and confirmations.", body = OwnConfirmations)),
    security(("participant" = []))
)]
#[get("/v1/me/confirmation-requests")]
pub async fn get_own_confirmations(
    state: Data<State>,
    Participant(caller): Participant,
    _: NoQuery,
) -> Result<Found<OwnConfirmations>, Error> {
    let rows = state.db.read_latest(move |conn| Ok(store::of_participant(conn, caller.id)?)).await?;
    Ok(Found::computed(OwnConfirmations::open(&rows, &key(&state))?))
}

/// Query parameters of the list.
#[derive(Debug)]
pub struct RequestsQuery {
    paging: Paging,
    status: Option<RequestStatus>,
}

impl FromParams for RequestsQuery {
    fn from_params(params: &mut Params) -> Self {
        let status = params.parsed("status", "A status of requests, such as pending.");
        Self { paging: Paging::from_params(params), status }
    }
}

/// List requests for confirmation
///
/// For universities: those that they are asked, oldest first.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "list_confirmation_requests",
    params(
        ("status" = Option<RequestStatus>, Query, description = "Only requests in this status.", nullable = false,
            example = "pending"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of requests.", body = ConfirmationRequestPage)),
    security(("university" = []))
)]
#[get("/v1/confirmation-requests")]
pub async fn list_confirmation_requests(
    state: Data<State>,
    caller: Caller,
    Query(RequestsQuery { paging, status }): Query<RequestsQuery>,
) -> Result<Page<ConfirmationRequestPage>, Error> {
    let own = university(&caller)?;
    let paging = paging.bound_to(own);
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let read = state.db.read_latest(move |conn| store::of_university(conn, own, status, after.as_ref(), limit));
    let Slice { rows, next_cursor, links } = paging.page(read.await?, &state.cursors, RequestRow::position);
    let key = key(&state);
    let rows = rows.iter().map(|row| ConfirmationRequest::open(row, &key)).collect::<Result<Vec<_>, _>>()?;
    Ok(ConfirmationRequestPage::answer(Slice { rows, next_cursor, links }, |request| request))
}

/// Read a request for confirmation
///
/// For the university that is asked, and, while it waits, for the participant.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "get_confirmation_request",
    params(("request" = ConfirmationId, Path, description = "The request's id.",
        example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90")),
    responses((status = 200, description = "The request.", body = ConfirmationRequest)),
    security(("participant" = []), ("university" = []))
)]
#[get("/v1/confirmation-requests/{request}")]
pub async fn get_confirmation_request(
    state: Data<State>,
    caller: Caller,
    request: Path<ConfirmationId>,
    _: NoQuery,
) -> Result<Found<ConfirmationRequest>, Error> {
    if caller.role != Role::Participant && university(&caller).is_err() {
        let needed = "This operation needs a participant's or a university's token.";
        return Err(Error::InsufficientScope(needed, "participant university"));
    }
    let id = request.into_inner();
    let row = state.db.read_latest(move |conn| store::find(conn, id, &caller)).await?;
    Ok(Found::versioned(ConfirmationRequest::open(&row, &key(&state))?, row.etag()))
}

/// Decide a request for confirmation
///
/// For the university that is asked, and final. The statement is erased, and the request does not say any more who made
/// it: note elsewhere whom you have confirmed, because the same person can ask again under another account. The
/// participant reads the decision and the reason.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "decide_confirmation_request",
    params(("request" = ConfirmationId, Path, description = "The request's id.",
        example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90")),
    request_body(content = ConfirmationDecisionInput, description = "The decision.", example = json!({
        "action": "confirm", "reason": "The student is on our list of that spring."
    })),
    responses((status = 200, description = "The request as it is now.", body = ConfirmationRequest)),
    security(("university" = []))
)]
#[post("/v1/confirmation-requests/{request}/decisions")]
pub async fn decide_confirmation_request(
    state: Data<State>,
    caller: Caller,
    request: Path<ConfirmationId>,
    _: NoQuery,
    once: Once,
    body: Json<ConfirmationDecisionInput>,
) -> Result<Answered<Changed<ConfirmationRequest>>, Error> {
    university(&caller)?;
    let (id, now, audit) = (request.into_inner(), state.now(), state.audit_key());
    state.db.read_latest(move |conn| store::find(conn, id, &caller)).await?;
    let input = body.valid()?;
    let own = ConfirmationId::from_uuid(Uuid::new_v4());
    let reason = key(&state).seal(own, &input.reason).ok_or_else(no_randomness)?;
    let decision = Decision { ruling: input.action, id: own, reason };
    let decide = move |conn: &mut Conn| Ok(changed(&store::decide(conn, &caller, id, &decision, &audit, now)?));
    once.write(&state, &caller, decide).await
}

/// Take back a request for confirmation
///
/// For its participant, while it waits. The statement is erased, and the request is nobody's any more.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "withdraw_confirmation_request",
    params(("request" = ConfirmationId, Path, description = "The request's id.",
        example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90")),
    responses((status = 200, description = "The request as it is now.", body = ConfirmationRequest)),
    security(("participant" = []))
)]
#[post("/v1/confirmation-requests/{request}/withdraw")]
pub async fn withdraw_confirmation_request(
    state: Data<State>,
    Participant(caller): Participant,
    request: Path<ConfirmationId>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<ConfirmationRequest>>, Error> {
    let (id, now) = (request.into_inner(), state.now());
    let withdraw = move |conn: &mut Conn| Ok(changed(&store::withdraw(conn, &caller, id, now)?));
    once.write(&state, &caller, withdraw).await
}
