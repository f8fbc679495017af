//! Handlers of appeals.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use aws_lc_rs::rand;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::{Appeal, AppealItem, AppealPage},
    list_store,
    model::{AppealDecisionInput, AppealInput, AppealStatus},
    store::{self, AppealRow, Ruling},
};
use crate::{
    app::State,
    auth::{Caller, Moderator, Role},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, Found, FromParams, IfMatch, Json, NoQuery, Once, Page, Paging, Params,
        Query, RequiredOnce, Seen,
    },
    ids::{AppealId, DecisionId},
    reviews::cohort::CohortRule,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create).service(list).service(list_own).service(read).service(decide);
}

/// The full answer, read in the transaction that read or changed `row`.
fn full(conn: &mut Conn, row: AppealRow) -> Result<Changed<Appeal>, Error> {
    let (history, etag) = (store::history(conn, row.id)?, row.etag());
    Ok(Changed { body: Appeal::new(row, history)?, etag })
}

/// Refuses whoever cannot be affected by a decision.
fn party(caller: &Caller) -> Result<(), Error> {
    match caller.role {
        Role::Participant | Role::Provider => Ok(()),
        _ => {
            let needed = "This operation needs a participant's or a provider's token.";
            Err(Error::InsufficientScope(needed, "participant provider"))
        }
    }
}

/// Appeal against a decision
///
/// For whoever the decision goes against: the author of a review that was held or rejected; the provider of a program that
/// was rejected, suspended or archived, about which a report was found true, an assessment published or a triage entry
/// confirmed; who made a report that was not found true or whose cause was found removed. It is taken for 180 days after
/// the decision, once for each decision, and one at a time about the same thing. Another moderator rules on it; against
/// that ruling there is no appeal here. Only they and whoever appeals read its words.
#[utoipa::path(
    tag = "appeals",
    operation_id = "create_appeal",
    params(("decision" = DecisionId, Path, description = "The decision's id.",
        example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90")),
    request_body(content = AppealInput, example = json!({
        "words": "The name in the text is that of the hospital's founder, who died in 1911, and not of a patient."
    })),
    responses((status = 201, description = "The appeal.", body = Appeal)),
    security(("participant" = []), ("provider" = []))
)]
#[post("/v1/decisions/{decision}/appeals")]
pub async fn create(
    state: Data<State>,
    caller: Caller,
    decision: Path<DecisionId>,
    _: NoQuery,
    RequiredOnce(once): RequiredOnce,
    body: Json<AppealInput>,
) -> Result<Answered<Created<Appeal>>, Error> {
    party(&caller)?;
    let (decision, now) = (decision.into_inner(), state.now());
    let mut once = once.begin(&state, &caller)?;
    let found = once.read(move |conn| store::find_decision(conn, decision, &caller)).await?;
    if let Seen::Answered(answer) = found {
        return Ok(answer);
    }
    let input = body.valid()?;
    let id = AppealId::from_uuid(Uuid::new_v4());
    let create = move |conn: &mut Conn| {
        let row = store::create(conn, &caller, decision, &input, id, now)?;
        let Changed { body, etag } = full(conn, row)?;
        Ok(Created { location: format!("/v1/appeals/{id}"), etag, body })
    };
    once.write(create).await
}

/// Query parameters of the list for moderators.
#[derive(Debug)]
pub struct AppealsQuery {
    paging: Paging,
    status: Option<AppealStatus>,
}

impl FromParams for AppealsQuery {
    fn from_params(params: &mut Params) -> Self {
        let status = params.parsed("status", "pending, upheld or denied.");
        Self { paging: Paging::from_params(params), status }
    }
}

/// List appeals
///
/// For moderators: all appeals, oldest first; `status=pending` is the queue.
#[utoipa::path(
    tag = "appeals",
    operation_id = "list_appeals",
    params(
        ("status" = Option<AppealStatus>, Query, description = "Only appeals in this status.", nullable = false,
            example = "pending"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of appeals.", body = AppealPage)),
    security(("moderator" = []))
)]
#[get("/v1/appeals")]
pub async fn list(state: Data<State>, _: Moderator, query: Query<AppealsQuery>) -> Result<Page<AppealPage>, Error> {
    let Query(AppealsQuery { paging, status }) = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| list_store::queue(conn, status, after.as_ref(), fetch)).await?;
    Ok(AppealPage::answer(paging.page(rows, &state.cursors, AppealRow::position), AppealItem::from))
}

