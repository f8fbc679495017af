//! Queries on one assessment: opening it, its rulings, the provider's answer. Lists are in `list_store`, decisions in
//! `decision_store`.

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::{
    model::{AssessmentStatus, Content, EvidenceKind, Reader, Ruling},
    ruling::AGREEING,
};
use crate::{
    auth::Caller,
    db::{
        Conn,
        schema::{assessment_revisions, assessments, programs, reviews},
    },
    http::{Error, Fault, FaultCode},
    ids::{AssessmentId, PrincipalId, ProgramId, ProviderId, ReviewId},
    moderation,
    programs::{
        model::ProgramStatus,
        store::{ProgramKey, find as find_program},
    },
    reviews::model::{ReviewStatus, Verification},
    time::Timestamp,
    vetting::{rubric::Rubric, rubric_store},
};

/// A row of `assessments`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = assessments)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct AssessmentRow {
    pub id: AssessmentId,
    pub program_id: ProgramId,
    pub rubric_version: i32,
    pub listing_version: i32,
    pub status: AssessmentStatus,
    pub version: i32,
    pub author_id: PrincipalId,
    pub signed_off_by: Option<PrincipalId>,
    /// JSON of a [`Content`].
    pub content: String,
    pub answer: Option<String>,
    pub answered_at: Timestamp,
    pub submitted_at: Timestamp,
    pub published_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl AssessmentRow {
    /// The stored rulings.
    pub fn content(&self) -> Result<Content, Error> {
        serde_json::from_str(&self.content).map_err(Error::internal)
    }

    /// The quoted entity tag of what a reader sees.
    #[must_use]
    pub fn etag(&self, reader: Reader) -> String {
        let whole = if reader == Reader::Staff { "" } else { "p" };
        format!("\"a{}{whole}\"", self.version)
    }
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// An assessment with what decides who may read it.
#[derive(Debug, Clone)]
pub struct FoundAssessment {
    /// The row.
    pub row: AssessmentRow,
    /// Who runs the program.
    pub provider: ProviderId,
    /// The program's state.
    pub program_status: ProgramStatus,
}

impl FoundAssessment {
    /// As whom the caller reads it. [`Error::NotFound`] where it does not exist for the caller.
    pub fn reader(&self, caller: Option<&Caller>) -> Result<Reader, Error> {
        let reader = Reader::of(caller, self.provider);
        let submitted = self.row.submitted_at > Timestamp::EPOCH;
        let reads = reader.reads(self.row.status, submitted, self.program_status.is_public());
        reads.then_some(reader).ok_or(MISSING)
    }
}

const MISSING: Error = Error::NotFound("assessment");

/// Finds an assessment, whatever its state. [`Error::NotFound`] when there is none.
pub fn find(conn: &mut Conn, id: AssessmentId) -> Result<FoundAssessment, Error> {
    let found: Option<(AssessmentRow, ProviderId, ProgramStatus)> = assessments::table
        .inner_join(programs::table)
        .filter(assessments::id.eq(id))
        .select((AssessmentRow::as_select(), programs::provider_id, programs::status))
        .first(conn)
        .optional()?;
    let (row, provider, program_status) = found.ok_or(MISSING)?;
    Ok(FoundAssessment { row, provider, program_status })
}

/// Finds an assessment for an assessor to change. [`Error::Forbidden`] when the assessor is linked to the provider.
pub fn find_to_rule(conn: &mut Conn, id: AssessmentId, assessor: &Caller) -> Result<AssessmentRow, Error> {
    let found = find(conn, id)?;
    moderation::store::permit_ruling(conn, assessor, found.provider)?;
    Ok(found.row)
}

/// The rubric that an assessment follows.
pub fn rubric(conn: &mut Conn, row: &AssessmentRow) -> Result<Rubric, Error> {
    rubric_store::find(conn, row.rubric_version)
}

/// The program that an assessment is opened for. [`Error::NotFound`], [`Error::Forbidden`] when the assessor is linked
/// to the provider, [`Error::Conflict`] when the program is neither submitted nor public.
pub fn open(
    conn: &mut Conn,
    assessor: &Caller,
    program: &ProgramKey,
    id: AssessmentId,
    now: Timestamp,
) -> Result<AssessmentRow, Error> {
    let program = find_program(conn, program)?.ok_or(Error::NotFound("program"))?;
    moderation::store::permit_ruling(conn, assessor, program.provider_id)?;
    if !program.status.is_public() && program.status != ProgramStatus::Submitted {
        let status = program.status;
        return Err(Error::Conflict(format!("A program is not assessed while its status is `{status}`.")));
    }
    let row = AssessmentRow {
        id,
        program_id: program.id,
        rubric_version: rubric_store::current_version(conn)?,
        listing_version: program.listing_version,
        status: AssessmentStatus::Draft,
        version: 1,
        author_id: assessor.id,
        signed_off_by: None,
        content: text(&Content::default())?,
        answer: None,
        answered_at: Timestamp::EPOCH,
        submitted_at: Timestamp::EPOCH,
        published_at: Timestamp::EPOCH,
        created_at: now,
        updated_at: now,
    };
    diesel::insert_into(assessments::table).values(&row).execute(conn).map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::Conflict("An assessment of this program is in the making already.".to_owned())
        }
        other => other.into(),
    })?;
    Ok(row)
}

/// Refuses a ruling in an assessment that is not a draft.
pub fn check_draft(row: &AssessmentRow) -> Result<(), Error> {
    if row.status == AssessmentStatus::Draft {
        return Ok(());
    }
    Err(Error::Conflict(format!("Rulings are made while the status is `draft`; it is `{}`.", row.status)))
}

