//! Handlers of flags on reviews, and of the cases that they open.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{ReviewCase, ReviewCaseItem, ReviewCasePage, ReviewFlag},
    model::{CaseDecisionInput, CaseStatus, Party, ReviewFlagInput},
    store::{self, CaseItemRow, CaseRuled, NewFlag},
};
use crate::{
    app::State,
    auth::{Caller, Moderator},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, Found, FromParams, IfMatch, Json, NoQuery, Once, Page, Paging, Params,
        Query, RequiredOnce, Seen,
    },
    ids::{DecisionId, ReviewCaseId, ReviewFlagId, ReviewId},
    red_flags::measure_store,
    reviews::routes::cohort_rule,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(flag).service(read_own).service(list).service(read).service(decide);
}

/// A participant, or somebody who acts for a provider or a university.
#[derive(Debug, Clone, Copy)]
pub struct Flagger {
    /// The principal.
    pub caller: Caller,
    /// For whom they flag.
    pub party: Party,
}

impl FromRequest for Flagger {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(req, payload);
        Box::pin(async move {
            let caller = caller.await?;
            let party = Party::of(&caller).ok_or(Error::InsufficientScope(
                "This operation needs the token of a participant, a provider or a university.",
                "participant provider university",
            ))?;
            Ok(Self { caller, party })
        })
    }
}

/// Flag a review
///
/// For participants, providers and universities, about a published review of somebody else, once. A moderator looks at
/// all flags on a review together; until then it stays public. Only `identifiable_patient` and `illegal_content` take it
/// out of public view at once, and not where a provider says so, where a moderator has kept the same text after such a
/// flag, or where the flags of the same party have held three reviews that day. Who flagged is shown to nobody.
#[utoipa::path(
    tag = "reviews",
    operation_id = "create_review_flag",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    request_body(content = ReviewFlagInput, description = "The flag.", example = json!({
        "reasons": ["spam", "off_topic"], "note": "The second paragraph advertises another agency."
    })),
    responses((status = 201, description = "The flag.", body = ReviewFlag)),
    security(("participant" = []), ("provider" = []), ("university" = []))
)]
#[post("/v1/reviews/{review}/flags")]
pub async fn flag(
    state: Data<State>,
    Flagger { caller, party }: Flagger,
    review: Path<ReviewId>,
    _: NoQuery,
    RequiredOnce(once): RequiredOnce,
    body: Json<ReviewFlagInput>,
) -> Result<Answered<Created<ReviewFlag>>, Error> {
    let (review, now) = (review.into_inner(), state.now());
    let mut once = once.begin(&state, &caller)?;
    let found = once.read(move |conn| {
        store::find_public(conn, review)?;
        measure_store::check_may_report(conn, caller.id, now)
    });
    if let Seen::Answered(answer) = found.await? {
        return Ok(answer);
    }
    let new = NewFlag {
        id: ReviewFlagId::from_uuid(Uuid::new_v4()),
        case: ReviewCaseId::from_uuid(Uuid::new_v4()),
        record: DecisionId::from_uuid(Uuid::new_v4()),
        by: caller,
        party,
        review,
        input: body.valid()?,
    };
    let write = move |conn: &mut Conn| {
        let body = ReviewFlag::from(store::flag(conn, &new, now)?);
        Created::computed(format!("/v1/reviews/{review}/flag"), body)
    };
    once.write(write).await
}

/// Read one's own flag on a review
///
/// For whoever made it, with how it ended. For everybody else there is no such flag.
#[utoipa::path(
    tag = "reviews",
    operation_id = "get_own_review_flag",
    params(("review" = ReviewId, Path, description = "Id of the review.",
        example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11")),
    responses((status = 200, description = "The flag.", body = ReviewFlag)),
    security(("participant" = []), ("provider" = []), ("university" = []))
)]
#[get("/v1/reviews/{review}/flag")]
pub async fn read_own(
    state: Data<State>,
    Flagger { party, .. }: Flagger,
    review: Path<ReviewId>,
    _: NoQuery,
) -> Result<Found<ReviewFlag>, Error> {
    let id = review.into_inner();
    let own = state.db.read_latest(move |conn| store::own(conn, party, id)).await?;
    Ok(Found::computed(own.into()))
}

/// Query parameters of the list of cases.
#[derive(Debug)]
pub struct CasesQuery {
    paging: Paging,
    status: CaseStatus,
}

impl FromParams for CasesQuery {
    fn from_params(params: &mut Params) -> Self {
        let paging = Paging::from_params(params);
        let status = params.parsed("status", "open or closed.").unwrap_or(CaseStatus::Open);
        Self { paging, status }
    }
}

