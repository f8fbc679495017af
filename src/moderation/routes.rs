//! Handlers of the moderators' queue.

use actix_web::{
    delete, get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    batch::{BatchAction, BatchItem, BatchResult, ModerationBatchInput, ModerationBatchResult},
    claim_store,
    queue::{ClaimFilter, QueueFilter, QueueItem, QueueKind, QueuePage},
    queue_store::{self, Waiting},
};
use crate::{
    app::State,
    auth::{Caller, Moderator},
    db::Conn,
    http::{Answered, Changed, Error, FromParams, Json, NoContent, NoQuery, Once, Page, Paging, Params, Query, Seen},
    ids::{DecisionId, ProgramId, QueueItemId, ReportId, ReviewId},
    red_flags::{
        self,
        model::{ReportDecisionInput, ReportRuling},
    },
    reviews::{
        self,
        model::{ReviewDecisionInput, ReviewRuling},
        store::Ruled,
    },
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_queue).service(claim_item).service(release_item).service(decide_batch);
}

/// Query parameters of the queue.
#[derive(Debug)]
pub struct QueueQuery {
    filter: QueueFilter,
    paging: Paging,
}

impl FromParams for QueueQuery {
    fn from_params(params: &mut Params) -> Self {
        let filter = QueueFilter {
            kind: params.parsed("kind", "A kind of thing, such as review."),
            program: params.parsed("program", "A program's id."),
            claim: params.parsed("claim", "mine, free or any.").unwrap_or(ClaimFilter::Any),
            urgent: params.flag("urgent"),
        };
        Self { filter, paging: Paging::from_params(params) }
    }
}

/// List what waits for moderators
///
/// Held reviews, red-flag reports that are submitted or in triage, submitted programs and open triage entries, that first
/// which has waited longest. The things themselves are read at `href`, and decided on there.
#[utoipa::path(
    tag = "moderation",
    operation_id = "list_moderation_queue",
    params(
        ("kind" = Option<QueueKind>, Query, description = "Only things of this kind.", nullable = false,
            example = "review"),
        ("program" = Option<ProgramId>, Query, description = "Only what concerns the program with this id.",
            nullable = false, example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("claim" = Option<ClaimFilter>, Query, description = "`mine`: what the caller has claimed; `free`: what nobody \
            has; `any` when absent.", nullable = false, example = "free"),
        ("urgent" = Option<bool>, Query, description = "Only what is urgent, or only what is not.", nullable = false,
            example = true),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of the queue.", body = QueuePage)),
    security(("moderator" = []))
)]
#[get("/v1/moderation/queue")]
pub async fn list_queue(
    state: Data<State>,
    Moderator(caller): Moderator,
    query: Query<QueueQuery>,
) -> Result<Page<QueuePage>, Error> {
    let Query(QueueQuery { filter, paging }) = query;
    let paging = paging.bound_to(caller.id);
    let after = paging.position(&state.cursors)?;
    let (limit, now) = (paging.fetch(), state.now());
    // Rare things may stand far behind in what waits.
    let list = move |conn: &mut Conn| queue_store::page(conn, &filter, caller.id, now, after.as_ref(), limit);
    let rows = state.db.scan(list).await?;
    let slice = paging.page(rows, &state.cursors, Waiting::position);
    Ok(QueuePage::answer(slice, |row| QueueItem::new(&row, caller.id, now)))
}

/// Claim what waits
///
/// For moderators who are not linked to the provider. For 30 minutes nobody else decides on it, and its decisions by others
/// are 409. Claimed again by its holder, it is held for 30 minutes from then. A decision ends the claim, so whoever goes on
/// with a report in triage claims it anew.
#[utoipa::path(
    tag = "moderation",
    operation_id = "claim_queue_item",
    params(
        ("kind" = QueueKind, Path, description = "What it is.", example = "review"),
        ("item" = QueueItemId, Path, description = "Its id.", example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11"),
    ),
    responses((status = 200, description = "The item as it is now.", body = QueueItem)),
    security(("moderator" = []))
)]
#[post("/v1/moderation/queue/{kind}/{item}/claim")]
pub async fn claim_item(
    state: Data<State>,
    Moderator(caller): Moderator,
    path: Path<(QueueKind, QueueItemId)>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Changed<QueueItem>>, Error> {
    let ((kind, id), now) = (path.into_inner(), state.now());
    let claim = move |conn: &mut Conn| {
        let item = claim_store::take(conn, &caller, kind, id, now)?;
        let etag = format!("\"c{}\"", now.as_micros());
        Ok(Changed { body: QueueItem::new(&item, caller.id, now), etag })
    };
    once.write(&state, &caller, claim).await
}

/// Give a claim back
///
/// For the moderator who holds it: from then on it is free for others.
#[utoipa::path(
    tag = "moderation",
    operation_id = "release_queue_item",
    params(
        ("kind" = QueueKind, Path, description = "What it is.", example = "review"),
        ("item" = QueueItemId, Path, description = "Its id.", example = "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11"),
    ),
    responses((status = 204, description = "It is free.")),
    security(("moderator" = []))
)]
#[delete("/v1/moderation/queue/{kind}/{item}/claim")]
pub async fn release_item(
    state: Data<State>,
    Moderator(caller): Moderator,
    path: Path<(QueueKind, QueueItemId)>,
    _: NoQuery,
) -> Result<NoContent, Error> {
    let ((kind, id), now) = (path.into_inner(), state.now());
    state.db.write(move |conn| claim_store::give_back(conn, &caller, kind, id, now)).await?;
    Ok(NoContent)
}

