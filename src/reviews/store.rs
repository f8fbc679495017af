//! Queries on one review. Changes of its state are in `change`, lists in `list_store`.

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

pub use self::change::{decide, forget_address, withdraw};
use super::model::{Ratings, ReviewInput, ReviewStatus, Verification};
use crate::{
    db::{
        Conn,
        schema::{programs, review_revisions, reviews},
    },
    http::Error,
    ids::{PrincipalId, ProgramId, ReviewId},
    participation,
    programs::{
        derived::{rated, review_changed},
        model::ProgramStatus,
        store::{Key, ProgramKey},
    },
    reference::TrainingLevel,
    score::RatedReview,
    self_reports::{self, model::SelfReport, triage_store},
    time::{HalfYear, Month, Timestamp},
    vetting::standing_store,
};

mod change;

/// A row of `reviews`. The fields stand in the order of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = reviews, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and product terms")]
pub struct ReviewRow {
    pub id: ReviewId,
    pub program_id: ProgramId,
    pub participant_id: PrincipalId,
    pub status: ReviewStatus,
    pub version: i32,
    pub revision: i32,
    pub pseudonym: String,
    pub half_year: HalfYear,
    pub period_start: Month,
    pub period_end: Month,
    pub training_level: TrainingLevel,
    pub would_recommend: Option<i32>,
    pub overall_sum: i32,
    pub overall_count: i32,
    pub overall_key: i32,
    pub verification: Verification,
    pub content: String,
    pub status_reason: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Timestamp,
}

/// A review that is about to be made.
#[derive(Debug, Clone)]
pub struct NewReview<'a> {
    /// Its id; random.
    pub id: ReviewId,
    /// What it is about.
    pub program: ProgramId,
    /// Who wrote it.
    pub participant: PrincipalId,
    /// The author's name in this program's reviews
    /// ([`PseudonymKey`](super::pseudonym::PseudonymKey)).
    pub pseudonym: String,
    /// How it is known that the author took part.
    pub verification: Verification,
    /// What the author wrote.
    pub content: &'a ReviewInput,
}

impl ReviewRow {
    /// The row of a review that is published at once.
    pub fn published(new: &NewReview<'_>, now: Timestamp) -> Result<Self, Error> {
        let content = Contents::of(new.content, now)?;
        Ok(Self {
            id: new.id,
            program_id: new.program,
            participant_id: new.participant,
            status: ReviewStatus::Published,
            version: 1,
            revision: 1,
            pseudonym: new.pseudonym.clone(),
            half_year: content.half_year,
            period_start: content.period_start,
            period_end: content.period_end,
            training_level: content.training_level,
            would_recommend: content.would_recommend,
            overall_sum: content.overall_sum,
            overall_count: content.overall_count,
            overall_key: content.overall_key,
            verification: new.verification,
            content: content.content,
            status_reason: None,
            created_at: now,
            updated_at: now,
            published_at: now,
        })
    }

    /// What the author wrote.
    pub fn input(&self) -> Result<ReviewInput, Error> {
        serde_json::from_str(&self.content).map_err(Error::internal)
    }

    /// What others may count on of this review, of which `content` is the content: `None` unless it is published and
    /// verified, and tells of tasks or claims.
    #[must_use]
    pub fn self_report(&self, content: &ReviewInput) -> Option<SelfReport> {
        let counts = self.status.is_public() && self.verification.is_verified();
        counts.then(|| SelfReport::of(self.id, self.program_id, content)).flatten()
    }

    /// [`Self::self_report`], reading the content only where it counts.
    fn reported(&self) -> Result<Option<SelfReport>, Error> {
        if !self.status.is_public() || !self.verification.is_verified() {
            return Ok(None);
        }
        Ok(self.self_report(&self.input()?))
    }

    /// What the review adds to the tallies while it is published.
    fn rated(&self) -> Result<RatedReview, Error> {
        /// The only part of the content that has no column of its own.
        #[derive(serde::Deserialize)]
        struct Rated {
            ratings: Ratings,
        }
        let content: Rated = serde_json::from_str(&self.content).map_err(Error::internal)?;
        Ok(RatedReview {
            half_year: self.half_year,
            verification: self.verification,
            ratings: content.ratings,
            would_recommend: self.would_recommend.map(|yes| yes != 0),
        })
    }
}

/// The columns that follow from what the author wrote.
#[derive(AsChangeset)]
#[diesel(table_name = reviews, treat_none_as_null = true)]
struct Contents {
    half_year: HalfYear,
    period_start: Month,
    period_end: Month,
    training_level: TrainingLevel,
    would_recommend: Option<i32>,
    overall_sum: i32,
    overall_count: i32,
    overall_key: i32,
    content: String,
    updated_at: Timestamp,
}

impl Contents {
    fn of(content: &ReviewInput, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            half_year: content.period.half_year(),
            period_start: content.period.start_month,
            period_end: content.period.end_month,
            training_level: content.training_level,
            would_recommend: content.would_recommend.map(i32::from),
            overall_sum: content.ratings.sum(),
            overall_count: content.ratings.count(),
            overall_key: content.ratings.overall_key(),
            content: serde_json::to_string(content).map_err(Error::internal)?,
            updated_at: now,
        })
    }
}

/// Id and status of a program that anyone may read; others do not exist for the public.
pub fn public_program(conn: &mut Conn, key: &ProgramKey) -> Result<(ProgramId, ProgramStatus), Error> {
    let columns = (programs::id, programs::status);
    let found: Option<(ProgramId, ProgramStatus)> = match key {
        Key::Id(id) => programs::table.find(id).select(columns).first(conn),
        Key::Slug(slug) => programs::table.filter(programs::slug.eq(slug)).select(columns).first(conn),
    }
    .optional()?;
    found.filter(|(_, status)| status.is_public()).ok_or(Error::NotFound("program"))
}

