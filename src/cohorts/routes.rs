//! Handlers of cohorts.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    dev::Payload,
    get,
    http::header::{self, Accept, Header, HeaderValue},
    mime, post,
    web::{Data, Path},
};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{CohortBody, CohortPage},
    model::{CohortInput, DAYS, ReissueInput, size_fits},
    store::{self, NewCohort, Party},
};
use crate::{
    app::State,
    audit::{self, AuditKind, Event},
    auth::{
        Caller, Role,
        secrets::{RANDOM_BYTES, SecretKind},
    },
    db::Conn,
    http::{
        Answered, Changed, Created, Error, FaultCode, Found, FromParams, Json, NoQuery, Once, Page, Paging, Params,
        Position, Query, RequiredOnce, schema::semantic_faults,
    },
    ids::CohortId,
    participation::{self, model::Cohort},
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_cohorts)
        .service(create_cohort)
        .service(get_cohort)
        .service(create_cohort_codes)
        .service(revoke_cohort_codes);
}

/// Fresh participation codes.
pub(crate) fn fresh_codes(count: u32) -> Result<Vec<String>, Error> {
    let one = || {
        let mut random = [0; RANDOM_BYTES];
        rand::fill(&mut random).map_err(|_| Error::internal("the system gives no randomness"))?;
        Ok(SecretKind::Participation.format(&random))
    };
    (0..count).map(|_| one()).collect()
}

/// For whom the caller vouches.
fn party(caller: &Caller) -> Result<Party, Error> {
    match (caller.role, caller.university, caller.provider) {
        (Role::University, Some(id), _) => Ok(Party::University(id)),
        (Role::Provider, _, Some(id)) => Ok(Party::Provider(id)),
        _ => Err(Error::InsufficientScope(
            "This operation needs a university's or a provider's token.",
            "university provider",
        )),
    }
}

/// Whose cohorts the caller reads; `None`: all.
fn reader(caller: &Caller) -> Result<Option<Party>, Error> {
    match caller.role {
        Role::Admin => Ok(None),
        Role::University | Role::Provider => party(caller).map(Some),
        _ => Err(Error::InsufficientScope(
            "This operation needs a university's, a provider's or an admin's token.",
            "university provider admin",
        )),
    }
}

fn event(kind: AuditKind, by: &Caller, cohort: CohortId) -> Event {
    Event { kind, actor: Some(by.id), subject: format!("cohort:{cohort}") }
}

/// Whether codes are asked for as CSV.
#[derive(Debug, Clone, Copy)]
pub struct WantsCsv(bool);

impl FromRequest for WantsCsv {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    /// An Accept that cannot be read asks for nothing.
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let accepted = Accept::parse(req).map(|accept| accept.ranked()).unwrap_or_default();
        let first = accepted
            .iter()
            .map(mime::Mime::essence_str)
            .find(|kind| matches!(*kind, "text/csv" | "application/json" | "*/*" | "application/*" | "text/*"));
        std::future::ready(Ok(Self(first == Some("text/csv"))))
    }
}

/// Codes that were just made: the cohort with them, or the codes alone, one per line.
#[derive(Debug)]
pub struct Codes<A> {
    answer: Answered<A>,
    csv: WantsCsv,
}

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");

/// RFC 4180, one column.
fn to_csv(body: &[u8]) -> Option<Vec<u8>> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let mut lines = String::from("code\r\n");
    for code in body["codes"].as_array()? {
        lines.push_str(code.as_str()?);
        lines.push_str("\r\n");
    }
    Some(lines.into_bytes())
}

impl<A> Responder for Codes<A> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let mut answer = self.answer.into_answer();
        if !self.csv.0 {
            return answer.respond_to(req);
        }
        match to_csv(&answer.body) {
            Some(lines) => answer.body = lines,
            None => return HttpResponse::from_error(Error::internal("an answer with codes has none")),
        }
        let mut response = answer.respond_to(req);
        response.headers_mut().insert(header::CONTENT_TYPE, CSV);
        response
    }
}

/// The query of the list.
#[derive(Debug)]
pub struct CohortsQuery(Paging);

impl FromParams for CohortsQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List cohorts
///
/// For universities and providers: those that they made, newest first. For admins: all.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "list_cohorts",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of cohorts.", body = CohortPage)),
    security(("university" = []), ("provider" = []), ("admin" = []))
)]
#[get("/v1/cohorts")]
pub async fn list_cohorts(
    state: Data<State>,
    caller: Caller,
    Query(CohortsQuery(paging)): Query<CohortsQuery>,
) -> Result<Page<CohortPage>, Error> {
    let (reader, now) = (reader(&caller)?, state.now());
    let paging = paging.bound_to(caller.id);
    let after = paging.position(&state.cursors)?.map(|last| CohortId::from_uuid(last.id));
    let limit = paging.fetch();
    let rows = state.db.read_latest(move |conn| Ok(store::list(conn, reader, after, limit)?)).await?;
    let slice = paging.page(rows, &state.cursors, |row| Position::by_number(0, *row.id.as_uuid()));
    Ok(CohortPage::answer(slice, |row| CohortBody::new(&row, None, now)))
}

