//! What a program was and how it changed.
//!
//! The public reads the record from the day on which the program was first listed, beginning with the listing that was
//! public then. What came before is between the provider and the moderators.

use actix_web::{
    get,
    web::{Data, Path},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::State,
    auth::{Caller, MaybeCaller},
    db::Conn,
    http::{Error, Found, NoQuery},
    ids::ProgramId,
    moderation::{self, DecisionBody, SubjectKind},
    programs::{
        detail_store::{is_insider, may_read},
        history_store,
        model::ProgramInput,
        store::{self, ProgramKey, ProgramRow},
    },
    time::Timestamp,
};

/// Most versions of a listing that a history shows; older ones are read by their number.
const VERSIONS: i64 = 50;
/// Most decisions that a history shows.
const DECISIONS: i64 = 500;

/// What happened to a program.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryBody {
    /// The program.
    pub program_id: ProgramId,
    /// Changes of its state, oldest first.
    #[schema(max_items = 500)]
    pub decisions: Vec<DecisionBody>,
    /// Its listings, newest first, at most 50.
    #[schema(max_items = 50)]
    pub versions: Vec<ListingVersion>,
}

/// One version of a listing, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListingVersion {
    /// Its number; the first is 1.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 2)]
    pub version: i32,
    /// When it was written.
    pub created_at: Timestamp,
    /// Members that differ from the version before, in alphabetical order; empty for the first one shown.
    #[schema(max_items = 50, max_length = 40, pattern = "^[a-z_]+$", example = json!(["fees", "summary"]))]
    pub changed: Vec<String>,
}

/// A listing as it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionBody {
    /// The program.
    pub program_id: ProgramId,
    /// The number of the version.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub version: i32,
    /// When it was written.
    pub created_at: Timestamp,
    /// The listing.
    pub listing: ProgramInput,
}

/// The first version that the caller may read.
fn first_version(conn: &mut Conn, caller: Option<&Caller>, row: &ProgramRow) -> Result<i32, Error> {
    if is_insider(caller, row.provider_id) { Ok(1) } else { Ok(history_store::first_public_version(conn, row)?) }
}

fn versions(conn: &mut Conn, id: ProgramId, first: i32) -> Result<Vec<ListingVersion>, Error> {
    // One more than shown, to compare the last one shown with.
    let rows = history_store::versions(conn, id, first, VERSIONS + 1)?;
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).map_err(Error::internal);
    let mut shown = Vec::with_capacity(rows.len());
    let mut older: Option<Map<String, Value>> = None;
    for (version, listing, created_at) in rows.iter().rev() {
        let listing = read(listing)?;
        let changed = older.as_ref().map(|older| changed(older, &listing)).unwrap_or_default();
        shown.push(ListingVersion { version: *version, created_at: *created_at, changed });
        older = Some(listing);
    }
    shown.reverse();
    shown.truncate(usize::try_from(VERSIONS).unwrap_or_default());
    Ok(shown)
}

/// Names of the members that differ.
fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let absent = |map: &Map<String, Value>, name: &String| map.get(name).is_none_or(Value::is_null);
    let mut names: Vec<String> = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(*value) && !(value.is_null() && absent(before, name)))
        .map(|(name, _)| name.clone())
        .chain(before.keys().filter(|name| !after.contains_key(*name) && !absent(before, name)).cloned())
        .collect();
    names.sort();
    names
}

/// Read the history of a program
///
/// Every change of its state with the reason, and every listing with the members that changed. The public reads it
/// from the first listing on; the program's provider and moderators read all of it. Persons are never named.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_history",
    params(("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu")),
    responses((status = 200, description = "The history.", body = HistoryBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/history")]
pub async fn get_program_history(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProgramKey>,
    _: NoQuery,
) -> Result<Found<HistoryBody>, Error> {
    let body = state
        .db
        .scan(move |conn| {
            let caller = caller.0.as_ref();
            let row = store::find(conn, &key)?.ok_or(Error::NotFound("program"))?;
            may_read(caller, &row)?;
            let first = first_version(conn, caller, &row)?;
            let versions = versions(conn, row.id, first)?;
            let mut decisions = moderation::store::history(conn, SubjectKind::Program, row.id.as_uuid(), DECISIONS)?;
            if !is_insider(caller, row.provider_id) {
                decisions.retain(|decision| decision.created_at >= row.listed_at);
            }
            Ok(HistoryBody { program_id: row.id, decisions, versions })
        })
        .await?;
    Ok(Found::computed(body))
}

/// Read a listing as it was
///
/// Reports and reviews refer to the listing of their time; every one that was public stays readable.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_version",
    params(
        ("program" = String, Path, description = "Id or slug of the program.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9-]+$", example = "observation-internal-medicine-kathmandu"),
        ("version" = i32, Path, description = "Number of the version; the first is 1.", minimum = 1,
            maximum = 2_147_483_647, example = 1)
    ),
    responses((status = 200, description = "The listing.", body = VersionBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/programs/{program}/versions/{version}")]
pub async fn get_program_version(
    state: Data<State>,
    caller: MaybeCaller,
    path: Path<(ProgramKey, i32)>,
    _: NoQuery,
) -> Result<Found<VersionBody>, Error> {
    let (key, version) = path.into_inner();
    let (program_id, (listing, created_at)) = state
        .db
        .read(move |conn| {
            let caller = caller.0.as_ref();
            let row = store::find(conn, &key)?.ok_or(Error::NotFound("program"))?;
            may_read(caller, &row)?;
            let found = store::listing_text(conn, row.id, version)?;
            let readable = version >= first_version(conn, caller, &row)?;
            Ok((row.id, found.filter(|_| readable).ok_or(Error::NotFound("version"))?))
        })
        .await?;
    let listing = serde_json::from_str(&listing).map_err(Error::internal)?;
    Ok(Found::computed(VersionBody { program_id, version, created_at, listing }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_members_are_named() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let before = map(json!({"title": "A", "fees": [1], "website": null, "debrief": "b", "old": 1}));
        let after = map(json!({"title": "A", "fees": [2], "website": "w", "debrief": null, "new": null}));
        assert_eq!(changed(&before, &after), ["debrief", "fees", "old", "website"]);
        assert!(changed(&before, &before).is_empty());
    }
}