/// Writes a ruling into an assessment that is still as `current` says, and keeps it in the revisions.
///
/// [`Error::PreconditionFailed`] when somebody else has changed the assessment, [`Error::Invalid`] when a review that
/// is to agree is not a published, verified one of this program, or fewer than three people wrote them.
pub fn rule(
    conn: &mut Conn,
    assessor: &Caller,
    current: &AssessmentRow,
    ruling: &Ruling,
    now: Timestamp,
) -> Result<AssessmentRow, Error> {
    check_draft(current)?;
    moderation::store::permit_ruling_about(conn, assessor, current.program_id)?;
    check_reviews(conn, current.program_id, ruling)?;
    let mut content = current.content()?;
    let criterion = ruling.criterion;
    content.rule(ruling.clone());
    let written = content.ruling(criterion).map(text).transpose()?.unwrap_or_default();
    let row =
        AssessmentRow { version: current.version + 1, content: text(&content)?, updated_at: now, ..current.clone() };
    let unchanged = assessments::table.find(row.id).filter(assessments::version.eq(current.version));
    let set = (
        assessments::version.eq(row.version),
        assessments::content.eq(&row.content),
        assessments::updated_at.eq(row.updated_at),
    );
    if diesel::update(unchanged).set(set).execute(conn)? == 0 {
        return Err(Error::PreconditionFailed);
    }
    diesel::insert_into(assessment_revisions::table)
        .values((
            assessment_revisions::assessment_id.eq(row.id),
            assessment_revisions::version.eq(row.version),
            assessment_revisions::editor_id.eq(assessor.id),
            assessment_revisions::criterion.eq(criterion),
            assessment_revisions::ruling.eq(written),
            assessment_revisions::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(row)
}

fn check_reviews(conn: &mut Conn, program: ProgramId, ruling: &Ruling) -> Result<(), Error> {
    let mut faults = Vec::new();
    for (index, item) in ruling.evidence.iter().enumerate() {
        if item.kind != EvidenceKind::ParticipantsAgree {
            continue;
        }
        let known: Vec<(ReviewId, PrincipalId)> = reviews::table
            .filter(reviews::id.eq_any(&item.review_ids))
            .filter(reviews::program_id.eq(program))
            .filter(reviews::status.eq(ReviewStatus::Published))
            .filter(reviews::verification.ne(Verification::None))
            .select((reviews::id, reviews::participant_id))
            .load(conn)?;
        let at = format!("/evidence/{index}/review_ids");
        for (place, id) in item.review_ids.iter().enumerate() {
            if !known.iter().any(|(review, _)| review == id) {
                let detail = "There is no such published, verified review of this program.";
                faults.push(Fault::at(&format!("{at}/{place}"), FaultCode::UnknownReference, detail));
            }
        }
        let mut people: Vec<_> = known.iter().map(|(_, person)| *person).collect();
        people.sort_unstable();
        people.dedup();
        if known.len() == item.review_ids.len() && people.len() < AGREEING {
            let detail = "The reviews are by fewer than three different people.";
            faults.push(Fault::at(&at, FaultCode::TooFew, detail));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// Counts a change and thereby locks the row for the rest of the transaction, then reads it.
pub(super) fn lock(conn: &mut Conn, id: AssessmentId) -> Result<FoundAssessment, Error> {
    diesel::update(assessments::table.find(id)).set(assessments::version.eq(assessments::version + 1)).execute(conn)?;
    find(conn, id)
}

/// Stores what a change sets besides the rulings.
pub(super) fn save(conn: &mut Conn, row: &AssessmentRow) -> QueryResult<()> {
    let changed = diesel::update(assessments::table.find(row.id)).set((
        assessments::status.eq(row.status),
        assessments::signed_off_by.eq(row.signed_off_by),
        assessments::answer.eq(&row.answer),
        assessments::answered_at.eq(row.answered_at),
        assessments::submitted_at.eq(row.submitted_at),
        assessments::published_at.eq(row.published_at),
        assessments::updated_at.eq(row.updated_at),
    ));
    changed.execute(conn).map(|_| ())
}

/// Writes the provider's answer down. One that was given before the assessment was handed in anew gives way to it.
///
/// [`Error::NotFound`] when it does not exist for this provider, [`Error::Conflict`] when its state takes no answer or
/// it has one.
pub fn answer(
    conn: &mut Conn,
    by: &Caller,
    id: AssessmentId,
    said: &str,
    now: Timestamp,
) -> Result<AssessmentRow, Error> {
    let found = lock(conn, id)?;
    own(&found, by)?;
    let mut row = found.row;
    if !row.status.takes_answer() {
        return Err(Error::Conflict(format!("An assessment takes no answer while its status is `{}`.", row.status)));
    }
    if is_answered(&row) {
        return Err(Error::Conflict("The assessment has been answered already.".to_owned()));
    }
    (row.answer, row.answered_at, row.updated_at) = (Some(said.to_owned()), now, now);
    save(conn, &row)?;
    Ok(row)
}

/// Refuses, as if there were no such assessment, whoever is not the program's provider or may not read it yet.
pub fn own(found: &FoundAssessment, by: &Caller) -> Result<(), Error> {
    (found.reader(Some(by))? == Reader::Provider).then_some(()).ok_or(MISSING)
}

/// An answer counts for what was handed in before it was given.
pub(super) fn is_answered(row: &AssessmentRow) -> bool {
    row.answer.is_some() && row.answered_at >= row.submitted_at
}
