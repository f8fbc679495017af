//! Handlers for moderators of reviews.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{changed, cohort_rule, page};
use crate::{
    app::State,
    auth::Moderator,
    db::Conn,
    http::{Answered, Changed, Error, FromParams, Json, NoQuery, Once, Page, Paging, Params, Query},
    ids::{DecisionId, ProgramId, ReviewId},
    reviews::{
        body::{ReviewBody, ReviewPage, View},
        list_store,
        model::{ReviewDecisionInput, ReviewStatus},
        response_store::{self, Told},
        store::{self, Ruled},
    },
};

/// Parameters of the moderators' list.
pub struct ModeratorQuery {
    status: ReviewStatus,
    program: Option<ProgramId>,
    paging: Paging,
}

impl FromParams for ModeratorQuery {
    fn from_params(params: &mut Params) -> Self {
        let paging = Paging::from_params(params);
        let status = params.parsed("status", "pending, held, published, rejected or withdrawn.");
        Self {
            status: status.unwrap_or(ReviewStatus::Held),
            program: params.parsed("program", "The id of a program."),
            paging,
        }
    }
}

/// List reviews for moderation
///
/// For moderators: reviews in one state, oldest first. Without `status`, those that wait for a moderator; `held_reasons`
/// says what the automatic checks found in them.
#[utoipa::path(
    tag = "reviews",
    operation_id = "list_reviews",
    params(
        ("status" = Option<ReviewStatus>, Query, description = "State; `held` when absent.", example = "held"),
        ("program" = Option<ProgramId>, Query, description = "Only reviews of the program with this id.",
            example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("limit" = Option<i32>, Query, description = "Reviews on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of reviews.", body = ReviewPage)),
    security(("moderator" = []))
)]
#[get("/v1/reviews")]
pub async fn list_reviews(
    state: Data<State>,
    _moderator: Moderator,
    query: Query<ModeratorQuery>,
) -> Result<Page<ReviewPage>, Error> {
    let Query(ModeratorQuery { status, program, paging }) = query;
    let paging = paging.bound_to("moderators");
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let list = move |conn: &mut Conn| {
        let rows = match program {
            None => list_store::by_status(conn, status, after.as_ref(), limit),
            Some(program) => list_store::of_program_by_status(conn, program, status, after.as_ref(), limit),
        }?;
        Ok(response_store::with(conn, rows)?)
    };
    let rows = if program.is_some() { state.db.scan(list).await } else { state.db.read(list).await }?;
    page(paging.page(rows, &state.cursors, |told: &Told| list_store::by_id(&told.row)), View::Moderator)
}

/// Decide about a review
///
/// For moderators: `hold` takes a published or pending review out of public view, `publish` makes a held one public (or
/// lets it wait for others of its small cohort), `reject` refuses a held one until its author changes it. The author reads the reason of the first and last. The score
/// follows at once. A moderator who is linked to the program's provider may not decide.
#[utoipa::path(
    tag = "reviews",
    operation_id = "decide_review",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    request_body(content = ReviewDecisionInput, description = "The decision.", example = json!({
        "action": "hold", "reason": "The text names a patient; please take the name out."
    })),
    responses((status = 200, description = "The review as it is now.", body = ReviewBody)),
    security(("moderator" = []))
)]
#[post("/v1/reviews/{review}/decisions")]
pub async fn decide_review(
    state: Data<State>,
    Moderator(caller): Moderator,
    review: Path<ReviewId>,
    _: NoQuery,
    once: Once,
    body: Json<ReviewDecisionInput>,
) -> Result<Answered<Changed<ReviewBody>>, Error> {
    let (id, now) = (review.into_inner(), state.now());
    // A review that does not exist or that the caller may not rule on is answered before the body is judged.
    state
        .db
        .read_latest(move |conn| {
            let row = store::find(conn, id)?;
            store::permit(conn, &caller, &row)
        })
        .await?;
    let decision = body.valid()?;
    let record = DecisionId::from_uuid(Uuid::new_v4());
    let (log, rule) = (state.audit_key(), cohort_rule(&state)?);
    let decide = move |conn: &mut Conn| {
        let act = Ruled { record, rule: &rule, audit: &log };
        let row = store::decide(conn, &caller, id, &decision, act, now)?;
        changed(conn, row, View::Moderator)
    };
    once.write(&state, &caller, decide).await
}
