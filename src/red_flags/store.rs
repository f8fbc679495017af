//! Queries on red-flag reports, and the changes of their state.

mod ruling;

use diesel::prelude::*;
pub(super) use ruling::unconcerned;
pub use ruling::{decide, find_to_rule, reopen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    measure_store,
    model::{Confidentiality, InformationInput, OPEN, RedFlagReportInput, ReportAction, ReportStatus, queue_key},
};
use crate::{
    audit::AuditKey,
    auth::{Caller, Role, principals},
    db::{Conn, schema::red_flag_reports},
    http::Error,
    ids::{DecisionId, PrincipalId, ProgramId, ReportId},
    moderation::{self, Act, SubjectKind},
    participation,
    programs::{
        derived,
        store::{Key, find_public},
    },
    reference::{RedFlagKind, Severity, TrainingLevel},
    reviews::model::Verification,
    time::{HalfYear, Timestamp},
    vetting::standing_store,
};

/// Answers that one report can take; with the size of an answer it bounds the stored document.
pub const MAX_INFORMATION: usize = 50;

/// A row of `red_flag_reports`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = red_flag_reports)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ReportRow {
    pub id: ReportId,
    pub program_id: ProgramId,
    pub reporter_id: PrincipalId,
    pub kind: RedFlagKind,
    pub status: ReportStatus,
    pub version: i32,
    pub severity: Severity,
    pub training_level: TrainingLevel,
    pub confidentiality: Confidentiality,
    pub listing_version: i32,
    /// JSON of a [`ReportContent`].
    pub content: String,
    pub public_summary: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub verification: Verification,
    /// See [`queue_key`]; negative for what cannot wait.
    pub queue_key: i64,
    pub half_year: Option<HalfYear>,
    /// 1 once nothing that the reporter wrote is left.
    pub purged: i32,
}

impl ReportRow {
    /// Whether it tells of something critical, its reporter is known to have taken part or it was found true before, and
    /// nobody has ruled on it: then the public is told that the program is under review.
    #[must_use]
    pub fn is_looked_into(&self) -> bool {
        let credible = self.verification.is_verified() || self.public_summary.is_some();
        self.status.is_open() && self.severity == Severity::Critical && credible
    }

    /// Whether moderators take it up first and the provider is never asked about it.
    #[must_use]
    pub const fn cannot_wait(&self) -> bool {
        self.queue_key < 0
    }

    /// The stored document.
    pub fn content(&self) -> Result<ReportContent, Error> {
        serde_json::from_str(&self.content).map_err(Error::internal)
    }

    /// The row's quoted entity tag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"r{}\"", self.version)
    }
}

/// What `red_flag_reports.content` holds: the account as it was sent, which is never changed, and what was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportContent {
    /// The account as it was sent.
    pub input: RedFlagReportInput,
    /// The reporter's answers to questions, oldest first; at most [`MAX_INFORMATION`].
    #[serde(default)]
    pub information: Vec<Information>,
    /// What showed that the cause was removed; present once remediated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl ReportContent {
    fn new(input: RedFlagReportInput) -> Self {
        Self { input, information: Vec::new(), proof: None }
    }

    fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(Error::internal)
    }
}

/// An answer of the reporter to a moderator's question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Information {
    /// The answer.
    #[schema(min_length = 10, max_length = 10_000)]
    pub text: String,
    /// When it was given.
    pub at: Timestamp,
}

/// A report that is about to be stored. `input` has been checked.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// The report's id: random, so that it carries no time.
    pub id: ReportId,
    /// The program, which must be public.
    pub program: ProgramId,
    /// Who reports.
    pub reporter: PrincipalId,
    /// The account.
    pub input: RedFlagReportInput,
}