/// Decide on several things
///
/// For moderators, and only for what can be taken back and is to nobody's disadvantage: to publish held reviews, to take
/// reports up or go on with them. Each decision is made by itself: some can be refused, with the status and the reason that
/// the same decision alone would have been answered with, and the others still stand.
#[utoipa::path(
    tag = "moderation",
    operation_id = "decide_batch",
    request_body(content = ModerationBatchInput, example = json!({
        "items": [
            {"kind": "review", "id": "6f2b1b8e-6a53-4c0c-9d0b-0b9f5f1f1f11", "action": "publish"},
            {"kind": "red_flag_report", "id": "6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90", "action": "start_triage"}
        ],
        "reason": "What the checks found is a ward's name in both."
    })),
    responses((status = 200, description = "What became of each.", body = ModerationBatchResult)),
    security(("moderator" = []))
)]
#[post("/v1/moderation/batch")]
pub async fn decide_batch(
    state: Data<State>,
    Moderator(caller): Moderator,
    _: NoQuery,
    once: Once,
    body: Json<ModerationBatchInput>,
) -> Result<Answered<Changed<ModerationBatchResult>>, Error> {
    let batch = body.valid()?;
    let faults = batch.faults();
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let mut once = once.begin(&state, &caller)?;
    if let Seen::Answered(answer) = once.read(|_| Ok(())).await? {
        return Ok(answer);
    }
    let mut results = Vec::new();
    for item in batch.items {
        let outcome = decide(&state, caller, item, &batch.reason).await;
        if let Err(error) = &outcome
            && error.problem().status >= 500
        {
            // It is one result among others, so that what was decided before is told.
            tracing::error!(%error, "a decision of a batch failed");
        }
        results.push(BatchResult::new(item, outcome));
    }
    let etag = format!("\"b{}\"", Uuid::now_v7().simple());
    once.write_known(Changed { body: ModerationBatchResult { results }, etag }, |_| Ok(())).await
}

/// One decision, in a transaction of its own.
async fn decide(state: &Data<State>, caller: Caller, item: BatchItem, reason: &str) -> Result<(), Error> {
    let (now, log, record) = (state.now(), state.audit_key(), DecisionId::from_uuid(Uuid::new_v4()));
    let reason = reason.to_owned();
    let ruling = match item.action {
        BatchAction::Publish => {
            let (rule, id) = (reviews::routes::cohort_rule(state)?, ReviewId::from_uuid(*item.id.as_uuid()));
            let decision = ReviewDecisionInput { action: ReviewRuling::Publish, reason, ground: None, facts: None };
            let publish = move |conn: &mut Conn| {
                let act = Ruled { record, rule: &rule, audit: &log };
                reviews::store::decide(conn, &caller, id, &decision, act, now).map(drop)
            };
            return state.db.write(publish).await;
        }
        BatchAction::StartTriage => ReportRuling::StartTriage,
        BatchAction::ResumeTriage => ReportRuling::ResumeTriage,
    };
    let id = ReportId::from_uuid(*item.id.as_uuid());
    let (severity, public_summary, proof, ground, facts) = (None, None, None, None, None);
    let decision = ReportDecisionInput { action: ruling, reason, severity, public_summary, proof, ground, facts };
    let rule =
        move |conn: &mut Conn| red_flags::store::decide(conn, &caller, id, &decision, record, now, &log).map(drop);
    state.db.write(rule).await
}
