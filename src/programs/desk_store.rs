//! Queries on programs in every state, for those who work on them.

use diesel::prelude::*;

use super::model::ProgramStatus;
use crate::{
    db::{Conn, schema::programs},
    http::Position,
    ids::{ProgramId, ProviderId},
    time::Timestamp,
};

/// A program and its state.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = programs)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and product terms")]
pub struct StateRow {
    pub id: ProgramId,
    pub slug: String,
    pub provider_id: ProviderId,
    pub title: String,
    pub status: ProgramStatus,
    pub status_reason: Option<String>,
    pub listing_version: i32,
    pub updated_at: Timestamp,
}

impl StateRow {
    /// Where the row stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(0, *self.id.as_uuid())
    }
}

/// Programs of one provider, in the order in which they were made.
pub fn of_provider(
    conn: &mut Conn,
    provider: ProviderId,
    status: Option<ProgramStatus>,
    after: Option<&Position>,
    limit: i64,
) -> QueryResult<Vec<StateRow>> {
    let mut query = programs::table.filter(programs::provider_id.eq(provider)).into_boxed();
    if let Some(status) = status {
        query = query.filter(programs::status.eq(status));
    }
    if let Some(after) = after {
        query = query.filter(programs::id.gt(ProgramId::from_uuid(after.id)));
    }
    query.order(programs::id).limit(limit).select(StateRow::as_select()).load(conn)
}

/// Programs that wait for a moderator, in the order in which they were made. They have never been listed, so the index
/// by time of listing has them in this order; an index of their own would lead SQLite to read searches from it.
pub fn submitted(conn: &mut Conn, after: Option<&Position>, limit: i64) -> QueryResult<Vec<StateRow>> {
    let mut query = programs::table
        .filter(programs::status.eq(ProgramStatus::Submitted))
        .filter(programs::listed_at.eq(Timestamp::EPOCH))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(programs::id.gt(ProgramId::from_uuid(after.id)));
    }
    query.order(programs::id).limit(limit).select(StateRow::as_select()).load(conn)
}