/// Stores a report against the program's present listing, with what is known at this time of its reporter's having
/// taken part.
///
/// [`Error::NotFound`] when the program is not public, [`Error::Conflict`] when an open report of this person about the
/// program tells of the same kind already. The verdict is untouched: a report counts only once it is substantiated. A
/// verified one of something critical shows at once as the notice `under_review`.
pub fn create(conn: &mut Conn, new: NewReport, now: Timestamp) -> Result<ReportRow, Error> {
    let program = find_public(conn, &Key::Id(new.program))?;
    check_none_open(conn, &new)?;
    measure_store::check_may_report(conn, new.reporter, now)?;
    let happened = new.input.happened;
    let months = (happened.start_month, happened.end_month);
    let evidence = participation::store::evidence(conn, new.reporter, program.id, months)?;
    let row = ReportRow {
        id: new.id,
        program_id: program.id,
        reporter_id: new.reporter,
        kind: new.input.kind,
        status: ReportStatus::Submitted,
        version: 1,
        severity: new.input.initial_severity(),
        training_level: new.input.training_level,
        confidentiality: new.input.confidentiality,
        listing_version: program.listing_version,
        queue_key: queue_key(new.input.cannot_wait(), now),
        content: ReportContent::new(new.input).to_text()?,
        public_summary: None,
        created_at: now,
        updated_at: now,
        verification: evidence.verification(),
        half_year: Some(happened.half_year()),
        purged: 0,
    };
    diesel::insert_into(red_flag_reports::table).values(&row).execute(conn)?;
    if row.is_looked_into() {
        standing_store::refresh(conn, row.program_id, now)?;
    }
    Ok(row)
}

/// Refuses a second open report by one person on one kind of red flag in one program: what they have to add belongs to
/// the first. The reporter is held until the commit, so that nobody makes two at a time.
fn check_none_open(conn: &mut Conn, new: &NewReport) -> Result<(), Error> {
    principals::hold(conn, new.reporter)?;
    let open: Option<ReportId> = red_flag_reports::table
        .filter(red_flag_reports::reporter_id.eq(new.reporter))
        .filter(red_flag_reports::program_id.eq(new.program))
        .filter(red_flag_reports::kind.eq(new.input.kind))
        .filter(red_flag_reports::status.eq_any(OPEN))
        .select(red_flag_reports::id)
        .first(conn)
        .optional()?;
    match open {
        Some(id) => Err(Error::Conflict(format!(
            "Your report /v1/red-flag-reports/{id} on this kind of red flag in this program is still open."
        ))),
        None => Ok(()),
    }
}

/// Takes back what an address at a university proved for a report, because the address is forgotten: otherwise one
/// mailbox could vouch for any number of reporters, one after the other.
pub fn forget_addresses(conn: &mut Conn, reporter: PrincipalId, now: Timestamp) -> Result<(), Error> {
    let proven: Vec<ReportRow> = red_flag_reports::table
        .filter(red_flag_reports::reporter_id.eq(reporter))
        .filter(red_flag_reports::verification.eq(Verification::UniversityEmail))
        // One order for everybody, so that two erasures never wait for each other's programs.
        .order((red_flag_reports::program_id, red_flag_reports::id))
        .select(ReportRow::as_select())
        .load(conn)?;
    for row in proven {
        diesel::update(red_flag_reports::table.find(row.id))
            .set((
                red_flag_reports::verification.eq(Verification::None),
                red_flag_reports::version.eq(red_flag_reports::version + 1),
            ))
            .execute(conn)?;
        if row.is_looked_into() {
            standing_store::refresh(conn, row.program_id, now)?;
        }
    }
    Ok(())
}

/// Finds a report, whoever asks.
pub fn find(conn: &mut Conn, id: ReportId) -> QueryResult<Option<ReportRow>> {
    red_flag_reports::table.find(id).select(ReportRow::as_select()).first(conn).optional()
}

/// Finds a report of this reporter; those of others do not exist for them.
pub fn find_own(conn: &mut Conn, id: ReportId, reporter: PrincipalId) -> Result<ReportRow, Error> {
    find(conn, id)?.filter(|row| row.reporter_id == reporter).ok_or(Error::NotFound("report"))
}