/// Make a cohort
///
/// For universities, of any public program, and for providers, of their own: then reviews show that only the provider
/// vouches. The answer holds as many participation codes as there were participants. They are shown this once, as a list
/// or, with `Accept: text/csv`, as one column, and can be redeemed for 180 days. Hand each to one participant, and keep
/// no note of who got which.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "create_cohort",
    request_body(content = CohortInput, description = "The cohort.", example = json!({
        "program": "0195f8a0-1c2d-7abc-8def-0123456789ab",
        "period": {"start_month": "2025-03", "end_month": "2025-05"},
        "size": 24
    })),
    responses((status = 201, description = "The cohort with its codes.",
        content((CohortBody = "application/json"), (String = "text/csv")))),
    security(("university" = []), ("provider" = []))
)]
#[post("/v1/cohorts")]
pub async fn create_cohort(
    state: Data<State>,
    caller: Caller,
    csv: WantsCsv,
    _: NoQuery,
    RequiredOnce(once): RequiredOnce,
    body: Json<CohortInput>,
) -> Result<Codes<Created<CohortBody>>, Error> {
    let (party, now) = (party(&caller)?, state.now());
    let input = body.valid()?;
    input.period.check("period", now.day()).map_err(|errors| Error::Invalid(semantic_faults(&errors)))?;
    if !size_fits(input.size, party.voucher()) {
        return Err(Error::field("/size", FaultCode::TooLarge, "A provider's cohort has at most 200 participants."));
    }
    let codes = fresh_codes(input.size.unsigned_abs())?;
    let (id, key) = (CohortId::from_uuid(Uuid::now_v7()), state.audit_key());
    let cohort =
        Cohort { program: input.program, period_start: input.period.start_month, period_end: input.period.end_month };
    let work = move |conn: &mut Conn| {
        store::permit_program(conn, party, cohort.program)?;
        let expires_at = now.plus_seconds(DAYS * 86_400);
        let new = NewCohort { id, cohort, party, size: codes.len(), codes: &codes, expires_at };
        store::make(conn, &new, now)?;
        let row = store::find(conn, id, Some(party))?;
        audit::append(conn, &key, &event(AuditKind::CodesIssued, &caller, id), now)?;
        Created::computed(format!("/v1/cohorts/{id}"), CohortBody::new(&row, Some(codes.clone()), now))
    };
    Ok(Codes { answer: once.write(&state, &caller, work).await?, csv })
}

/// Read a cohort
///
/// For whoever made it, and for admins. How many of its codes were redeemed is told as of the start of a day, and never
/// which.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "get_cohort",
    params(("cohort" = CohortId, Path, description = "The cohort's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 200, description = "The cohort.", body = CohortBody)),
    security(("university" = []), ("provider" = []), ("admin" = []))
)]
#[get("/v1/cohorts/{cohort}")]
pub async fn get_cohort(
    state: Data<State>,
    caller: Caller,
    cohort: Path<CohortId>,
    _: NoQuery,
) -> Result<Found<CohortBody>, Error> {
    let (reader, id) = (reader(&caller)?, cohort.into_inner());
    let row = state.db.read_latest(move |conn| store::find(conn, id, reader)).await?;
    Ok(Found::computed(CohortBody::new(&row, None, state.now())))
}

/// Make codes anew
///
/// For whoever made the cohort, when codes were lost or sent to the wrong people: as many open ones are taken back as
/// new ones are made, whichever they are, and the new ones are shown this once. They expire with the others. When fewer
/// are open, nothing happens; how many are is not told.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "create_cohort_codes",
    params(("cohort" = CohortId, Path, description = "The cohort's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    request_body(content = ReissueInput, description = "How many.", example = json!({"count": 2})),
    responses((status = 200, description = "The cohort with its new codes.",
        content((CohortBody = "application/json"), (String = "text/csv")))),
    security(("university" = []), ("provider" = []))
)]
#[post("/v1/cohorts/{cohort}/codes")]
pub async fn create_cohort_codes(
    state: Data<State>,
    caller: Caller,
    csv: WantsCsv,
    cohort: Path<CohortId>,
    _: NoQuery,
    RequiredOnce(once): RequiredOnce,
    body: Json<ReissueInput>,
) -> Result<Codes<Changed<CohortBody>>, Error> {
    let (party, id, now) = (party(&caller)?, cohort.into_inner(), state.now());
    state.db.read_latest(move |conn| store::find(conn, id, Some(party))).await?;
    let codes = fresh_codes(body.valid()?.count.unsigned_abs())?;
    let key = state.audit_key();
    let work = move |conn: &mut Conn| {
        let row = store::reissue(conn, id, party, &codes, now)?;
        audit::append(conn, &key, &event(AuditKind::CodesRevoked, &caller, id), now)?;
        audit::append(conn, &key, &event(AuditKind::CodesIssued, &caller, id), now)?;
        Changed::computed(CohortBody::new(&row, Some(codes.clone()), now))
    };
    Ok(Codes { answer: once.write(&state, &caller, work).await?, csv })
}

/// Take codes back
///
/// For whoever made the cohort: all of its codes that nobody has redeemed, which is final. What was proved with the
/// others stays.
#[utoipa::path(
    tag = "cohorts",
    operation_id = "revoke_cohort_codes",
    params(("cohort" = CohortId, Path, description = "The cohort's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 200, description = "The cohort as it is now.", body = CohortBody)),
    security(("university" = []), ("provider" = []))
)]
#[post("/v1/cohorts/{cohort}/revocation")]
pub async fn revoke_cohort_codes(
    state: Data<State>,
    caller: Caller,
    cohort: Path<CohortId>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<CohortBody>>, Error> {
    let (party, id, now) = (party(&caller)?, cohort.into_inner(), state.now());
    let key = state.audit_key();
    let work = move |conn: &mut Conn| {
        store::find(conn, id, Some(party))?;
        if participation::store::revoke(conn, id)?.is_some_and(|revoked| revoked > 0) {
            audit::append(conn, &key, &event(AuditKind::CodesRevoked, &caller, id), now)?;
        }
        Changed::computed(CohortBody::new(&store::find(conn, id, Some(party))?, None, now))
    };
    once.write(&state, &caller, work).await
}
