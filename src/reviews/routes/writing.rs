//! Handlers for authors: to write, change and withdraw a review.

use actix_web::{
    patch, post,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{ReviewPatch, changed, check_period, cohort_rule, shown};
use crate::{
    app::State,
    auth::{Caller, Participant},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, IfMatch, Json, NoQuery, Once, Patch, PolicyName, Reading, RequiredOnce, Seen,
    },
    ids::{DecisionId, ProgramId, ReviewId},
    participation::{self, model::Evidence},
    programs::{derived::rated, model::ProgramStatus, store::ProgramKey},
    reviews::{
        body::{ReviewBody, View},
        checks::{
            self, Candidate, Context, Finding,
            near_copy::{self, Sketch},
        },
        list_store,
        model::{ReviewInput, ReviewStatus, Verification},
        pseudonym::PseudonymKey,
        response_store::{self, Responses, Told},
        store::{self, Edit, NewReview, ReviewRow, Traces, Written, traces},
    },
};

/// What a new review starts from.
struct Found {
    program: ProgramId,
    status: ProgramStatus,
    evidence: Option<Evidence>,
    left: Option<Reading>,
    traces: Traces,
    compared: Context,
}

/// Write a review
///
/// For participants. One review per participant, program and half-year of the end; another one is a conflict. Automatic
/// checks, the same at every star value, read its text: what they find holds it for a moderator (`held`, with
/// `held_reasons`). A verified one of a small cohort waits for others (`pending`). Any other is public at once and counts
/// in the program's score. Others see a pseudonym and the half-year; the months stay between the author and this service.
#[utoipa::path(
    tag = "reviews",
    operation_id = "create_review",
    params(
        ("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9-]+$", example = "observation-weeks-in-cusco")
    ),
    request_body(content = ReviewInput, description = "The review.", example = json!({
        "period": {"start_month": "2025-03", "end_month": "2025-04"},
        "weeks": 6,
        "training_level": "preclinical",
        "ratings": {"supervision": 4, "scope_clarity": 5, "preparation": 3, "patient_respect": 5},
        "would_recommend": true,
        "text": {
            "what_i_did": "I followed the ward rounds and took histories with an interpreter.",
            "supervision": "A licensed physician was in the room at all times."
        },
        "tasks_done": [{"task": "history_taking", "supervision": "direct", "consent": "asked"}],
        "claims_checked": [{"claim": "A physician is always present", "outcome": "confirmed"}],
        "disclosure": {"incentive": "none", "relationship": "none"}
    })),
    responses((status = 201, description = "The review, as its author sees it.", body = ReviewBody)),
    security(("participant" = []))
)]
#[post("/v1/programs/{program}/reviews")]
pub async fn create_review(
    state: Data<State>,
    Participant(caller): Participant,
    program: Path<ProgramKey>,
    _: NoQuery,
    RequiredOnce(once): RequiredOnce,
    body: Json<ReviewInput>,
) -> Result<Answered<Created<ReviewBody>>, Error> {
    let (key, now) = (program.into_inner(), state.now());
    let daily = state.limits.daily(PolicyName::Review);
    let mut once = once.begin(&state, &caller)?;
    // Whether the body holds is told after whether there is such a program; its months are read with the program.
    let content = body.valid();
    let sketches = content.as_ref().map_or_else(|_| Vec::new(), |content| near_copy::sketches(&(&content.text).into()));
    let period = content.as_ref().ok().map(|content| (content.period.start_month, content.period.end_month));
    let found = once.read(move |conn| {
        let left = daily.map(|daily| list_store::left_today(conn, caller.id, daily, now)).transpose()?;
        let (program, status) = store::public_program(conn, &key)?;
        let evidence = period.map(|period| participation::store::evidence(conn, caller.id, program, period));
        let traces = Traces { provider: traces::provider_of(conn, program)?, sketches };
        let compared = traces::context(conn, caller.id, program, &traces, now)?;
        Ok(Found { program, status, evidence: evidence.transpose()?, left, traces, compared })
    });
    let found = match found.await? {
        Seen::New(found) => found,
        Seen::Answered(answer) => return Ok(answer),
    };
    let Found { program, status, evidence, left, traces, compared } = found;
    store::require_listed(status)?;
    once.within(left)?;
    let content = content?;
    check_period(&content, now.day())?;
    let new = NewReview {
        id: ReviewId::from_uuid(Uuid::new_v4()),
        program,
        participant: caller.id,
        pseudonym: PseudonymKey::derive(state.auth.keys().secret()).pseudonym(caller.id, program),
        verification: evidence.map_or(Verification::None, Evidence::verification),
        content: &content,
    };
    let compared = Context { burst_floor: Some(state.config.review_burst), ..compared };
    let findings = checks::check(&(&content).into(), &compared);
    // The row is made here, so that the one writer thread has nothing to do but store it.
    let row = ReviewRow::checked(&new, &findings, now)?.vouched(evidence.and_then(Evidence::vouched));
    let counts = rated(&content, row.half_year, row.verification);
    let (report, record) = (row.self_report(&content), DecisionId::from_uuid(Uuid::new_v4()));
    let written = Written { row, counts, report, traces, record };
    let rule = cohort_rule(&state)?;
    if rule.small > 1 && findings.is_empty() && written.row.verification.is_verified() {
        // Whether it waits depends on what others write at the same time.
        let publish = move |conn: &mut Conn| {
            list_store::check_quota(conn, caller.id, daily, now)?;
            created(written.store_in_cohort(conn, &rule)?)
        };
        return once.write(publish).await;
    }
    let answer = created(written.row.clone())?;
    let publish = move |conn: &mut Conn| {
        list_store::check_quota(conn, caller.id, daily, now)?;
        written.store(conn)
    };
    once.write_known(answer, publish).await
}