/// Finds a report for its reporter or a moderator; for everybody else there is none.
pub fn find_to_read(conn: &mut Conn, caller: &Caller, id: ReportId) -> Result<ReportRow, Error> {
    match caller.role {
        Role::Moderator => find(conn, id)?.ok_or(Error::NotFound("report")),
        _ => find_own(conn, id, caller.id),
    }
}

/// Takes a report back for its reporter. Errors as for [`inform`].
pub fn withdraw(
    conn: &mut Conn,
    reporter: &Caller,
    id: ReportId,
    decision_id: DecisionId,
    now: Timestamp,
) -> Result<ReportRow, Error> {
    let row = lock_own(conn, id, reporter)?;
    apply(conn, row, reporter, &Change { action: ReportAction::Withdraw, reason: "", decision_id, now, audit: None })
}

/// Adds the reporter's answer to a question, which puts the report back into triage.
///
/// [`Error::NotFound`] when there is no such report of this reporter, [`Error::Conflict`] when its status does not
/// allow it. The answer is kept with the account and not in the decision, because reasons may be shown to others.
pub fn inform(
    conn: &mut Conn,
    reporter: &Caller,
    id: ReportId,
    input: &InformationInput,
    decision_id: DecisionId,
    now: Timestamp,
) -> Result<ReportRow, Error> {
    let mut row = lock_own(conn, id, reporter)?;
    let mut content = row.content()?;
    if content.information.len() >= MAX_INFORMATION {
        return Err(Error::Conflict(format!(
            "The report already has {MAX_INFORMATION} answers, the most that it takes."
        )));
    }
    content.information.push(Information { text: input.text.clone(), at: now });
    row.content = content.to_text()?;
    apply(conn, row, reporter, &Change { action: ReportAction::GiveInfo, reason: "", decision_id, now, audit: None })
}

/// Counts a change of the report and thereby locks its row for the rest of the transaction, then reads it.
pub fn lock(conn: &mut Conn, id: ReportId) -> Result<ReportRow, Error> {
    diesel::update(red_flag_reports::table.find(id))
        .set(red_flag_reports::version.eq(red_flag_reports::version + 1))
        .execute(conn)?;
    find(conn, id)?.ok_or(Error::NotFound("report"))
}

fn lock_own(conn: &mut Conn, id: ReportId, reporter: &Caller) -> Result<ReportRow, Error> {
    Some(lock(conn, id)?).filter(|row| row.reporter_id == reporter.id).ok_or(Error::NotFound("report"))
}

/// One change of state and the record of it.
struct Change<'a> {
    action: ReportAction,
    reason: &'a str,
    decision_id: DecisionId,
    now: Timestamp,
    audit: Option<&'a AuditKey>,
}

/// Carries out the transition on a locked row that already holds what else the change sets.
fn apply(conn: &mut Conn, mut row: ReportRow, by: &Caller, change: &Change<'_>) -> Result<ReportRow, Error> {
    let from = row.status;
    let to = from.after(change.action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    // The severity changes with `substantiate` only, and then the report begins to stand.
    let was_looked_into = row.is_looked_into();
    row.status = to;
    row.updated_at = change.now;
    diesel::update(red_flag_reports::table.find(row.id))
        .set((
            red_flag_reports::status.eq(row.status),
            red_flag_reports::severity.eq(row.severity),
            red_flag_reports::content.eq(&row.content),
            red_flag_reports::public_summary.eq(&row.public_summary),
            red_flag_reports::updated_at.eq(row.updated_at),
        ))
        .execute(conn)?;
    let act = Act {
        id: change.decision_id,
        by: *by,
        action: change.action.as_str(),
        from: from.as_str(),
        to: to.as_str(),
        reason: change.reason,
        at: change.now,
        audit: change.audit,
    };
    if from.stands() != to.stands() {
        derived::reports_changed(conn, row.program_id, change.now)?;
    } else if was_looked_into != row.is_looked_into() {
        standing_store::refresh(conn, row.program_id, change.now)?;
    }
    moderation::store::record(conn, SubjectKind::RedFlagReport, row.id.as_uuid(), &act)?;
    Ok(row)
}
