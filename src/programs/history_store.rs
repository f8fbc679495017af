//! Queries on the former listings of a program.

use diesel::{dsl::max, prelude::*};

use super::store::ProgramRow;
use crate::{
    db::{Conn, schema::program_versions},
    ids::ProgramId,
    time::Timestamp,
};

/// One stored version of a listing: number, JSON text, and when it was written.
pub type StoredVersion = (i32, String, Timestamp);

/// The listing that was public when the program was first listed; 1 when it never was.
pub fn first_public_version(conn: &mut Conn, row: &ProgramRow) -> QueryResult<i32> {
    let at_listing: Option<i32> = program_versions::table
        .filter(program_versions::program_id.eq(row.id))
        .filter(program_versions::created_at.le(row.listed_at))
        .select(max(program_versions::version))
        .first(conn)?;
    Ok(at_listing.unwrap_or(1))
}

/// The versions from number `first` on, newest first, at most `limit`.
pub fn versions(conn: &mut Conn, id: ProgramId, first: i32, limit: i64) -> QueryResult<Vec<StoredVersion>> {
    program_versions::table
        .filter(program_versions::program_id.eq(id))
        .filter(program_versions::version.ge(first))
        .order(program_versions::version.desc())
        .limit(limit)
        .select((program_versions::version, program_versions::listing, program_versions::created_at))
        .load(conn)
}
