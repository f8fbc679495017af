//! Making a program, editing its listing, and changing its state.

use actix_web::{
    patch, post,
    web::{Data, Path},
};
use uuid::Uuid;

use super::ProgramBody;
use crate::{
    app::State,
    auth::{Caller, Moderator, OwnProvider, Role},
    db::Conn,
    http::{Answered, Changed, Created, Error, IfMatch, Json, NoQuery, Once, Patch},
    ids::{DecisionId, ProgramId, ProviderId},
    moderation, patch_schema,
    programs::{
        detail_store::{self, Detail},
        model::{ProgramAction, ProgramDecisionInput, ProgramInput},
        store::{self, Key, ProgramKey},
        write_store::{self, ProgramAct},
    },
    providers::store::{ProviderRow, hold},
    reference::Ground,
    time::Day,
};

patch_schema! {
    /// Changes of a listing.
    ProgramPatch for ProgramInput
}

fn read_back(conn: &mut Conn, id: ProgramId) -> Result<Detail, Error> {
    detail_store::find(conn, &Key::Id(id))?.ok_or(Error::NotFound("program"))
}

fn changed(detail: Detail, today: Day) -> Result<Changed<ProgramBody>, Error> {
    let etag = detail.etag(today);
    Ok(Changed { body: ProgramBody::of(detail, today)?, etag })
}

/// The provider of a token exists: the principal refers to it.
fn held(conn: &mut Conn, id: ProviderId) -> Result<ProviderRow, Error> {
    hold(conn, id)?.ok_or(Error::NotFound("provider"))
}

/// Write a new program
///
/// Makes a draft of the provider that the token acts for. Only the provider, moderators, assessors and admins can read
/// it until a moderator has listed it. A slug made from the title gets a number when it is taken; a slug that was sent
/// and is taken is a conflict.
#[utoipa::path(
    tag = "programs",
    operation_id = "create_program",
    request_body(content = ProgramInput, description = "The listing.", content_type = "application/json",
        example = json!({
            "title": "Observation in internal medicine, Kathmandu",
            "summary": "Four to twelve weeks of clinical observation in a teaching hospital, with a named supervisor.",
            "description": "Participants follow the ward rounds of two medical wards and see outpatients with a named physician. They do not touch patients.",
            "places": [{"country": "NP", "city": "Kathmandu"}],
            "specialties": ["internal_medicine"],
            "tracks": ["clinical_observation"],
            "training_levels": ["preclinical", "clinical"],
            "minimum_age": 18,
            "languages_required": [{"language": "en", "level": "b2"}],
            "weeks_min": 4,
            "weeks_max": 12,
            "start_months": [1, 7, 9],
            "fees": [{"amount_minor": 125_000, "currency": "EUR", "covers": "Placement and supervision, four weeks"}]
        })),
    responses((status = 201, description = "The new draft.", body = ProgramBody)),
    security(("provider" = []))
)]
#[post("/v1/programs")]
pub async fn post_program(
    state: Data<State>,
    own: OwnProvider,
    body: Json<ProgramInput>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Created<ProgramBody>>, Error> {
    let input = body.valid()?;
    let now = state.now();
    let id = ProgramId::from_uuid(Uuid::now_v7());
    let create = move |conn: &mut Conn| {
        let provider = held(conn, own.provider)?;
        write_store::create(conn, &provider, &input, id, now)?;
        let Changed { body, etag } = changed(read_back(conn, id)?, now.day())?;
        Ok(Created { location: format!("/v1/programs/{id}"), etag, body })
    };
    once.write(&state, &own.caller, create).await
}

/// Edit the listing of a program
///
/// A JSON merge patch on the members of the listing; only the program's provider may send it. Every edit makes a new
/// version and keeps the former one; a listed program stays listed. A submitted or archived program cannot be edited.
#[utoipa::path(
    tag = "programs",
    operation_id = "update_program",
    params(
        ("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")
    ),
    request_body(content = ProgramPatch, description = "What changes; null takes a member away.",
        content_type = "application/merge-patch+json", example = json!({"weeks_max": 8, "housing": null})),
    responses((status = 200, description = "The program after the edit.", body = ProgramBody)),
    security(("provider" = []))
)]
#[patch("/v1/programs/{program}")]
pub async fn patch_program(
    state: Data<State>,
    own: OwnProvider,
    key: Path<ProgramKey>,
    if_match: IfMatch,
    body: Patch<ProgramInput, ProgramPatch>,
    _: NoQuery,
) -> Result<Changed<ProgramBody>, Error> {
    let found = state.db.read_latest(move |conn| Ok(detail_store::find(conn, &key)?)).await?;
    let current = found.filter(|found| found.row.provider_id == own.provider).ok_or(Error::NotFound("program"))?;
    let now = state.now();
    if_match.check(&current.etag(now.day()))?;
    let input = body.apply(&current.input()?)?;
    let edited = state
        .db
        .write(move |conn| {
            let provider = held(conn, own.provider)?;
            write_store::edit(conn, &current.row, &provider.name, &input, now)?;
            read_back(conn, current.row.id)
        })
        .await?;
    changed(edited, now.day())
}