/// List cases of flagged reviews
///
/// For moderators: those in one state, oldest first. Without `status`, those that wait for a moderator.
#[utoipa::path(
    tag = "review-cases",
    operation_id = "list_review_cases",
    params(
        ("status" = Option<CaseStatus>, Query, description = "State; `open` when absent.", nullable = false,
            example = "open"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of cases.", body = ReviewCasePage)),
    security(("moderator" = []))
)]
#[get("/v1/review-cases")]
pub async fn list(state: Data<State>, _: Moderator, query: Query<CasesQuery>) -> Result<Page<ReviewCasePage>, Error> {
    let Query(CasesQuery { paging, status }) = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| store::queue(conn, status, after.as_ref(), fetch)).await?;
    let slice = paging.page(rows, &state.cursors, CaseItemRow::position);
    Ok(ReviewCasePage::answer(slice, ReviewCaseItem::from))
}

/// The full answer, read in the transaction that read or changed the case.
fn full(conn: &mut Conn, id: ReviewCaseId) -> Result<Changed<ReviewCase>, Error> {
    let detail = store::detail(conn, id)?;
    let etag = ReviewCase::etag(&detail);
    Ok(Changed { body: ReviewCase::new(detail), etag })
}

/// Read a case
///
/// For moderators: how many participants, providers and universities gave each reason, and what they wrote, in no order
/// and without a name.
#[utoipa::path(
    tag = "review-cases",
    operation_id = "get_review_case",
    params(("case" = ReviewCaseId, Path, description = "Id of the case.",
        example = "2c9a7e55-0b1d-4f7e-8a51-3b8f0c6d9e21")),
    responses((status = 200, description = "The case.", body = ReviewCase)),
    security(("moderator" = []))
)]
#[get("/v1/review-cases/{case}")]
pub async fn read(
    state: Data<State>,
    _: Moderator,
    case: Path<ReviewCaseId>,
    _: NoQuery,
) -> Result<Found<ReviewCase>, Error> {
    let id = case.into_inner();
    let Changed { body, etag } = state.db.read(move |conn| full(conn, id)).await?;
    Ok(Found::versioned(body, etag))
}

/// Rule on a case
///
/// For moderators, never about a provider that they are linked to. `keep` leaves the review as it is, and makes it public
/// again if a flag had held it; `hold` takes it out of public view until its author changes it; `reject` refuses it. The
/// case is closed, and the review changes with it; its author reads the reason. A case closes by itself when its review
/// is withdrawn, or when a moderator rejects it, or releases what a flag had held, without ruling on the case.
#[utoipa::path(
    tag = "review-cases",
    operation_id = "decide_review_case",
    params(
        ("case" = ReviewCaseId, Path, description = "Id of the case.",
            example = "2c9a7e55-0b1d-4f7e-8a51-3b8f0c6d9e21"),
        ("If-Match" = String, Header, description = "The ETag of the version that was read, or *.", min_length = 1,
            max_length = 200, pattern = "^(\\*|\"[!#-~]*\")$", example = "*"),
    ),
    request_body(content = CaseDecisionInput, description = "The decision.", example = json!({
        "action": "keep", "reason": "Nothing in the text leads to a patient."
    })),
    responses((status = 200, description = "The case as it is now.", body = ReviewCase)),
    security(("moderator" = []))
)]
#[post("/v1/review-cases/{case}/decisions")]
pub async fn decide(
    state: Data<State>,
    Moderator(caller): Moderator,
    case: Path<ReviewCaseId>,
    if_match: IfMatch,
    _: NoQuery,
    once: Once,
    body: Json<CaseDecisionInput>,
) -> Result<Answered<Changed<ReviewCase>>, Error> {
    let (id, now) = (case.into_inner(), state.now());
    state.db.read_latest(move |conn| store::find_to_rule(conn, id, &caller)).await?;
    let decision = body.valid()?;
    let records = [Uuid::now_v7(), Uuid::now_v7()].map(DecisionId::from_uuid);
    let (log, rule) = (state.audit_key(), cohort_rule(&state)?);
    let change = move |conn: &mut Conn| {
        let seen = store::detail(conn, id)?;
        if_match.check(&ReviewCase::etag(&seen))?;
        let act = CaseRuled { records, rule: &rule, audit: &log };
        store::decide(conn, &caller, &seen, &decision, act, now)?;
        full(conn, id)
    };
    once.write(&state, &caller, change).await
}
