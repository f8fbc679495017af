//! Handlers of reviews: what anyone reads and what authors do. What moderators do is in
//! `moderation`.

use actix_web::{
    get, patch, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{ReviewBody, ReviewPage, View},
    list_store::{self, PublicFilter, ReviewSort},
    model::{ReviewInput, Verification},
    pseudonym::PseudonymKey,
    store::{self, NewReview, ReviewRow},
};
use crate::{
    app::State,
    auth::{Caller, MaybeCaller, Participant},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, Found, FromParams, IfMatch, Json, NoQuery, Once, Page, Paging, Params,
        Patch, PolicyName, Query, RequiredOnce, Seen, Slice, schema::semantic_faults,
    },
    ids::{DecisionId, ReviewId},
    participation::{self, model::Evidence},
    patch_schema,
    programs::{derived::rated, store::ProgramKey},
    reference::TrainingLevel,
    time::Day,
};

mod moderation;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_program_reviews)
        .service(create_review)
        .service(moderation::list_reviews)
        .service(list_my_reviews)
        .service(get_review)
        .service(update_review)
        .service(withdraw_review)
        .service(moderation::decide_review);
}

patch_schema! {
    /// A change of a review, as a merge patch (RFC 7396).
    ReviewPatch for ReviewInput
}

/// Parameters of a program's reviews.
pub struct PublicQuery {
    filter: PublicFilter,
    paging: Paging,
}

impl FromParams for PublicQuery {
    fn from_params(params: &mut Params) -> Self {
        let paging = Paging::from_params(params);
        let sort = params.parsed("sort", "newest, highest or lowest.");
        let filter = PublicFilter {
            sort: sort.unwrap_or(ReviewSort::Newest),
            training_level: params
                .parsed("training_level", "A training level; /v1/reference/training-levels lists them."),
            half_year: params.parsed("half_year", "A half-year such as 2025-H2."),
            verified: params.flag("verified"),
            recommends: params.flag("recommends"),
        };
        Self { filter, paging }
    }
}

/// Parameters of the author's own list.
pub struct OwnQuery(Paging);

impl FromParams for OwnQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// Turns a slice of rows into a page of bodies for one reader.
fn page(slice: Slice<ReviewRow>, view: View) -> Result<Page<ReviewPage>, Error> {
    let Slice { rows, next_cursor, links } = slice;
    let bodies: Result<_, Error> = rows.iter().map(|row| ReviewBody::read(row, view)).collect();
    Ok(ReviewPage::answer(Slice { rows: bodies?, next_cursor, links }, |body| body))
}

/// The row as it is now, for one reader.
fn changed(row: &ReviewRow, view: View) -> Result<Changed<ReviewBody>, Error> {
    Ok(Changed { body: ReviewBody::read(row, view)?, etag: view.etag(row) })
}

fn check_period(content: &ReviewInput, today: Day) -> Result<(), Error> {
    content.check_period(today).map_err(|faults| Error::Invalid(semantic_faults(&faults)))
}

/// List a program's reviews
///
/// Published reviews of a listed or suspended program. `sort=newest` has the latest publication first, `highest`
/// and `lowest` go by the mean of the ratings; reviews without ratings come last in `highest` and are left out of
/// `lowest`.
#[utoipa::path(
    tag = "reviews",
    operation_id = "list_program_reviews",
    params(
        ("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9-]+$", example = "observation-weeks-in-cusco"),
        ("sort" = inline(Option<ReviewSort>), Query, description = "Order; `newest` when absent.", example = "newest"),
        ("training_level" = Option<TrainingLevel>, Query, description = "Training level of the author at that time.",
            example = "preclinical"),
        ("half_year" = Option<String>, Query, description = "Half-year in which the experience ended.",
            max_length = 7, pattern = "^[0-9]{4}-H[12]$", example = "2025-H2"),
        ("verified" = Option<bool>, Query, description = "Whether it was verified that the author took part.",
            example = true),
        ("recommends" = Option<bool>, Query, description = "Whether the author would recommend the program; reviews \
            without an answer match neither.", example = true),
        ("limit" = Option<i32>, Query, description = "Reviews on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of reviews.", body = ReviewPage)),
    security(())
)]
#[get("/v1/programs/{program}/reviews")]
pub async fn list_program_reviews(
    state: Data<State>,
    program: Path<ProgramKey>,
    query: Query<PublicQuery>,
) -> Result<Page<ReviewPage>, Error> {
    let (program, Query(PublicQuery { filter, paging })) = (program.into_inner(), query);
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let rows = state
        .db
        .read(move |conn| {
            let (program, _) = store::public_program(conn, &program)?;
            list_store::of_program(conn, program, &filter, after.as_ref(), limit)
        })
        .await?;
    let slice = paging.page(rows, &state.cursors, |row| filter.sort.position(row));
    page(slice, View::Public)
}

