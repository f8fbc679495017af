//! Queries on what verdicts follow from, for reading it elsewhere.

use diesel::prelude::*;

use super::{export::VerdictInputs, standing_store};
use crate::{
    db::{Backend, Conn, schema::programs},
    http::Error,
    ids::ProgramId,
    programs::model::ProgramStatus,
};

/// Programs read at once.
const BATCH: i64 = 200;

/// Of the next programs after one, in the order of their ids: the inputs of those that are listed or suspended, and the
/// last one, after which to go on; `None` when there are no more.
pub fn batch(conn: &mut Conn, after: Option<ProgramId>) -> Result<Option<(Vec<VerdictInputs>, ProgramId)>, Error> {
    let mut query = programs::table.into_boxed::<Backend>();
    if let Some(after) = after {
        query = query.filter(programs::id.gt(after));
    }
    // A condition on the status would lead to its index, and each batch would sort all that it finds.
    let columns = (programs::id, programs::slug, programs::status);
    let found: Vec<(ProgramId, String, ProgramStatus)> =
        query.order(programs::id).limit(BATCH).select(columns).load(conn)?;
    let Some(last) = found.last().map(|(id, ..)| *id) else { return Ok(None) };
    let public = found.into_iter().filter(|(.., status)| status.is_public());
    let inputs = |(program_id, slug, _)| {
        Ok(VerdictInputs { program_id, slug, inputs: standing_store::inputs(conn, program_id)? })
    };
    Ok(Some((public.map(inputs).collect::<Result<_, Error>>()?, last)))
}