/// What the author is told of a new review, to which nobody has responded yet.
fn created(row: ReviewRow) -> Result<Created<ReviewBody>, Error> {
    let location = format!("/v1/reviews/{}", row.id);
    let Changed { body, etag } = shown(&Told { row, responses: Responses::default() }, View::Author)?;
    Ok(Created { location, etag, body })
}

/// Finds a review that the caller wrote; others' do not exist for them.
async fn own_review(state: &State, caller: Caller, id: ReviewId) -> Result<Told, Error> {
    let told = state.db.read_latest(move |conn| response_store::find(conn, id)).await?;
    if told.row.participant_id == caller.id { Ok(told) } else { Err(Error::NotFound("review")) }
}

/// Change a review
///
/// For its author, as a merge patch of what was written; `period` is the one with months. The former content is kept as a
/// revision. A new text goes through the automatic checks again: what they find holds the review, and what they had held
/// becomes public once they find nothing any more. What a moderator holds stays held; one that was refused is held for a
/// moderator again. A change that changes nothing makes no revision.
#[utoipa::path(
    tag = "reviews",
    operation_id = "update_review",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    request_body(content = ReviewPatch, content_type = "application/merge-patch+json",
        description = "The members to change; null takes one away.",
        example = json!({"ratings": {"supervision": 3, "value": null}, "would_recommend": false})),
    responses((status = 200, description = "The review as it is now.", body = ReviewBody)),
    security(("participant" = []))
)]
#[patch("/v1/reviews/{review}")]
pub async fn update_review(
    state: Data<State>,
    Participant(caller): Participant,
    review: Path<ReviewId>,
    _: NoQuery,
    if_match: IfMatch,
    patch: Patch<ReviewInput, ReviewPatch>,
) -> Result<Changed<ReviewBody>, Error> {
    let told = own_review(&state, caller, review.into_inner()).await?;
    let before = &told.row;
    if_match.check(&View::Author.etag(before, &told.responses))?;
    let now = state.now();
    let current = before.input()?;
    let content = patch.apply(&current)?;
    if content.period != current.period {
        check_period(&content, now.day())?;
    }
    // In a final state even an edit that changes nothing is refused.
    if content == current && before.status.is_editable() {
        return shown(&told, View::Author);
    }
    let same = Candidate::from(&content) == Candidate::from(&current);
    let checked = if same { None } else { Some(recheck(&state, before, &current, &content).await?) };
    let (rule, record) = (cohort_rule(&state)?, DecisionId::from_uuid(Uuid::new_v4()));
    let edit = Edit { content, checked, rule, record };
    let edit = move |conn: &mut Conn| {
        let row = store::edit(conn, &told.row, &edit, now)?;
        changed(conn, row, View::Author)
    };
    state.db.write(edit).await
}

/// What the checks find in a new text of a review, and its sketches.
async fn recheck(
    state: &State,
    before: &ReviewRow,
    former: &ReviewInput,
    content: &ReviewInput,
) -> Result<(Vec<Finding>, Traces), Error> {
    let (id, author, program) = (before.id, before.participant_id, before.program_id);
    let sketches = near_copy::sketches(&(&content.text).into());
    let read = state.db.read_latest(move |conn| {
        let traces = Traces { provider: traces::provider_of(conn, program)?, sketches };
        Ok((traces::alike(conn, author, Some(id), &traces)?, traces))
    });
    let (mut compared, traces) = read.await?;
    if before.status != ReviewStatus::Held && before.status != ReviewStatus::Rejected {
        // Whoever was there first has not copied: what was like the former text came after it.
        let former = near_copy::sketches(&(&former.text).into());
        let known = |other: &Sketch| former.iter().any(|sketch| sketch.alike(other) >= near_copy::ALIKE_MIN);
        compared.others.retain(|other| !known(other));
        compared.own.retain(|other| !known(other));
    }
    Ok((checks::check(&content.into(), &compared), traces))
}

/// Withdraw a review
///
/// For its author. It is no longer public and no longer counts in the score; that is final, and the half-year is
/// free for another review.
#[utoipa::path(
    tag = "reviews",
    operation_id = "withdraw_review",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 200, description = "The review as it is now.", body = ReviewBody)),
    security(("participant" = []))
)]
#[post("/v1/reviews/{review}/withdraw")]
pub async fn withdraw_review(
    state: Data<State>,
    Participant(caller): Participant,
    review: Path<ReviewId>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<ReviewBody>>, Error> {
    let (id, now) = (review.into_inner(), state.now());
    let record = DecisionId::from_uuid(Uuid::new_v4());
    let withdraw = move |conn: &mut Conn| {
        let row = store::withdraw(conn, &caller, id, record, now)?;
        changed(conn, row, View::Author)
    };
    once.write(&state, &caller, withdraw).await
}
