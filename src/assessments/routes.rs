//! Handlers of one assessment.

mod lists;

use actix_web::{
    get, post, put,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::Assessment,
    decision_store::{self, Recording},
    model::{AssessmentAnswerInput, AssessmentDecisionInput, Reader},
    ruling::RulingInput,
    store::{self, AssessmentRow},
};
use crate::{
    app::State,
    auth::{Assessor, MaybeCaller, OwnProvider},
    db::Conn,
    http::{Answered, Changed, Created, Error, Found, IfMatch, Json, NoQuery, Once},
    ids::{AssessmentId, DecisionId, EvidenceId},
    moderation::{self, SubjectKind},
    programs::store::ProgramKey,
    reference::CriterionCode,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    lists::configure(config);
    config
        .service(open_assessment)
        .service(get_assessment)
        .service(put_assessment_ruling)
        .service(decide_assessment)
        .service(answer_assessment);
}

/// The answer, read in the transaction that read or changed `row`.
fn shown(conn: &mut Conn, row: AssessmentRow, reader: Reader) -> Result<Changed<Assessment>, Error> {
    let rubric = store::rubric(conn, &row)?.facts(row.rubric_version);
    let history = moderation::store::history(conn, SubjectKind::Assessment, row.id.as_uuid(), Assessment::MAX_HISTORY)?;
    let etag = row.etag(reader);
    Ok(Changed { body: Assessment::of(row, &rubric, history, reader)?, etag })
}

/// Open an assessment
///
/// For assessors who are not linked to the program's provider. The assessment follows the rubric in force and the
/// present listing of a program that is submitted, listed or suspended. One at a time is in the making.
#[utoipa::path(
    tag = "assessments",
    operation_id = "open_assessment",
    params(
        ("program" = String, Path, description = "The program's id or slug.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "nursing-observation-kathmandu"),
    ),
    responses((status = 201, description = "The new draft.", body = Assessment)),
    security(("assessor" = []))
)]
#[post("/v1/programs/{program}/assessments")]
pub async fn open_assessment(
    state: Data<State>,
    Assessor(assessor): Assessor,
    program: Path<ProgramKey>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Created<Assessment>>, Error> {
    let (program, now) = (program.into_inner(), state.now());
    let id = AssessmentId::from_uuid(Uuid::now_v7());
    let create = move |conn: &mut Conn| {
        let row = store::open(conn, &assessor, &program, id, now)?;
        let Changed { body, etag } = shown(conn, row, Reader::Staff)?;
        Ok(Created { location: format!("/v1/assessments/{id}"), etag, body })
    };
    once.write(&state, &assessor, create).await
}

/// Read an assessment
///
/// Public once it has been published. The program's provider reads it from the day that it is handed in, and may then
/// answer it; assessors, moderators and admins read it always. Of confidential evidence only they read more than its
/// kind, level and dates. Persons are never named.
#[utoipa::path(
    tag = "assessments",
    operation_id = "get_assessment",
    params(
        ("assessment" = AssessmentId, Path, description = "The assessment's id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
    ),
    responses((status = 200, description = "The assessment.", body = Assessment)),
    security((), ("bearer" = []))
)]
#[get("/v1/assessments/{assessment}")]
pub async fn get_assessment(
    state: Data<State>,
    MaybeCaller(caller): MaybeCaller,
    assessment: Path<AssessmentId>,
    _: NoQuery,
) -> Result<Found<Assessment>, Error> {
    let id = assessment.into_inner();
    let read = move |conn: &mut Conn| {
        let found = store::find(conn, id)?;
        let reader = found.reader(caller.as_ref())?;
        shown(conn, found.row, reader)
    };
    let Changed { body, etag } = state.db.read(read).await?;
    Ok(Found::versioned(body, etag))
}

/// Rule on a criterion
///
/// For assessors who are not linked to the provider, while the assessment is a draft. The ruling takes the place of the
/// former one, which is kept in the revisions. Evidence gets its ids here; what is sent again as it was keeps its id.
/// An assessment that somebody else has changed since is 412.
#[utoipa::path(
    tag = "assessments",
    operation_id = "put_assessment_ruling",
    params(
        ("assessment" = AssessmentId, Path, description = "The assessment's id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("criterion" = CriterionCode, Path, description = "The criterion; see /v1/reference/criteria.",
            example = "licensed_supervision"),
    ),
    request_body(content = RulingInput, example = json!({
        "status": "met",
        "note": "The rosters of three months name a licensed consultant for every shift with students.",
        "evidence": [{
            "kind": "host_letter_checked",
            "description": "Letter of the hospital's director with the rosters, checked by telephone",
            "url": "https://example.org/letter.pdf",
            "obtained_on": "2025-03-01",
            "confirmed_by": "Office of the hospital's director",
            "confidential": false
        }]
    })),
    responses((status = 200, description = "The assessment as it is now.", body = Assessment)),
    security(("assessor" = []))
)]
#[put("/v1/assessments/{assessment}/rulings/{criterion}")]
pub async fn put_assessment_ruling(
    state: Data<State>,
    Assessor(assessor): Assessor,
    path: Path<(AssessmentId, CriterionCode)>,
    _: NoQuery,
    if_match: IfMatch,
    body: Json<RulingInput>,
) -> Result<Changed<Assessment>, Error> {
    let (id, criterion) = path.into_inner();
    let read = move |conn: &mut Conn| {
        let row = store::find_to_rule(conn, id, &assessor)?;
        let months = store::rubric(conn, &row)?.evidence_months;
        Ok((row, months))
    };
    let (current, months) = state.db.read_latest(read).await?;
    if_match.check(&current.etag(Reader::Staff))?;
    let input = body.valid()?;
    let now = state.now();
    let faults = input.faults(now.day(), &months);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let ids = input.evidence.iter().map(|_| EvidenceId::from_uuid(Uuid::now_v7())).collect();
    let ruling = input.settled(criterion, &months, ids);
    let write = move |conn: &mut Conn| {
        let row = store::rule(conn, &assessor, &current, &ruling, now)?;
        shown(conn, row, Reader::Staff)
    };
    state.db.write(write).await
}

