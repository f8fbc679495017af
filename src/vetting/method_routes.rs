//! Handlers of guidelines, of what programs are known to keep of them, and of the method.

use actix_web::{
    get,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    coverage::{self, GuidelineCoverage, Source},
    methodology::Methodology,
    rubric::Rubric,
    rubric_store, standing_store,
};
use crate::{
    app::State,
    auth::MaybeCaller,
    http::{Error, Found, NoQuery},
    ids::ProgramId,
    programs::{
        detail_store::may_read,
        store::{self, ProgramKey},
    },
    reference::CriterionCode,
    time::Day,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_guidelines).service(get_program_coverage).service(get_methodology);
}

/// What of a guideline a criterion rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuidelineItem {
    /// The item; null for the guideline as a whole.
    #[schema(max_length = 200, example = "principle 4")]
    pub item: Option<String>,
    /// The criterion of the rubric in force.
    pub criterion: CriterionCode,
}

/// A guideline.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuidelineInfo {
    /// Its code; null for one that the rubric alone names.
    #[schema(max_length = 60, pattern = "^[a-z0-9_]+$", example = "brocher")]
    pub code: Option<String>,
    /// How a criterion's `basis` that names it begins; what stands behind it is the item.
    #[schema(max_length = 200, example = "Brocher")]
    pub prefix: String,
    /// Its title, or what it is where it has none.
    #[schema(max_length = 200, example = "Brocher Declaration")]
    pub title: String,
    /// Who issued or wrote it; null where that is not known.
    #[schema(max_length = 200, example = "Advocacy for Global Health Partnerships")]
    pub issuer: Option<String>,
    /// Where it can be read; null where that is not known for certain.
    #[schema(max_length = 500, format = "uri", pattern = "^https://[!-~]+$")]
    pub url: Option<String>,
    /// What rests on it in the rubric in force, in the order of the criteria.
    #[schema(max_items = 280)]
    pub items: Vec<GuidelineItem>,
}

/// Every guideline.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuidelineList {
    /// The whole list.
    #[schema(max_items = 300)]
    pub data: Vec<GuidelineInfo>,
}

impl GuidelineList {
    fn of(rubric: &Rubric) -> Self {
        let info = |(source, bases): (Source<'_>, Vec<coverage::Basis<'_>>)| {
            let item = |basis: coverage::Basis<'_>| GuidelineItem {
                item: basis.item.map(str::to_owned),
                criterion: basis.criterion,
            };
            let items = bases.into_iter().map(item).collect();
            match source {
                Source::Known(known) => GuidelineInfo {
                    code: Some(known.code.clone()),
                    prefix: known.prefix.clone(),
                    title: known.title.clone(),
                    issuer: Some(known.issuer.clone()),
                    url: known.url.clone(),
                    items,
                },
                Source::Own(text) => GuidelineInfo {
                    code: None,
                    prefix: text.to_owned(),
                    title: text.to_owned(),
                    issuer: None,
                    url: None,
                    items,
                },
            }
        };
        Self { data: coverage::sources(rubric).into_iter().map(info).collect() }
    }
}

/// List the guidelines
///
/// The guidelines that criteria rest on, each with the criteria of the rubric in force that name it in `basis`. A basis
/// that names none of those known here is a guideline of its own, without a code. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_guidelines",
    responses((status = 200, description = "Every guideline.", body = GuidelineList)),
    security(())
)]
#[get("/v1/reference/guidelines")]
pub async fn list_guidelines(state: Data<State>, _: NoQuery) -> Result<Found<GuidelineList>, Error> {
    let (_, rubric) = state.db.read(rubric_store::current).await?;
    Ok(Found::computed(GuidelineList::of(&rubric)))
}

/// Which items of which guidelines a program is known to keep.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageBody {
    /// The program.
    pub program_id: ProgramId,
    /// Version of the rubric that it was judged by.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
    /// The day for which the standing of the criteria was taken.
    pub as_of: Day,
    /// Every guideline that this version of the rubric rests on.
    #[schema(max_items = 300)]
    pub guidelines: Vec<GuidelineCoverage>,
}

/// Read what a program is known to keep of each guideline
///
/// Each guideline that the rubric rests on, with its items: the criterion that rests on the item, what holds of it on
/// this day, and the evidence. An item without evidence that holds is not known to be kept.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_coverage",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The guidelines with their items.", body = CoverageBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/coverage")]
pub async fn get_program_coverage(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Found<CoverageBody>, Error> {
    let as_of = state.now().day();
    let found = state.db.read(move |conn| {
        let row = store::find(conn, &key)?.ok_or(Error::NotFound("program"))?;
        may_read(caller.0.as_ref(), &row)?;
        let inputs = standing_store::inputs(conn, row.id)?;
        let version = inputs.rubric.version;
        let rubric = rubric_store::find(conn, version)?;
        let guidelines = coverage::coverage(&rubric, &inputs, as_of);
        Ok(CoverageBody { program_id: row.id, rubric_version: version, as_of, guidelines })
    });
    Ok(Found::computed(found.await?))
}

/// Read the method
///
/// How scores and verdicts come about: formula and constants, the rule of the verdict, evidence and its expiry, what
/// verified reviews and listings change, the orders of lists, and how reviews are checked. Everything here is what the
/// service computes with.
#[utoipa::path(
    tag = "reference",
    operation_id = "get_methodology",
    responses((status = 200, description = "The method.", body = Methodology)),
    security(())
)]
#[get("/v1/methodology")]
pub async fn get_methodology(state: Data<State>, _: NoQuery) -> Result<Found<Methodology>, Error> {
    let (version, rubric) = state.db.read(rubric_store::current).await?;
    Ok(Found::computed(Methodology::of(version, &rubric)))
}