/// Refuses reviews of a program that is not listed.
pub fn require_listed(status: ProgramStatus) -> Result<(), Error> {
    match status {
        ProgramStatus::Listed => Ok(()),
        ProgramStatus::Suspended => Err(Error::Conflict("The program is suspended and takes no reviews.".to_owned())),
        _ => Err(Error::NotFound("program")),
    }
}

/// Finds a review, whatever its status.
pub fn find(conn: &mut Conn, id: ReviewId) -> Result<ReviewRow, Error> {
    reviews::table.find(id).select(ReviewRow::as_select()).first(conn).optional()?.ok_or(Error::NotFound("review"))
}

/// Adds a published review of a listed program and counts it in the program's score; `report` is its
/// [`ReviewRow::self_report`]. A second one by the same participant for the same program and half-year is a conflict.
pub fn publish(
    conn: &mut Conn,
    row: &ReviewRow,
    counts: &RatedReview,
    report: Option<&SelfReport>,
) -> Result<(), Error> {
    insert(conn, row, counts, report)?;
    // The program's row is locked by now, so what is read here holds until the commit.
    let status: ProgramStatus = programs::table.find(row.program_id).select(programs::status).first(conn)?;
    require_listed(status)
}

/// Makes a review that is published at once, whatever the program's status, and returns its row.
/// `now` is the time of creation and of publication.
pub fn create(conn: &mut Conn, new: &NewReview<'_>, now: Timestamp) -> Result<ReviewRow, Error> {
    let row = ReviewRow::published(new, now)?;
    let counts = rated(new.content, row.half_year, row.verification);
    insert(conn, &row, &counts, row.self_report(new.content).as_ref())?;
    Ok(row)
}

fn insert(conn: &mut Conn, row: &ReviewRow, counts: &RatedReview, report: Option<&SelfReport>) -> Result<(), Error> {
    diesel::insert_into(reviews::table).values(row).execute(conn).map_err(one_per_period)?;
    review_changed(conn, row.program_id, None, Some(counts), row.created_at)?;
    report_changed(conn, row, None, report, row.created_at)
}

/// Accounts for what a review tells of tasks and claims, when that has begun, ceased or changed to count. Anything else
/// costs nothing.
fn report_changed(
    conn: &mut Conn,
    row: &ReviewRow,
    before: Option<&SelfReport>,
    after: Option<&SelfReport>,
    now: Timestamp,
) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    self_reports::store::replace(conn, row.id, after)?;
    standing_store::refresh(conn, row.program_id, now)
}

fn one_per_period(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::Conflict(
            "There is one review per participant, program and half-year; edit or withdraw the \
             one that exists."
                .to_owned(),
        ),
        other => Error::Database(other),
    }
}

/// Replaces the content of the review as `before` was read, keeps the former content as a revision,
/// and returns the row as it is now. The state stays, and so does the verification unless a new period takes it away.
///
/// # Errors
/// [`Error::PreconditionFailed`] when the row has changed since it was read, [`Error::Conflict`]
/// when the state forbids edits or the new half-year has a review of the same participant already.
pub fn edit(conn: &mut Conn, before: &ReviewRow, content: &ReviewInput, now: Timestamp) -> Result<ReviewRow, Error> {
    if !before.status.is_editable() {
        return Err(Error::Conflict(format!("A review cannot be edited while its status is `{}`.", before.status)));
    }
    // A code proves a stay in its own period and no other.
    let period = (content.period.start_month, content.period.end_month);
    let verification = match before.verification {
        Verification::ParticipationCode if period != (before.period_start, before.period_end) => {
            participation::store::evidence(conn, before.participant_id, before.program_id, period)?.verification()
        }
        kept => kept,
    };
    let after: ReviewRow = diesel::update(reviews::table.find(before.id).filter(reviews::version.eq(before.version)))
        .set((
            Contents::of(content, now)?,
            reviews::verification.eq(verification),
            reviews::version.eq(before.version + 1),
            reviews::revision.eq(before.revision + 1),
        ))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()
        .map_err(one_per_period)?
        .ok_or(Error::PreconditionFailed)?;
    diesel::insert_into(review_revisions::table)
        .values((
            review_revisions::review_id.eq(before.id),
            review_revisions::revision.eq(before.revision),
            review_revisions::content.eq(&before.content),
            review_revisions::period_start.eq(before.period_start),
            review_revisions::period_end.eq(before.period_end),
            review_revisions::created_at.eq(now),
        ))
        .execute(conn)?;
    let former = before.input()?;
    if before.status.is_public() {
        let counted = rated(&former, before.half_year, before.verification);
        let counts = rated(content, after.half_year, after.verification);
        // An edit of the text alone leaves score and counts as they are.
        if counted != counts {
            let (counted, counts) = (Some(&counted), Some(&counts));
            review_changed(conn, before.program_id, counted, counts, now)?;
        }
    }
    if SelfReport::tells_otherwise(&former, content) {
        triage_store::forget_ruling(conn, before.program_id, before.id)?;
    }
    let (told, tells) = (before.self_report(&former), after.self_report(content));
    report_changed(conn, &after, told.as_ref(), tells.as_ref(), now)?;
    if before.verification != after.verification {
        standing_store::agreement_changed(conn, after.program_id, after.id, now)?;
    }
    Ok(after)
}
