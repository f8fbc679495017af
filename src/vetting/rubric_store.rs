//! Queries on `rubrics`.

use diesel::prelude::*;

use super::rubric::Rubric;
use crate::{
    db::{Conn, schema::rubrics},
    http::Error,
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

/// A version's document; `None` when there is no such version.
pub fn find(conn: &mut Conn, version: i32) -> Result<Option<Rubric>, Error> {
    let text: Option<String> = rubrics::table.find(version).select(rubrics::document).first(conn).optional()?;
    text.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()
}
