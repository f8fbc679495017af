//! Reading a program and its verdict.

use actix_web::{
    get,
    web::{Bytes, Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::ProgramBody;
use crate::{
    app::State,
    auth::MaybeCaller,
    http::{Error, Found, NoQuery, Rendered},
    ids::ProgramId,
    programs::{
        detail_store::{self, may_read},
        store::{self, ProgramKey},
    },
    time::Day,
    verdict::{self, CriterionStanding, Inputs, Notice, Reason, ScopeFinding, Verdict},
    vetting::standing_store,
};

/// Read a program
///
/// Listed programs are public; suspended ones too, with the reason. Other states are shown to the program's provider,
/// moderators, assessors and admins, and do not exist for anyone else.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The program.", body = ProgramBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}")]
pub async fn get_program(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Rendered, Error> {
    let (by, today) = (key.clone(), state.now().day());
    let stamp = state.db.read(move |conn| Ok(detail_store::stamp(conn, &by)?)).await?;
    let stamp = stamp.ok_or(Error::NotFound("program"))?;
    stamp.may_read(caller.0.as_ref())?;
    // An entity tag names one representation, so bytes rendered under it before are the bytes wanted now.
    let etag = stamp.etag(today);
    if let Some(known) = state.details.get(&(stamp.id, etag.clone())) {
        return Ok(Rendered { bytes: known, etag });
    }
    let found = state.db.read(move |conn| Ok(detail_store::find(conn, &key)?)).await?;
    let found = found.ok_or(Error::NotFound("program"))?;
    may_read(caller.0.as_ref(), &found.row)?;
    let (id, etag) = (found.row.id, found.etag(today));
    let bytes = Bytes::from(serde_json::to_vec(&ProgramBody::of(found, today)?).map_err(Error::internal)?);
    state.details.insert((id, etag.clone()), bytes.clone());
    Ok(Rendered { bytes, etag })
}

/// The verdict on a program, with its reasons.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictBody {
    /// The program.
    pub program_id: ProgramId,
    /// Version of the rubric that it was judged by.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
    /// The conclusion.
    pub verdict: Verdict,
    /// What a reader must know besides.
    #[schema(max_items = 10)]
    pub notices: Vec<Notice>,
    /// The first day on which verdict, notices or reasons change by the clock alone, if nothing else happens: the next
    /// expiry of evidence that carries a ruling; null when no day does that.
    pub holds_until: Option<Day>,
    /// Why, the decisive reason first.
    #[schema(max_items = 100)]
    pub reasons: Vec<Reason>,
    /// Every criterion of the rubric, in its order.
    #[schema(min_items = 14, max_items = 14)]
    pub criteria: Vec<CriterionStanding>,
    /// What the listing offers beyond the task matrix, in fixed order.
    #[schema(max_items = 55)]
    pub scope_findings: Vec<ScopeFinding>,
    /// The day for which it was decided.
    pub as_of: Day,
    /// Where what it rests on is explained.
    pub links: VerdictLinks,
}

/// Where the parts of a verdict are explained.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictLinks {
    /// The program.
    #[schema(max_length = 200, pattern = "^/[!-~]*$", example = "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab")]
    pub program: String,
    /// The reports found true, as moderators summarised them.
    #[schema(
        max_length = 200,
        pattern = "^/[!-~]*$",
        example = "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab/red-flag-reports"
    )]
    pub red_flag_reports: String,
    /// What verified reviews tell of tasks and claims.
    #[schema(
        max_length = 200,
        pattern = "^/[!-~]*$",
        example = "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab/self-reports"
    )]
    pub self_reports: String,
    /// The criteria of the rubric.
    #[schema(max_length = 200, pattern = "^/[!-~]*$", example = "/v1/reference/criteria")]
    pub criteria: &'static str,
    /// The kinds of red flag.
    #[schema(max_length = 200, pattern = "^/[!-~]*$", example = "/v1/reference/red-flag-kinds")]
    pub red_flag_kinds: &'static str,
}

impl VerdictBody {
    /// What the inputs give on a day.
    #[must_use]
    pub fn of(program: ProgramId, inputs: Inputs, as_of: Day) -> Self {
        let outcome = verdict::decide(&inputs, as_of);
        Self {
            program_id: program,
            rubric_version: inputs.rubric.version,
            verdict: outcome.verdict,
            notices: outcome.notices,
            holds_until: outcome.holds_until,
            reasons: outcome.reasons,
            criteria: outcome.criteria,
            scope_findings: inputs.scope,
            as_of,
            links: VerdictLinks {
                program: format!("/v1/programs/{program}"),
                red_flag_reports: format!("/v1/programs/{program}/red-flag-reports"),
                self_reports: format!("/v1/programs/{program}/self-reports"),
                criteria: "/v1/reference/criteria",
                red_flag_kinds: "/v1/reference/red-flag-kinds",
            },
        }
    }
}

/// Read why the verdict is what it is
///
/// The verdict follows from red-flag reports that were found true and from assessments, by a fixed rule; reviews and
/// their stars never move it. Each reason names the reports, kinds of red flag and criteria that it rests on.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_verdict",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The verdict with its reasons.", body = VerdictBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/verdict")]
pub async fn get_program_verdict(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Found<VerdictBody>, Error> {
    let today = state.now().day();
    let (id, inputs) = state
        .db
        .read(move |conn| {
            let row = store::find(conn, &key)?.ok_or(Error::NotFound("program"))?;
            may_read(caller.0.as_ref(), &row)?;
            Ok((row.id, standing_store::inputs(conn, row.id)?))
        })
        .await?;
    Ok(Found::computed(VerdictBody::of(id, inputs, today)))
}