/// Write a review
///
/// For participants. One review per participant, program and half-year of the end; another one is a conflict. It is
/// public at once and counts in the program's score. Others see a pseudonym and the half-year; the months stay
/// between the author and this service.
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
    let period = content.as_ref().ok().map(|content| (content.period.start_month, content.period.end_month));
    let found = once.read(move |conn| {
        let left = daily.map(|daily| list_store::left_today(conn, caller.id, daily, now)).transpose()?;
        let (program, status) = store::public_program(conn, &key)?;
        let evidence = period.map(|period| participation::store::evidence(conn, caller.id, program, period));
        Ok((program, status, evidence.transpose()?, left))
    });
    let (program, status, evidence, left) = match found.await? {
        Seen::New(found) => found,
        Seen::Answered(answer) => return Ok(answer),
    };
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
    // The row is made here, so that the one writer thread has nothing to do but store it.
    let row = ReviewRow::published(&new, now)?;
    let counts = rated(&content, row.half_year, row.verification);
    let report = row.self_report(&content);
    let created = Created {
        location: format!("/v1/reviews/{}", row.id),
        etag: View::Author.etag(&row),
        body: ReviewBody::new(&row, content, View::Author),
    };
    let publish = move |conn: &mut Conn| {
        list_store::check_quota(conn, caller.id, daily, now)?;
        store::publish(conn, &row, &counts, report.as_ref())
    };
    once.write_known(created, publish).await
}

/// Finds a review that the caller wrote; others' do not exist for them.
async fn own_review(state: &State, caller: Caller, id: ReviewId) -> Result<ReviewRow, Error> {
    let row = state.db.read_latest(move |conn| store::find(conn, id)).await?;
    if row.participant_id == caller.id { Ok(row) } else { Err(Error::NotFound("review")) }
}

/// Read a review
///
/// Anyone reads a published one. In other states it exists only for its author and for moderators. The author also
/// sees `own`, under an `ETag` of its own, which is the one that a change needs.
#[utoipa::path(
    tag = "reviews",
    operation_id = "get_review",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 200, description = "The review.", body = ReviewBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/reviews/{review}")]
pub async fn get_review(
    state: Data<State>,
    MaybeCaller(caller): MaybeCaller,
    review: Path<ReviewId>,
    _: NoQuery,
) -> Result<Found<ReviewBody>, Error> {
    let id = review.into_inner();
    let row = state.db.read(move |conn| store::find(conn, id)).await?;
    let view = View::of(&row, caller.as_ref()).ok_or(Error::NotFound("review"))?;
    Ok(Found::versioned(ReviewBody::read(&row, view)?, view.etag(&row)))
}

/// Change a review
///
/// For its author, as a merge patch of what was written; `period` is the one with months. The former content is
/// kept as a revision and the state stays: a held review stays held. A change that changes nothing makes no revision.
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
    let before = own_review(&state, caller, review.into_inner()).await?;
    if_match.check(&View::Author.etag(&before))?;
    let now = state.now();
    let current = before.input()?;
    let content = patch.apply(&current)?;
    if content.period != current.period {
        check_period(&content, now.day())?;
    }
    // In a final state even an edit that changes nothing is refused.
    if content == current && before.status.is_editable() {
        return changed(&before, View::Author);
    }
    let after = state.db.write(move |conn| store::edit(conn, &before, &content, now)).await?;
    changed(&after, View::Author)
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
    let record = DecisionId::from_uuid(Uuid::now_v7());
    let withdraw = move |conn: &mut Conn| changed(&store::withdraw(conn, &caller, id, record, now)?, View::Author);
    once.write(&state, &caller, withdraw).await
}

/// List my reviews
///
/// For participants: everything they wrote, in every state, newest first.
#[utoipa::path(
    tag = "reviews",
    operation_id = "list_my_reviews",
    params(
        ("limit" = Option<i32>, Query, description = "Reviews on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of reviews.", body = ReviewPage)),
    security(("participant" = []))
)]
#[get("/v1/me/reviews")]
pub async fn list_my_reviews(
    state: Data<State>,
    Participant(caller): Participant,
    Query(OwnQuery(paging)): Query<OwnQuery>,
) -> Result<Page<ReviewPage>, Error> {
    let paging = paging.bound_to(caller.id);
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let rows = state.db.read(move |conn| list_store::of_participant(conn, caller.id, after.as_ref(), limit)).await?;
    page(paging.page(rows, &state.cursors, list_store::by_id), View::Author)
}
