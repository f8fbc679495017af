//! Queries on what providers were asked about reports.

use diesel::prelude::*;

use super::{
    answers::answer_until,
    list_store::ReportItemRow,
    model::{Confidentiality, ReportStatus},
    store::{ReportRow, lock, unconcerned},
};
use crate::{
    audit::AuditKey,
    auth::{Caller, OwnProvider},
    db::{
        Conn,
        schema::{programs, red_flag_reports, report_answers},
    },
    http::{Error, Position},
    ids::{DecisionId, ProviderId, ReportId},
    moderation::{self, Act, SubjectKind},
    time::{Day, Timestamp},
};

/// A row of `report_answers`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = report_answers)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct AnswerRow {
    pub report_id: ReportId,
    pub provider_id: ProviderId,
    pub summary: String,
    pub answer_until: Day,
    pub answer: Option<String>,
}

impl AnswerRow {
    /// Whether the provider has not answered yet, and still can.
    #[must_use]
    pub fn is_awaited(&self, today: Day) -> bool {
        self.answer.is_none() && today <= self.answer_until
    }
}

/// What the provider was asked, with what it may know of the report.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = report_answers)]
pub struct AskedRow {
    /// What it was asked.
    #[diesel(embed)]
    pub asked: AnswerRow,
    /// The report.
    #[diesel(embed)]
    pub report: ReportItemRow,
}

impl AskedRow {
    /// Where this row stands in the provider's list. Of the day and the random id only: cursors can be read.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.asked.answer_until.number().into(), *self.report.id.as_uuid())
    }
}

/// What the provider was asked about a report; `None` when it was not.
pub fn of_report(conn: &mut Conn, id: ReportId) -> QueryResult<Option<AnswerRow>> {
    report_answers::table.find(id).select(AnswerRow::as_select()).first(conn).optional()
}

/// What a moderator is about to ask.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The summary, which has been checked.
    pub summary: &'a str,
    /// The id of the record.
    pub decision: DecisionId,
    /// When.
    pub now: Timestamp,
    /// The key of the security log.
    pub audit: &'a AuditKey,
}

/// Asks the program's provider about a report in triage, once.
///
/// [`Error::NotFound`] when there is no such report, [`Error::Forbidden`] as for a ruling, [`Error::Conflict`] when its
/// state forbids it, it was asked before, the report cannot wait, or its reporter wants moderators only to know of it.
pub fn ask(conn: &mut Conn, by: &Caller, id: ReportId, question: &Question<'_>) -> Result<ReportRow, Error> {
    let refuse = |why: &str| Err(Error::Conflict(why.to_owned()));
    let row = lock(conn, id)?;
    let row = unconcerned(conn, row, by)?;
    if row.cannot_wait() {
        return refuse("The provider is not asked about harassment or abuse, nor where somebody is in danger now.");
    }
    if row.confidentiality == Confidentiality::ModeratorsOnly {
        return refuse("The reporter wants moderators only to learn of the report.");
    }
    if row.status != ReportStatus::InTriage {
        return refuse("The provider is asked about a report while it is `in_triage`.");
    }
    if of_report(conn, id)?.is_some() {
        return refuse("The provider was asked already.");
    }
    let asked = AnswerRow {
        report_id: id,
        provider_id: programs::table.find(row.program_id).select(programs::provider_id).first(conn)?,
        summary: question.summary.to_owned(),
        answer_until: answer_until(question.now),
        answer: None,
    };
    diesel::insert_into(report_answers::table).values(&asked).execute(conn)?;
    let status = row.status.as_str();
    let act = Act {
        id: question.decision,
        by: *by,
        action: "ask_provider",
        from: status,
        to: status,
        reason: question.summary,
        at: question.now,
        audit: Some(question.audit),
    };
    moderation::store::record(conn, SubjectKind::RedFlagReport, id.as_uuid(), &act)?;
    Ok(row)
}

/// Finds what this provider was asked about a report; what others were asked, and what nobody was asked, does not exist
/// for it.
pub fn find_asked(conn: &mut Conn, id: ReportId, provider: ProviderId) -> Result<AskedRow, Error> {
    let found = report_answers::table
        .inner_join(red_flag_reports::table)
        .filter(report_answers::report_id.eq(id))
        .filter(report_answers::provider_id.eq(provider))
        .select(AskedRow::as_select())
        .first(conn)
        .optional()?;
    found.ok_or(Error::NotFound("report"))
}

/// Keeps the provider's answer. [`Error::NotFound`] as for [`find_asked`], [`Error::Conflict`] when there is an answer
/// already, the time for it is over, or the report is not open any more.
pub fn answer(
    conn: &mut Conn,
    own: &OwnProvider,
    id: ReportId,
    text: &str,
    decision: DecisionId,
    now: Timestamp,
) -> Result<AskedRow, Error> {
    // Locked before it is looked at: a ruling and an answer at once see each other.
    lock(conn, id)?;
    let mut row = find_asked(conn, id, own.provider)?;
    if row.asked.answer.is_some() {
        return Err(Error::Conflict("The report has been answered already.".to_owned()));
    }
    if !row.report.status.is_open() {
        return Err(Error::Conflict("The report takes no answer any more.".to_owned()));
    }
    if !row.asked.is_awaited(now.day()) {
        return Err(Error::Conflict(format!("The time to answer ended with {}.", row.asked.answer_until)));
    }
    row.asked.answer = Some(text.to_owned());
    diesel::update(report_answers::table.find(id)).set(report_answers::answer.eq(text)).execute(conn)?;
    let status = row.report.status.as_str();
    let act = Act {
        id: decision,
        by: own.caller,
        action: "provider_answer",
        from: status,
        to: status,
        reason: "",
        at: now,
        audit: None,
    };
    moderation::store::record(conn, SubjectKind::RedFlagReport, id.as_uuid(), &act)?;
    Ok(row)
}

/// Refuses to find a report true while its provider, who was asked, has neither answered nor let the time pass.
pub fn check_heard(conn: &mut Conn, row: &ReportRow, today: Day) -> Result<(), Error> {
    match of_report(conn, row.id)?.filter(|asked| asked.is_awaited(today)) {
        Some(asked) => Err(Error::Conflict(format!("The provider has until {} to answer.", asked.answer_until))),
        None => Ok(()),
    }
}

/// The reports about which a provider was asked, latest first, from behind `after`.
pub fn of_provider(
    conn: &mut Conn,
    provider: ProviderId,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<AskedRow>, Error> {
    let mut query = report_answers::table
        .inner_join(red_flag_reports::table)
        .filter(report_answers::provider_id.eq(provider))
        .select(AskedRow::as_select())
        .into_boxed();
    if let Some(position) = after {
        let last = i32::try_from(position.number).ok().and_then(Day::from_number).ok_or(Error::Cursor)?;
        let id = ReportId::from_uuid(position.id);
        query = query
            .filter(report_answers::answer_until.le(last))
            .filter(report_answers::answer_until.lt(last).or(report_answers::report_id.lt(id)));
    }
    let query = query.order((report_answers::answer_until.desc(), report_answers::report_id.desc())).limit(limit);
    Ok(query.load(conn)?)
}
