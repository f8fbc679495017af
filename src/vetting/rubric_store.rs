//! Queries on `rubrics`.

use diesel::prelude::*;

use super::rubric::Rubric;
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    db::{Conn, schema::rubrics},
    http::Error,
    ids::PrincipalId,
    on_each_backend,
    time::Timestamp,
};

/// Enters the rubric that the release brings along, unless there is one already.
pub fn enter_first(conn: &mut Conn) -> QueryResult<()> {
    if diesel::select(diesel::dsl::exists(rubrics::table.find(1))).get_result(conn)? {
        return Ok(());
    }
    let document = serde_json::to_string(&Rubric::first())
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let row = (
        rubrics::version.eq(1),
        rubrics::document.eq(&document),
        rubrics::reason.eq("The version that came with the first release."),
        rubrics::created_at.eq(Timestamp::EPOCH),
    );
    on_each_backend!(conn, |c| diesel::insert_into(rubrics::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// The version in force: the newest.
pub fn current_version(conn: &mut Conn) -> QueryResult<i32> {
    rubrics::table.order(rubrics::version.desc()).select(rubrics::version).first(conn)
}

/// The document of a version that an assessment or verdict names: rows are never deleted, so it is there.
pub fn find(conn: &mut Conn, version: i32) -> Result<Rubric, Error> {
    let text: Option<String> = rubrics::table.find(version).select(rubrics::document).first(conn).optional()?;
    let text = text.ok_or_else(|| Error::internal(format!("no rubric of version {version}")))?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// A version without its document.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = rubrics)]
pub struct VersionRow {
    /// Its number.
    pub version: i32,
    /// Why it was made.
    pub reason: String,
    /// The admin who made it; `None` for the one that came with the release. Never shown.
    pub created_by: Option<PrincipalId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The versions before number `before`, newest first, at most `limit`.
pub fn newest(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<VersionRow>, Error> {
    let before = before.map(i32::try_from).transpose().map_err(|_| Error::Cursor)?;
    let mut query = rubrics::table.select(VersionRow::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(rubrics::version.lt(before));
    }
    Ok(query.order(rubrics::version.desc()).limit(limit).load(conn)?)
}

/// A version with its document; `None` for `version` is the one in force.
pub fn read(conn: &mut Conn, version: Option<i32>) -> Result<Option<(VersionRow, Rubric)>, Error> {
    let mut query = rubrics::table.select((VersionRow::as_select(), rubrics::document)).into_boxed();
    if let Some(version) = version {
        query = query.filter(rubrics::version.eq(version));
    }
    let found: Option<(VersionRow, String)> = query.order(rubrics::version.desc()).first(conn).optional()?;
    found.map(|(row, text)| Ok((row, serde_json::from_str(&text).map_err(Error::internal)?))).transpose()
}

/// The rubric in force, with its version.
pub fn current(conn: &mut Conn) -> Result<(i32, Rubric), Error> {
    let (row, rubric) = read(conn, None)?.ok_or_else(|| Error::internal("there is no rubric"))?;
    Ok((row.version, rubric))
}

/// A version that is about to be made.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// The version that has to be in force.
    pub based_on: i32,
    /// Its document.
    pub document: String,
    /// Why it is made.
    pub reason: String,
    /// The admin who makes it.
    pub by: PrincipalId,
}

/// Puts a new version in force, and writes that down in the security log.
///
/// # Errors
/// 409 when another version than `based_on` is in force.
pub fn replace(conn: &mut Conn, new: &NewVersion, key: &AuditKey, now: Timestamp) -> Result<VersionRow, Error> {
    let version = new.based_on.saturating_add(1);
    let row = (
        rubrics::version.eq(version),
        rubrics::document.eq(&new.document),
        rubrics::reason.eq(&new.reason),
        rubrics::created_by.eq(new.by),
        rubrics::created_at.eq(now),
    );
    let stale = || Error::Conflict("Another version of the rubric is in force; start from that one.".to_owned());
    if current_version(conn)? != new.based_on {
        return Err(stale());
    }
    // Of two that are made from the same version at once, the second finds its number taken.
    let insert =
        on_each_backend!(conn, |c| diesel::insert_into(rubrics::table).values(row).on_conflict_do_nothing().execute(c));
    if insert? == 0 {
        return Err(stale());
    }
    let event = Event { kind: AuditKind::RubricReplaced, actor: Some(new.by), subject: format!("rubric:{version}") };
    audit::append(conn, key, &event, now)?;
    Ok(VersionRow { version, reason: new.reason.clone(), created_by: Some(new.by), created_at: now })
}