/// Decide about an assessment
///
/// For assessors who are not linked to the provider. `submit` needs a ruling on every criterion. `sign_off` is for
/// somebody who has neither opened it, nor ruled in it, nor submitted it. `publish` waits for the sign-off where a
/// critical criterion is not met, does not concern the program, or is met by evidence of level 3, and where the
/// assessment in force found one not met; and it waits 14 days for the provider's answer, unless a critical criterion is
/// not met. It is refused when the rubric was replaced meanwhile. The published assessment decides the verdict and
/// supersedes the one before; it cannot be withdrawn. With `If-Match` the decision is about the version that was read.
#[utoipa::path(
    tag = "assessments",
    operation_id = "decide_assessment",
    params(
        ("assessment" = AssessmentId, Path, description = "The assessment's id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the version that was read.", min_length = 1,
            max_length = 200, pattern = "^(\\*|\"[!#-~]*\")$", nullable = false, example = "*"),
    ),
    request_body(content = AssessmentDecisionInput, example = json!({
        "action": "submit",
        "reason": "Every criterion was looked at, and the evidence is on file."
    })),
    responses((status = 200, description = "The assessment as it is now.", body = Assessment)),
    security(("assessor" = []))
)]
#[post("/v1/assessments/{assessment}/decisions")]
pub async fn decide_assessment(
    state: Data<State>,
    Assessor(assessor): Assessor,
    assessment: Path<AssessmentId>,
    if_match: IfMatch,
    _: NoQuery,
    once: Once,
    body: Json<AssessmentDecisionInput>,
) -> Result<Answered<Changed<Assessment>>, Error> {
    let id = assessment.into_inner();
    state.db.read_latest(move |conn| store::find_to_rule(conn, id, &assessor)).await?;
    let decision = body.valid()?;
    let (now, audit) = (state.now(), state.audit_key());
    let [first, second] = [(); 2].map(|()| DecisionId::from_uuid(Uuid::now_v7()));
    let change = move |conn: &mut Conn| {
        let recording = Recording { decision: first, superseding: second, now, audit: &audit };
        if_match.check_if_sent(&store::find(conn, id)?.row.etag(Reader::Staff))?;
        let row = decision_store::decide(conn, &assessor, id, &decision, &recording)?;
        shown(conn, row, Reader::Staff)
    };
    once.write(&state, &assessor, change).await
}

/// Answer an assessment
///
/// For the program's provider, once, from the day that the assessment is handed in. The answer is public together with
/// the assessment. An assessment that was given back and handed in anew can be answered anew.
#[utoipa::path(
    tag = "assessments",
    operation_id = "answer_assessment",
    params(
        ("assessment" = AssessmentId, Path, description = "The assessment's id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
    ),
    request_body(content = AssessmentAnswerInput, example = json!({
        "text": "The absence rule has been written down since; the new text is on our site."
    })),
    responses((status = 200, description = "The assessment as it is now.", body = Assessment)),
    security(("provider" = []))
)]
#[post("/v1/assessments/{assessment}/answer")]
pub async fn answer_assessment(
    state: Data<State>,
    own: OwnProvider,
    assessment: Path<AssessmentId>,
    _: NoQuery,
    once: Once,
    body: Json<AssessmentAnswerInput>,
) -> Result<Answered<Changed<Assessment>>, Error> {
    let (id, caller) = (assessment.into_inner(), own.caller);
    let find = move |conn: &mut Conn| store::find(conn, id).and_then(|found| store::own(&found, &caller));
    state.db.read_latest(find).await?;
    let said = body.valid()?;
    let now = state.now();
    let change = move |conn: &mut Conn| {
        let row = store::answer(conn, &caller, id, &said.text, now)?;
        shown(conn, row, Reader::Provider)
    };
    once.write(&state, &caller, change).await
}