async fn act(
    state: &Data<State>,
    once: Once,
    key: ProgramKey,
    by: Caller,
    action: ProgramAction,
    (reason, ground, facts): (String, Option<Ground>, Option<String>),
) -> Result<Answered<Changed<ProgramBody>>, Error> {
    let at = state.now();
    let decision = DecisionId::from_uuid(Uuid::new_v4());
    let log = (by.role != Role::Provider).then(|| state.audit_key());
    let act = move |conn: &mut Conn| {
        let act = ProgramAct { decision, by, action, reason: &reason, at, audit: log.as_ref() };
        let row = write_store::act(conn, &key, &act)?;
        moderation::store::explain(conn, decision, ground, facts.as_deref())?;
        changed(read_back(conn, row.id)?, at.day())
    };
    once.write(state, &by, act).await
}

/// Hand a draft in
///
/// The program waits for a moderator, and its listing cannot be edited meanwhile.
#[utoipa::path(
    tag = "programs",
    operation_id = "submit_program",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The submitted program.", body = ProgramBody)),
    security(("provider" = []))
)]
#[post("/v1/programs/{program}/submit")]
pub async fn submit_program(
    state: Data<State>,
    own: OwnProvider,
    key: Path<ProgramKey>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<ProgramBody>>, Error> {
    act(&state, once, key.into_inner(), own.caller, ProgramAction::Submit, (String::new(), None, None)).await
}

/// End a program
///
/// Its provider takes it from the catalogue for good. A submitted program cannot be archived.
#[utoipa::path(
    tag = "programs",
    operation_id = "archive_program",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The archived program.", body = ProgramBody)),
    security(("provider" = []))
)]
#[post("/v1/programs/{program}/archive")]
pub async fn archive_program(
    state: Data<State>,
    own: OwnProvider,
    key: Path<ProgramKey>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<ProgramBody>>, Error> {
    act(&state, once, key.into_inner(), own.caller, ProgramAction::Archive, (String::new(), None, None)).await
}

/// Decide on a program
///
/// A moderator lists or rejects a submitted program, suspends a listed one, reinstates a suspended one, or archives
/// any that is not submitted. The reason is kept in the history, and with a suspension everyone reads it. A moderator
/// who is linked to the program's provider may not decide.
#[utoipa::path(
    tag = "programs",
    operation_id = "decide_program",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    request_body(content = ProgramDecisionInput, description = "The decision and its reason.",
        content_type = "application/json",
        example = json!({"action": "list", "reason": "The host hospital has confirmed the agreement."})),
    responses((status = 200, description = "The program after the decision.", body = ProgramBody)),
    security(("moderator" = []))
)]
#[post("/v1/programs/{program}/decisions")]
pub async fn decide_program(
    state: Data<State>,
    moderator: Moderator,
    key: Path<ProgramKey>,
    body: Json<ProgramDecisionInput>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<ProgramBody>>, Error> {
    let key = key.into_inner();
    let (named, by) = (key.clone(), moderator.0);
    state
        .db
        .read_latest(move |conn| {
            let row = store::find(conn, &named)?.ok_or(Error::NotFound("program"))?;
            write_store::permit(conn, &by, row.provider_id)
        })
        .await?;
    let ProgramDecisionInput { action, reason, ground, facts } = body.valid()?;
    act(&state, once, key, by, action.into(), (reason, ground, facts)).await
}
