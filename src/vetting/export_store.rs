//! Queries on what verdicts follow from, for reading it elsewhere.

use diesel::prelude::*;

use super::{export::VerdictInputs, standing_store};
use crate::{
    db::{Conn, schema::programs},
    http::Error,
    ids::ProgramId,
    programs::model::ProgramStatus,
};

/// Programs of one batch.
const BATCH: i64 = 200;

/// The inputs of the next listed or suspended programs after one, in the order of their ids; none when that was the last.
pub fn batch(conn: &mut Conn, after: Option<ProgramId>) -> Result<Vec<VerdictInputs>, Error> {
    let public = ProgramStatus::ALL.iter().copied().filter(|status| status.is_public());
    let mut query = programs::table.filter(programs::status.eq_any(public)).into_boxed::<crate::db::Backend>();
    if let Some(after) = after {
        query = query.filter(programs::id.gt(after));
    }
    let found: Vec<(ProgramId, String)> =
        query.order(programs::id).limit(BATCH).select((programs::id, programs::slug)).load(conn)?;
    let inputs =
        |(program_id, slug)| Ok(VerdictInputs { program_id, slug, inputs: standing_store::inputs(conn, program_id)? });
    found.into_iter().map(inputs).collect()
}