/// Query parameters of the list of one's own appeals.
#[derive(Debug)]
pub struct OwnAppealsQuery(Paging);

impl FromParams for OwnAppealsQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List own appeals
///
/// For participants and providers: the appeals that the caller has made, or anybody for the same provider; newest first.
#[utoipa::path(
    tag = "appeals",
    operation_id = "list_own_appeals",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of appeals.", body = AppealPage)),
    security(("participant" = []), ("provider" = []))
)]
#[get("/v1/me/appeals")]
pub async fn list_own(
    state: Data<State>,
    caller: Caller,
    query: Query<OwnAppealsQuery>,
) -> Result<Page<AppealPage>, Error> {
    party(&caller)?;
    let Query(OwnAppealsQuery(paging)) = query;
    let paging = paging.bound_to(caller.id);
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| list_store::own(conn, &caller, after.as_ref(), fetch)).await?;
    Ok(AppealPage::answer(paging.page(rows, &state.cursors, AppealRow::position), AppealItem::from))
}

/// Read an appeal
///
/// For whoever made it and for moderators. For everybody else there is no such appeal.
#[utoipa::path(
    tag = "appeals",
    operation_id = "get_appeal",
    params(("appeal" = AppealId, Path, description = "The appeal's id.",
        example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90")),
    responses((status = 200, description = "The appeal.", body = Appeal)),
    security(("participant" = []), ("provider" = []), ("moderator" = []))
)]
#[get("/v1/appeals/{appeal}")]
pub async fn read(
    state: Data<State>,
    caller: Caller,
    appeal: Path<AppealId>,
    _: NoQuery,
) -> Result<Found<Appeal>, Error> {
    let id = appeal.into_inner();
    let read = move |conn: &mut Conn| {
        let row = store::read(conn, id, &caller)?;
        full(conn, row)
    };
    let Changed { body, etag } = state.db.read(read).await?;
    Ok(Found::versioned(body, etag))
}

/// Rule on an appeal
///
/// For moderators who did not take the decision and are not linked to the provider. `uphold` undoes the decision where it
/// still stands and can be undone: the review is published, the program reinstated or handed in again, the report or triage
/// entry looked into again. That is recorded as a decision of its own, and `effect` says whether it was done. `deny` leaves
/// everything as it is. While an appeal is pending, whoever took the decision rules on the same thing by no other
/// operation either.
#[utoipa::path(
    tag = "appeals",
    operation_id = "decide_appeal",
    params(
        ("appeal" = AppealId, Path, description = "The appeal's id.",
            example = "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90"),
        ("If-Match" = String, Header, description = "The ETag of the version that was read, or *.", min_length = 1,
            max_length = 200, pattern = "^(\\*|\"[!#-~]*\")$", example = "*"),
    ),
    request_body(content = AppealDecisionInput, example = json!({
        "action": "uphold",
        "reason": "The name is that of a historical person; nobody can be recognised by it."
    })),
    responses((status = 200, description = "The appeal as it is now.", body = Appeal)),
    security(("moderator" = []))
)]
#[post("/v1/appeals/{appeal}/decisions")]
pub async fn decide(
    state: Data<State>,
    caller: Moderator,
    appeal: Path<AppealId>,
    if_match: IfMatch,
    _: NoQuery,
    once: Once,
    body: Json<AppealDecisionInput>,
) -> Result<Answered<Changed<Appeal>>, Error> {
    let (id, moderator) = (appeal.into_inner(), caller.0);
    state.db.read_latest(move |conn| store::find_to_rule(conn, id, &moderator)).await?;
    let decision = body.valid()?;
    let [record, first, second] = [(); 3].map(|()| DecisionId::from_uuid(Uuid::new_v4()));
    // Of one moment: the ids give their order.
    let undone = [first.min(second), first.max(second)];
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(|_| Error::internal("no random bytes"))?;
    let fresh = || DecisionId::from_uuid(Uuid::new_v4());
    let rule = CohortRule::drawn(state.config.small_cohort, random, fresh);
    let (now, audit) = (state.now(), state.audit_key());
    let change = move |conn: &mut Conn| {
        let (seen, _) = store::find_to_rule(conn, id, &moderator)?;
        if_match.check(&seen.etag())?;
        let ruling = Ruling { record, undone, rule: &rule, now, audit: &audit };
        let row = store::decide(conn, &moderator, &seen, &decision, &ruling)?;
        full(conn, row)
    };
    once.write(&state, &moderator, change).await
}
