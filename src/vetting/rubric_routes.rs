//! Handlers of the rubric, its versions, and its lists.

use actix_web::{
    get, post,
    web::{Data, Path},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    methodology::{EvidenceLevel, VerdictRule, evidence_levels, verdict_rules},
    rubric::{EvidenceMonths, Rubric},
    rubric_input::{RubricInput, example},
    rubric_store::{self, NewVersion, VersionRow},
};
use crate::{
    app::State,
    auth::Admin,
    db::Conn,
    http::{Answered, Created, Error, Found, FromParams, Json, NoQuery, Once, Page, Paging, Params, Position, Query},
    page_type,
    reference::{CriterionInfo, TaskInfo},
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_rubrics).service(create_rubric).service(get_rubric).service(list_criteria).service(list_tasks);
}

/// A version of the rubric without its content.
#[derive(Debug, Serialize, ToSchema)]
pub struct RubricItem {
    /// Its number. It is never changed.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub version: i32,
    /// Why it was made.
    #[schema(max_length = 2000, example = "The version that came with the first release.")]
    pub reason: String,
    /// When it was put in force; null for the one that came with the release.
    pub created_at: Option<Timestamp>,
    /// Whether it is the newest, by which programs without a published assessment are judged.
    pub in_force: bool,
}

impl RubricItem {
    fn new(row: VersionRow, current: i32) -> Self {
        let created_at = row.created_by.map(|_| row.created_at);
        Self { version: row.version, reason: row.reason, created_at, in_force: row.version == current }
    }
}

page_type! {
    /// A page of versions of the rubric.
    RubricPage of RubricItem
}

/// A version of the rubric.
#[derive(Debug, Serialize, ToSchema)]
pub struct RubricBody {
    /// Its number. It is never changed.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub version: i32,
    /// Why it was made.
    #[schema(max_length = 2000, example = "The version that came with the first release.")]
    pub reason: String,
    /// When it was put in force; null for the one that came with the release.
    pub created_at: Option<Timestamp>,
    /// Whether it is the newest, by which programs without a published assessment are judged.
    pub in_force: bool,
    /// What each level of evidence is, the same in every version.
    #[schema(min_items = 4, max_items = 4)]
    pub evidence_levels: Vec<EvidenceLevel>,
    /// For how long evidence holds.
    pub evidence_months: EvidenceMonths,
    /// When each verdict is given, worst first, the same in every version: the first rule that fits holds.
    #[schema(min_items = 4, max_items = 4)]
    pub verdict_rule: Vec<VerdictRule>,
    /// The criteria.
    #[schema(min_items = 14, max_items = 14)]
    pub criteria: Vec<CriterionInfo>,
    /// The task matrix.
    #[schema(min_items = 11, max_items = 11)]
    pub tasks: Vec<TaskInfo>,
}

impl RubricBody {
    fn new(row: VersionRow, rubric: Rubric, current: i32) -> Self {
        let RubricItem { version, reason, created_at, in_force } = RubricItem::new(row, current);
        Self {
            version,
            reason,
            created_at,
            in_force,
            evidence_levels: evidence_levels(),
            evidence_months: rubric.evidence_months,
            verdict_rule: verdict_rules(),
            criteria: rubric.criteria,
            tasks: rubric.tasks,
        }
    }
}

/// Query parameters of the list of versions.
#[derive(Debug)]
pub struct RubricsQuery(Paging);

impl FromParams for RubricsQuery {
    fn from_params(params: &mut Params) -> Self {
        Self(Paging::from_params(params))
    }
}

/// List the versions of the rubric
///
/// Newest first. A version is never changed; the newest is in force. Programs without a published assessment are judged
/// by it, programs with one by the version that they were assessed with.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_rubrics",
    params(
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            nullable = false, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", nullable = false),
    ),
    responses((status = 200, description = "A page of versions.", body = RubricPage)),
    security(())
)]
#[get("/v1/reference/rubrics")]
pub async fn list_rubrics(
    state: Data<State>,
    Query(RubricsQuery(paging)): Query<RubricsQuery>,
) -> Result<Page<RubricPage>, Error> {
    let before = paging.position(&state.cursors)?.map(|position| position.number);
    let fetch = paging.fetch();
    let found = state
        .db
        .read(move |conn| Ok((rubric_store::newest(conn, before, fetch)?, rubric_store::current_version(conn)?)));
    let (rows, current) = found.await?;
    let position = |row: &VersionRow| Position::by_number(row.version.into(), Uuid::nil());
    let slice = paging.page(rows, &state.cursors, position);
    Ok(RubricPage::answer(slice, |row| RubricItem::new(row, current)))
}

