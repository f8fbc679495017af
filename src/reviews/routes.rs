//! Handlers of reviews: what anyone and what authors read. What authors do is in `writing`, what moderators do in
//! `moderation`.

use super::{
    body::{ProgramReviewPage, ReviewBody, ReviewPage, View},
    cohort::CohortRule,
    list_store::{self, PublicFilter, ReviewSort},
    model::ReviewInput,
    response_store::{self, Told},
    store::{self, ReviewRow},
};
use crate::{
    app::State,
    auth::{MaybeCaller, Participant},
    db::Conn,
    http::{Changed, Error, Found, FromParams, NoQuery, Page, Paging, Params, Query, Slice, schema::semantic_faults},
    ids::{DecisionId, ReviewId},
    patch_schema,
    programs::store::ProgramKey,
    reference::TrainingLevel,
    time::Day,
};
use actix_web::{
    get,
    web::{Data, Path},
};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

mod moderation;
mod votes;
mod writing;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_program_reviews)
        .service(writing::create_review)
        .service(moderation::list_reviews)
        .service(list_my_reviews)
        .service(get_review)
        .service(writing::update_review)
        .service(writing::withdraw_review)
        .service(moderation::decide_review)
        .service(votes::vote)
        .service(votes::unvote);
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
        let sort = params.parsed("sort", "newest, helpful, lowest or highest.");
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
fn page(slice: Slice<Told>, view: View) -> Result<Page<ReviewPage>, Error> {
    let Slice { rows, next_cursor, links } = slice;
    let bodies: Result<_, Error> = rows.iter().map(|told| ReviewBody::read(told, view)).collect();
    Ok(ReviewPage::answer(Slice { rows: bodies?, next_cursor, links }, |body| body))
}

/// The review as it is now, for one reader.
fn shown(told: &Told, view: View) -> Result<Changed<ReviewBody>, Error> {
    Ok(Changed { body: ReviewBody::read(told, view)?, etag: view.etag(&told.row, &told.responses) })
}

/// The row as it is now with what others add, read in the transaction that changed it.
fn changed(conn: &mut Conn, row: ReviewRow, view: View) -> Result<Changed<ReviewBody>, Error> {
    let responses = response_store::of(conn, row.id)?;
    shown(&Told { row, responses }, view)
}

/// How small cohorts are kept together, with what one write needs that is random.
pub(crate) fn cohort_rule(state: &State) -> Result<CohortRule, Error> {
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(|_| Error::internal("no random bytes"))?;
    Ok(CohortRule::drawn(state.config.small_cohort, random, || DecisionId::from_uuid(Uuid::new_v4())))
}

fn check_period(content: &ReviewInput, today: Day) -> Result<(), Error> {
    content.check_period(today).map_err(|faults| Error::Invalid(semantic_faults(&faults)))
}

/// List a program's reviews
///
/// Published reviews of a listed or suspended program. `sort=newest` has the latest publication first, `highest`
/// and `lowest` go by the mean of the ratings; reviews without ratings come last in `highest` and are left out of
/// `lowest`. `helpful` goes by the votes of other participants, and those without any follow as in `newest`.
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
    responses((status = 200, description = "A page of reviews.", body = ProgramReviewPage)),
    security(())
)]
#[get("/v1/programs/{program}/reviews")]
pub async fn list_program_reviews(
    state: Data<State>,
    program: Path<ProgramKey>,
    query: Query<PublicQuery>,
) -> Result<Page<ProgramReviewPage>, Error> {
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
    let slice = paging.page(rows, &state.cursors, |told| filter.sort.position(told));
    ProgramReviewPage::answer(&slice, filter.sort)
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
    let told = state.db.read(move |conn| response_store::find(conn, id)).await?;
    let view = View::of(&told.row, caller.as_ref()).ok_or(Error::NotFound("review"))?;
    let Changed { body, etag } = shown(&told, view)?;
    Ok(Found::versioned(body, etag))
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
    let list = move |conn: &mut Conn| {
        let rows = list_store::of_participant(conn, caller.id, after.as_ref(), limit)?;
        Ok(response_store::with(conn, rows)?)
    };
    let rows = state.db.read(list).await?;
    page(paging.page(rows, &state.cursors, |told: &Told| list_store::by_id(&told.row)), View::Author)
}
