//! Queries on `verdict_changes`.

use diesel::prelude::*;

use super::history::ChangeRow;
use crate::{
    db::{Conn, schema::verdict_changes as v},
    http::Error,
    ids::ProgramId,
    time::{Day, Timestamp},
    verdict::Verdict,
};

/// Verdict, its two days, reasons, rubric, time.
type Stored = (Verdict, Day, Day, String, i32, Timestamp);

/// The last `most` verdicts of a program, in the order in which they were written.
pub fn changes(conn: &mut Conn, program: ProgramId, most: i64) -> Result<Vec<ChangeRow>, Error> {
    let rows: Vec<Stored> = v::table
        .filter(v::program_id.eq(program))
        .order(v::number.desc())
        .limit(most)
        .select((v::verdict, v::conditions_from, v::insufficient_from, v::reasons, v::rubric_version, v::changed_at))
        .load(conn)?;
    let row = |(verdict, conditions_from, insufficient_from, reasons, rubric_version, changed_at): Stored| {
        let reasons = serde_json::from_str(&reasons).map_err(Error::internal)?;
        Ok(ChangeRow { verdict, conditions_from, insufficient_from, reasons, rubric_version, changed_at })
    };
    rows.into_iter().rev().map(row).collect()
}