/// Put a new version of the rubric in force
///
/// For admins: a whole new version, made from the one in force; when another came in between, the answer is 409. Programs
/// without a published assessment are judged by it from the next minutes on, and each verdict names the version that it
/// follows from. Programs with one keep the version that they were assessed with. It is entered into the security log.
#[utoipa::path(
    tag = "reference",
    operation_id = "create_rubric",
    request_body(content = RubricInput, example = json!(example())),
    responses((status = 201, description = "The version that is now in force.", body = RubricBody)),
    security(("admin" = []))
)]
#[post("/v1/reference/rubrics")]
pub async fn create_rubric(
    state: Data<State>,
    caller: Admin,
    _: NoQuery,
    once: Once,
    body: Json<RubricInput>,
) -> Result<Answered<Created<RubricBody>>, Error> {
    let input = body.valid()?;
    let (now, key, based_on, reason) = (state.now(), state.audit_key(), input.based_on, input.reason.clone());
    let rubric = input.rubric();
    let document = serde_json::to_string(&rubric).map_err(Error::internal)?;
    let new = NewVersion { based_on, document, reason, by: caller.0.id };
    let create = move |conn: &mut Conn| {
        let row = rubric_store::replace(conn, &new, &key, now)?;
        let version = row.version;
        Created::computed(format!("/v1/reference/rubrics/{version}"), RubricBody::new(row, rubric.clone(), version))
    };
    once.write(&state, &caller.0, create).await
}

/// How a path names a version: by its number, or as the one in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionKey {
    /// The version in force.
    Current,
    /// The version of this number.
    Number(i32),
}

impl<'de> Deserialize<'de> for VersionKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "current" {
            return Ok(Self::Current);
        }
        // One address for each version: "+1" and "01" are none.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().ok().filter(|_| plain);
        number.map(Self::Number).ok_or_else(|| serde::de::Error::custom("no version"))
    }
}

/// Read a version of the rubric
///
/// The criteria, how long evidence holds, the task matrix and the rule of the verdict. `current` is the version in force.
#[utoipa::path(
    tag = "reference",
    operation_id = "get_rubric",
    params(("version" = String, Path, description = "Number of the version, or `current`.", min_length = 1,
        max_length = 10, pattern = "^(current|[1-9][0-9]{0,9})$", example = "current")),
    responses((status = 200, description = "The version.", body = RubricBody)),
    security(())
)]
#[get("/v1/reference/rubrics/{version}")]
pub async fn get_rubric(state: Data<State>, version: Path<VersionKey>, _: NoQuery) -> Result<Found<RubricBody>, Error> {
    let number = match version.into_inner() {
        VersionKey::Current => None,
        VersionKey::Number(number) => Some(number),
    };
    let found = state.db.read(move |conn| {
        let (row, rubric) = rubric_store::read(conn, number)?.ok_or(Error::NotFound("version"))?;
        Ok(RubricBody::new(row, rubric, rubric_store::current_version(conn)?))
    });
    Ok(Found::computed(found.await?))
}

/// Every criterion of the rubric in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct CriterionList {
    /// The whole list.
    #[schema(max_items = 300)]
    pub data: Vec<CriterionInfo>,
}

/// Every task of the scope matrix in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskList {
    /// The whole list.
    #[schema(max_items = 300)]
    pub data: Vec<TaskInfo>,
}

/// List the criteria
///
/// The 14 criteria of the vetting rubric in its version in force: the standard, what shows that it is met, whether
/// failing it decides the verdict alone, and the kinds of red flag that speak against it. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_criteria",
    responses((status = 200, description = "Every criterion.", body = CriterionList)),
    security(())
)]
#[get("/v1/reference/criteria")]
pub async fn list_criteria(state: Data<State>, _: NoQuery) -> Result<Found<CriterionList>, Error> {
    let (_, rubric) = state.db.read(rubric_store::current).await?;
    Ok(Found::computed(CriterionList { data: rubric.criteria }))
}

/// List the tasks
///
/// The tasks of the scope matrix and what each training level may do with them, in the version of the rubric that is in
/// force. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_tasks",
    responses((status = 200, description = "Every task.", body = TaskList)),
    security(())
)]
#[get("/v1/reference/tasks")]
pub async fn list_tasks(state: Data<State>, _: NoQuery) -> Result<Found<TaskList>, Error> {
    let (_, rubric) = state.db.read(rubric_store::current).await?;
    Ok(Found::computed(TaskList { data: rubric.tasks }))
}
