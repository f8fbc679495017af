//! What the verdict on a program was, and what it follows from.

use actix_web::{
    get,
    web::{Data, Path},
};

use crate::{
    app::State,
    auth::MaybeCaller,
    http::{Error, Found, NoQuery},
    programs::{
        detail_store::{is_insider, may_read},
        store::{self, ProgramKey},
    },
    time::Timestamp,
    vetting::{
        export::VerdictInputs,
        history::{self, VerdictHistory},
        history_store, standing_store,
    },
};

/// Most entries that a history shows, and most rows that it is made from.
const ENTRIES: usize = 200;

/// Read what the verdict was
///
/// Every verdict that the program had, newest first, with the codes of the reasons that it began with. What expired
/// evidence alone made of a verdict stands as an entry of its own, with the code `evidence_expired`. The public reads it
/// from the first listing on; the program's provider and moderators read all of it. Changes that come from reviews and
/// reports are dated by their month.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_verdict_history",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The history.", body = VerdictHistory)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/verdict-history")]
pub async fn get_program_verdict_history(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Found<VerdictHistory>, Error> {
    let now = state.now();
    let (row, inside, changes) = state
        .db
        .read(move |conn| {
            let caller = caller.0.as_ref();
            let row = store::find(conn, &key)?.ok_or(Error::NotFound("program"))?;
            may_read(caller, &row)?;
            let most = i64::try_from(ENTRIES).unwrap_or(i64::MAX);
            let changes = history_store::changes(conn, row.id, most)?;
            let inside = is_insider(caller, row.provider_id);
            Ok((row, inside, changes))
        })
        .await?;
    let listed = Some(row.listed_at).filter(|at| !inside && *at != Timestamp::EPOCH);
    let mut entries = history::entries(&changes, listed, now);
    entries.truncate(ENTRIES);
    Ok(Found::computed(VerdictHistory { program_id: row.id, entries, as_of: now.day() }))
}

/// Read what the verdict follows from
///
/// Everything that the verdict depends on besides the day, so that anyone can recompute it: the same inputs and the same
/// day give the same verdict, reasons and criteria. `preceptor verdict explain --from` does it offline.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_verdict_inputs",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The inputs.", body = VerdictInputs)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/verdict-inputs")]
pub async fn get_program_verdict_inputs(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Found<VerdictInputs>, Error> {
    let body = state
        .db
        .read(move |conn| {
            let row = store::find(conn, &key)?.ok_or(Error::NotFound("program"))?;
            may_read(caller.0.as_ref(), &row)?;
            let inputs = standing_store::inputs(conn, row.id)?;
            Ok(VerdictInputs { program_id: row.id, slug: row.slug, inputs })
        })
        .await?;
    Ok(Found::computed(body))
}
