//! Queries for the lists of assessments and of their rulings.

use diesel::prelude::*;

use super::model::{AssessmentStatus, Reader};
use crate::{
    db::{
        Conn,
        schema::{assessment_revisions, assessments},
    },
    http::{Error, Position},
    ids::{AssessmentId, ProgramId},
    reference::CriterionCode,
    time::Timestamp,
};

/// The columns that lists show.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = assessments)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ItemRow {
    pub id: AssessmentId,
    pub program_id: ProgramId,
    pub rubric_version: i32,
    pub status: AssessmentStatus,
    pub content: String,
    pub created_at: Timestamp,
    pub submitted_at: Timestamp,
    pub published_at: Timestamp,
}

impl ItemRow {
    /// Where the row stands in a list sorted by when the assessment was opened.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.created_at.as_micros(), *self.id.as_uuid())
    }
}

fn place(position: &Position) -> Result<(Timestamp, AssessmentId), Error> {
    let at = Timestamp::from_micros(position.number).ok_or(Error::Cursor)?;
    Ok((at, AssessmentId::from_uuid(position.id)))
}

/// Assessments in every state, in the order in which they were opened, which is that of their ids.
pub fn all(conn: &mut Conn, after: Option<&Position>, limit: i64) -> Result<Vec<ItemRow>, Error> {
    let mut query = assessments::table.select(ItemRow::as_select()).into_boxed();
    if let Some(position) = after {
        query = query.filter(assessments::id.gt(place(position)?.1));
    }
    Ok(query.order(assessments::id).limit(limit).load(conn)?)
}

/// Assessments in one state, oldest first.
pub fn by_status(
    conn: &mut Conn,
    status: AssessmentStatus,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ItemRow>, Error> {
    let mut query = assessments::table.filter(assessments::status.eq(status)).select(ItemRow::as_select()).into_boxed();
    if let Some(position) = after {
        let (at, id) = place(position)?;
        query = query
            .filter(assessments::created_at.ge(at))
            .filter(assessments::created_at.gt(at).or(assessments::id.gt(id)));
    }
    Ok(query.order((assessments::created_at, assessments::id)).limit(limit).load(conn)?)
}

/// The assessments of a program that a reader may know of, newest first.
pub fn of_program(
    conn: &mut Conn,
    program: ProgramId,
    reader: Reader,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<ItemRow>, Error> {
    let mut query = assessments::table
        .filter(assessments::program_id.eq(program))
        .filter(assessments::status.eq_any(reader.listed().to_vec()))
        .select(ItemRow::as_select())
        .into_boxed();
    if let Some(position) = after {
        let (at, id) = place(position)?;
        query = query
            .filter(assessments::created_at.le(at))
            .filter(assessments::created_at.lt(at).or(assessments::id.gt(id)));
    }
    Ok(query.order((assessments::created_at.desc(), assessments::id)).limit(limit).load(conn)?)
}

/// A row of `assessment_revisions`, without who wrote it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = assessment_revisions)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct RevisionRow {
    pub assessment_id: AssessmentId,
    pub version: i32,
    pub criterion: CriterionCode,
    pub ruling: String,
    pub created_at: Timestamp,
}

impl RevisionRow {
    /// Where the row stands in the list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.version.into(), *self.assessment_id.as_uuid())
    }
}

/// The rulings that were ever written in an assessment, oldest first.
pub fn revisions(
    conn: &mut Conn,
    assessment: AssessmentId,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<RevisionRow>, Error> {
    let last = after.map_or(Ok(0), |position| i32::try_from(position.number)).map_err(|_| Error::Cursor)?;
    let query = assessment_revisions::table
        .filter(assessment_revisions::assessment_id.eq(assessment))
        .filter(assessment_revisions::version.gt(last));
    Ok(query.order(assessment_revisions::version).limit(limit).select(RevisionRow::as_select()).load(conn)?)
}
