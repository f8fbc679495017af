//! Handlers of self-reports, and of the triage entries that follow from them.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    body::SelfReports,
    store,
    triage::TriageDecisionInput,
    triage_body::{TriageEntry, TriageEntryItem, TriageEntryPage},
    triage_store::{self, EntryRow, Filter},
};
use crate::{
    app::State,
    auth::{MaybeCaller, Moderator},
    db::Conn,
    http::{Answered, Changed, Error, Found, FromParams, IfMatch, Json, NoQuery, Once, Page, Paging, Params, Query},
    ids::{DecisionId, ProgramId, TriageEntryId},
    programs::{
        detail_store::may_read,
        store::{ProgramKey, find as find_program},
    },
    verdict::TriageStatus,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(self_reports).service(list).service(read).service(decide);
}

/// Read what verified reviews tell of tasks and claims
///
/// Counts of people and half-years over the published reviews whose authors were verified, read against the task
/// matrix. A signal that is critical puts the program under review; one that two people from different half-years tell
/// of counts in the verdict until moderators have ruled.
#[utoipa::path(
    tag = "self-reports",
    operation_id = "get_program_self_reports",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "What is told, as counts.", body = SelfReports)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/self-reports")]
pub async fn self_reports(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Found<SelfReports>, Error> {
    let body = state
        .db
        .read(move |conn| {
            let row = find_program(conn, &key)?.ok_or(Error::NotFound("program"))?;
            may_read(caller.0.as_ref(), &row)?;
            let (inputs, rubric) = triage_store::rubric_of(conn, row.id)?;
            let (tasks, claims) = (store::tasks(conn, row.id)?, store::claims(conn, row.id)?);
            Ok(SelfReports::of(row.id, (inputs.rubric.version, &rubric), &tasks, inputs.signals, &claims))
        })
        .await?;
    Ok(Found::computed(body))
}

/// Query parameters of the list of triage entries.
#[derive(Debug)]
pub struct EntriesQuery {
    paging: Paging,
    filter: Filter,
}

impl FromParams for EntriesQuery {
    fn from_params(params: &mut Params) -> Self {
        let filter = Filter {
            status: params.parsed("status", "open, confirmed, dismissed or remediated."),
            program: params.parsed("program", "A program's id."),
        };
        Self { paging: Paging::from_params(params), filter }
    }
}

/// List triage entries
///
/// For moderators: what verified reviews tell of that is critical, one entry for each program and kind of red flag.
/// Those that have been open longest come first; `status=open` is the queue. An entry whose last critical account is
/// gone before anybody has ruled is dismissed by the service, with its reason, and an account that comes back reopens it.
#[utoipa::path(
    tag = "triage-entries",
    operation_id = "list_triage_entries",
    params(
        ("status" = Option<TriageStatus>, Query, description = "Only entries in this status.", nullable = false,
            example = "open"),
        ("program" = Option<ProgramId>, Query, description = "Only entries about the program with this id.",
            nullable = false, example = "0195f8a0-1c2d-7abc-8def-0123456789ab"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of triage entries.", body = TriageEntryPage)),
    security(("moderator" = []))
)]
#[get("/v1/triage-entries")]
pub async fn list(
    state: Data<State>,
    _: Moderator,
    query: Query<EntriesQuery>,
) -> Result<Page<TriageEntryPage>, Error> {
    let Query(EntriesQuery { paging, filter }) = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let rows = state.db.read(move |conn| triage_store::queue(conn, filter, after.as_ref(), fetch)).await?;
    let slice = paging.page(rows, &state.cursors, EntryRow::position);
    Ok(TriageEntryPage::answer(slice, TriageEntryItem::from))
}

/// The full answer, read in the transaction that read or changed the entry.
fn full(conn: &mut Conn, id: TriageEntryId) -> Result<Changed<TriageEntry>, Error> {
    let detail = triage_store::detail(conn, id)?;
    let etag = TriageEntry::etag(&detail);
    Ok(Changed { body: TriageEntry::new(detail), etag })
}

/// Read a triage entry
///
/// For moderators: the accounts with their reviews, half-years and tasks, and what was decided. Authors are numbered
/// within the program, so that one can tell whether two accounts come from one person; nothing more is known of them.
#[utoipa::path(
    tag = "triage-entries",
    operation_id = "get_triage_entry",
    params(("entry" = TriageEntryId, Path, description = "Id of the triage entry.",
        example = "6b0c7f3e-52a4-8d1b-9c58-0f2d6c1b7a90")),
    responses((status = 200, description = "The triage entry.", body = TriageEntry)),
    security(("moderator" = []))
)]
#[get("/v1/triage-entries/{entry}")]
pub async fn read(
    state: Data<State>,
    _: Moderator,
    entry: Path<TriageEntryId>,
    _: NoQuery,
) -> Result<Found<TriageEntry>, Error> {
    let id = entry.into_inner();
    let Changed { body, etag } = state.db.read(move |conn| full(conn, id)).await?;
    Ok(Found::versioned(body, etag))
}

/// Rule on a triage entry
///
/// For moderators, never about a provider that they are linked to. `confirm` makes the criteria fail, however many
/// people tell of it; `dismiss` takes the accounts that were read out of the count (hence `If-Match`); `remediate` does the same for what was
/// confirmed, and needs `proof` that the cause was removed. A new critical account reopens a dismissed or remediated
/// entry, and so does an edit of what a cleared review tells of tasks. Every ruling is kept with its reason.
#[utoipa::path(
    tag = "triage-entries",
    operation_id = "decide_triage_entry",
    params(
        ("entry" = TriageEntryId, Path, description = "Id of the triage entry.",
            example = "6b0c7f3e-52a4-8d1b-9c58-0f2d6c1b7a90"),
        ("If-Match" = String, Header, description = "The ETag of the version that was read, or *.", min_length = 1,
            max_length = 200, pattern = "^(\\*|\"[!#-~]*\")$", example = "*"),
    ),
    request_body(content = TriageDecisionInput, example = json!({
        "action": "confirm",
        "reason": "The account names the ward and the nights, and the host's roster agrees."
    })),
    responses((status = 200, description = "The triage entry as it is now.", body = TriageEntry)),
    security(("moderator" = []))
)]
#[post("/v1/triage-entries/{entry}/decisions")]
pub async fn decide(
    state: Data<State>,
    caller: Moderator,
    entry: Path<TriageEntryId>,
    if_match: IfMatch,
    _: NoQuery,
    once: Once,
    body: Json<TriageDecisionInput>,
) -> Result<Answered<Changed<TriageEntry>>, Error> {
    let (id, moderator) = (entry.into_inner(), caller.0);
    state.db.read_latest(move |conn| triage_store::find_to_rule(conn, id, &moderator)).await?;
    let decision = body.valid()?;
    let (now, record) = (state.now(), DecisionId::from_uuid(Uuid::new_v4()));
    let log = state.audit_key();
    let change = move |conn: &mut Conn| {
        let seen = triage_store::detail(conn, id)?;
        if_match.check(&TriageEntry::etag(&seen))?;
        triage_store::decide(conn, &moderator, &seen, &decision, record, now, &log)?;
        full(conn, id)
    };
    once.write(&state, &moderator, change).await
}
