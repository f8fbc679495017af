//! Queries on one review. Changes of its state are in `change`, edits in `edit`, lists in `list_store`.

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

pub use self::{
    change::{Ruled, decide, give_reason, hold_by_rule, permit, reinstate, steady, withdraw},
    cohort::release_due,
    edit::{Edit, edit},
    proof::{confirm, forget_proof},
    traces::Traces,
};
use super::{
    checks::{Candidate, Finding, near_copy::sketches},
    cohort::CohortRule,
    model::{Ratings, ReviewAction, ReviewInput, ReviewStatus, Verification},
};
use crate::{
    db::{
        Conn,
        schema::{programs, reviews},
    },
    http::Error,
    ids::{DecisionId, PrincipalId, ProgramId, ReviewId},
    moderation::{self, OwnAct, SubjectKind},
    participation::model::{Vouched, Voucher},
    programs::{
        derived::{rated, review_changed},
        model::ProgramStatus,
        store::{Key, ProgramKey},
    },
    reference::TrainingLevel,
    score::RatedReview,
    self_reports::{self, model::SelfReport},
    time::{HalfYear, Month, Timestamp},
    vetting::standing_store,
};

mod change;
pub mod cohort;
mod edit;
mod proof;
pub mod traces;

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
    pub findings: String,
    pub release_at: Timestamp,
    pub vouched_by: Option<Voucher>,
    pub vouched_month: Option<Month>,
    /// 1 once nothing that the author wrote is left.
    pub purged: i32,
}

/// The findings of a review that is not held by the checks.
pub const NO_FINDINGS: &str = "[]";
/// What the author of a review reads that the checks hold.
pub const HELD: &str = "The automatic checks found something that a person looks at first; held_reasons says what and where. A \
                        change of the text is checked at once.";

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
            // The hour at which a verified review becomes public would tell which others it came with.
            published_at: if new.verification.is_verified() { now.day().start() } else { now },
            findings: NO_FINDINGS.to_owned(),
            release_at: Timestamp::EPOCH,
            vouched_by: None,
            vouched_month: None,
            purged: 0,
        })
    }

    /// The row of a review that is published at once, or held because of what the checks found.
    pub fn checked(new: &NewReview<'_>, findings: &[Finding], now: Timestamp) -> Result<Self, Error> {
        let row = Self::published(new, now)?;
        if findings.is_empty() {
            return Ok(row);
        }
        Ok(Self {
            status: ReviewStatus::Held,
            status_reason: Some(HELD.to_owned()),
            findings: serde_json::to_string(findings).map_err(Error::internal)?,
            published_at: Timestamp::EPOCH,
            ..row
        })
    }

    /// The row, waiting until `until` for others of its cohort.
    #[must_use]
    pub fn waiting(self, until: Timestamp, rule: &CohortRule) -> Self {
        Self {
            status: ReviewStatus::Pending,
            status_reason: Some(rule.explained(until)),
            release_at: until,
            published_at: Timestamp::EPOCH,
            ..self
        }
    }

    /// The row, saying who vouches for its verification.
    #[must_use]
    pub fn vouched(self, by: Option<Vouched>) -> Self {
        Self { vouched_by: by.map(|by| by.by), vouched_month: by.map(|by| by.month), ..self }
    }

    /// What the checks found in it.
    pub fn findings(&self) -> Result<Vec<Finding>, Error> {
        serde_json::from_str(&self.findings).map_err(Error::internal)
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

/// A review that is about to be stored, with all that was computed before.
#[derive(Debug, Clone)]
pub struct Written {
    /// The row, published or held.
    pub row: ReviewRow,
    /// What it adds to the tallies once it is published.
    pub counts: RatedReview,
    /// [`ReviewRow::self_report`] of the row.
    pub report: Option<SelfReport>,
    /// What later texts are compared with.
    pub traces: Traces,
    /// The id of the record, for one that is held.
    pub record: DecisionId,
}

impl Written {
    /// Stores a review of a listed program and counts it in the program's score if it is published. A second one by the
    /// same participant for the same program and half-year is a conflict.
    pub fn store(&self, conn: &mut Conn) -> Result<(), Error> {
        self.insert(conn, &self.row)?;
        require_listed_now(conn, self.row.program_id)
    }

    /// [`Self::store`] for a verified review against which nothing speaks: it is public, or waits for others of its cohort.
    pub fn store_in_cohort(&self, conn: &mut Conn, rule: &CohortRule) -> Result<ReviewRow, Error> {
        let row = match cohort::waits(conn, &self.row, rule, self.row.created_at)? {
            Some(until) => self.row.clone().waiting(until, rule),
            None => self.row.clone(),
        };
        self.insert(conn, &row)?;
        require_listed_now(conn, row.program_id)?;
        Ok(row)
    }

    fn insert(&self, conn: &mut Conn, row: &ReviewRow) -> Result<(), Error> {
        diesel::insert_into(reviews::table).values(row).execute(conn).map_err(one_per_period)?;
        let now = row.created_at;
        if row.status.is_public() {
            review_changed(conn, row.program_id, None, Some(&self.counts), now)?;
            report_changed(conn, row, None, self.report.as_ref(), now)?;
        }
        traces::keep(conn, row.id, &self.traces)?;
        traces::arrived(conn, self.traces.provider, row, now)?;
        if row.status == ReviewStatus::Held {
            let (id, to) = (self.record, row.status.as_str());
            let act = OwnAct { id, action: ReviewAction::Hold.as_str(), from: "", to, reason: HELD, at: now };
            moderation::store::record_own(conn, SubjectKind::Review, row.id.as_uuid(), &act)?;
        }
        Ok(())
    }
}

/// The program's row is locked by the tallies, so what is read here holds until the commit; a held review has changed
/// nothing that the public sees.
fn require_listed_now(conn: &mut Conn, program: ProgramId) -> Result<(), Error> {
    require_listed(programs::table.find(program).select(programs::status).first(conn)?)
}

/// Makes a review that is published at once, whatever the program's status and without any check, and returns its row.
/// `now` is the time of creation and of publication.
pub fn create(conn: &mut Conn, new: &NewReview<'_>, record: DecisionId, now: Timestamp) -> Result<ReviewRow, Error> {
    let row = ReviewRow::published(new, now)?;
    let provider = traces::provider_of(conn, new.program)?;
    let written = Written {
        counts: rated(new.content, row.half_year, row.verification),
        report: row.self_report(new.content),
        traces: Traces { provider, sketches: sketches(&Candidate::from(&new.content.text)) },
        record,
        row,
    };
    written.insert(conn, &written.row)?;
    Ok(written.row)
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

#[cfg(test)]
mod tests;
