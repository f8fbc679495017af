//! Queries on the public record of decisions, and who may read more of one.

use std::collections::BTreeSet;

use diesel::{dsl::exists, prelude::*};

use crate::{
    auth::{Caller, Role},
    db::{
        Conn, Sql,
        schema::{appeals, decisions, red_flag_reports, reviews},
    },
    http::{Error, Position},
    ids::{AppealId, DecisionId, ProgramId, ProviderId, ReportId, ReviewId},
    moderation::{Party, SubjectKind, statement, store::DecisionRow},
    red_flags::model::Confidentiality,
};

/// Which decisions name what they are about: those on what anyone may read now, and only where the decision itself is no
/// news about a time when it was not public.
const NAMED: &str = "(CASE decisions.subject_kind
    WHEN 'program' THEN EXISTS (SELECT 1 FROM programs WHERE programs.id = decisions.subject_id
        AND programs.status IN ('listed', 'suspended') AND programs.listed_at <= decisions.created_at)
    WHEN 'review' THEN (decisions.from_status = 'published' OR decisions.to_status = 'published')
        AND EXISTS (SELECT 1 FROM reviews JOIN programs ON programs.id = reviews.program_id
        WHERE reviews.id = decisions.subject_id AND reviews.status = 'published'
        AND programs.status IN ('listed', 'suspended'))
    WHEN 'review_reply' THEN EXISTS (SELECT 1 FROM reviews JOIN programs ON programs.id = reviews.program_id
        WHERE reviews.id = decisions.subject_id AND reviews.status = 'published'
        AND programs.status IN ('listed', 'suspended'))
    WHEN 'review_answer' THEN EXISTS (SELECT 1 FROM reviews JOIN programs ON programs.id = reviews.program_id
        WHERE reviews.id = decisions.subject_id AND reviews.status = 'published'
        AND programs.status IN ('listed', 'suspended'))
    WHEN 'red_flag_report' THEN decisions.from_status <> decisions.to_status AND decisions.to_status IN ('substantiated', 'remediated')
        AND EXISTS (SELECT 1 FROM red_flag_reports JOIN programs ON programs.id = red_flag_reports.program_id
        WHERE red_flag_reports.id = decisions.subject_id
        AND red_flag_reports.status IN ('substantiated', 'remediated') AND programs.status IN ('listed', 'suspended'))
    WHEN 'assessment' THEN decisions.to_status = 'published'
        AND EXISTS (SELECT 1 FROM assessments JOIN programs ON programs.id = assessments.program_id
        WHERE assessments.id = decisions.subject_id AND assessments.status IN ('published', 'superseded')
        AND programs.status IN ('listed', 'suspended'))
    WHEN 'triage_entry' THEN decisions.to_status = 'confirmed'
        AND EXISTS (SELECT 1 FROM triage_entries JOIN programs ON programs.id = triage_entries.program_id
        WHERE triage_entries.id = decisions.subject_id AND triage_entries.status = 'confirmed'
        AND programs.status IN ('listed', 'suspended'))
    ELSE FALSE
END)";

/// The rulings against a provider: what [`statement::affected`] says.
const AGAINST_PROVIDER: &str =
    "((decisions.subject_kind = 'program' AND decisions.action IN ('reject', 'suspend', 'archive'))
    OR (decisions.subject_kind = 'red_flag_report' AND decisions.action = 'substantiate')
    OR (decisions.subject_kind = 'review_reply' AND decisions.action = 'remove')
    OR (decisions.subject_kind = 'assessment' AND decisions.action = 'publish')
    OR (decisions.subject_kind = 'triage_entry' AND decisions.action = 'confirm'))";

/// Before and after the id of the author in the condition that a decision is on what they have written.
const OWN_REVIEWS: &str = "((decisions.subject_kind IN ('review', 'review_answer') AND decisions.subject_id IN
    (SELECT reviews.id FROM reviews WHERE reviews.participant_id = ";
const OWN_REPORTS: &str = ")) OR (decisions.subject_kind = 'red_flag_report' AND decisions.subject_id IN
    (SELECT red_flag_reports.id FROM red_flag_reports WHERE red_flag_reports.reporter_id = ";

fn named() -> Sql {
    Sql::default().sql(NAMED)
}

/// Whether a reader learns what a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// What it is about is public.
    Named,
    /// Only the kind of it.
    Unnamed,
}

/// How much of the statement of reasons somebody reads who is not just anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insight {
    /// All of it.
    Whole,
    /// All but what moderators wrote: of a report whose reporter wants only moderators to know more.
    WithoutWords,
}

/// A decision for one reader.
#[derive(Debug, Clone)]
pub struct Read {
    /// The row.
    pub row: DecisionRow,
    /// Whether what it is about is public.
    pub seen: Seen,
    /// The public summary of a report.
    pub public_summary: Option<String>,
    /// What the reader reads beyond the public.
    pub insight: Option<Insight>,
}

/// What the public record is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only decisions on this kind of thing.
    pub kind: Option<SubjectKind>,
    /// Only this action.
    pub action: Option<String>,
    /// Only decisions that name this program.
    pub program: Option<ProgramId>,
    /// Only decisions that name a program of this provider.
    pub provider: Option<ProviderId>,
}

/// The public record, by month, newest first, from behind `after`. Within a month the order is that of the ids, which
/// are random: it tells nothing of days.
pub fn record(conn: &mut Conn, filter: &Filter, after: Option<&Position>, limit: i64) -> Result<Vec<Read>, Error> {
    let mut query =
        decisions::table.filter(decisions::public_month.is_not_null()).select(DecisionRow::as_select()).into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(decisions::subject_kind.eq(kind));
    }
    if let Some(action) = &filter.action {
        query = query.filter(decisions::action.eq(action));
    }
    if let Some(program) = filter.program {
        query = query.filter(decisions::program_id.eq(program));
    }
    if let Some(provider) = filter.provider {
        query = query.filter(decisions::provider_id.eq(provider));
    }
    if filter.program.is_some() || filter.provider.is_some() {
        // What does not name its program is not found by it either.
        query = query.filter(named());
    }
    if let Some(position) = after {
        query = query.filter(behind(position)?);
    }
    let rows = query.order((decisions::public_month.desc(), decisions::id.desc())).limit(limit).load(conn)?;
    for_the_public(conn, rows)
}

/// What comes after a position, by month and id.
fn behind(position: &Position) -> Result<Sql, Error> {
    let month = i32::try_from(position.number).map_err(|_| Error::Cursor)?;
    let sql = Sql::default().sql("(decisions.public_month <= ").value(month).sql(" AND (decisions.public_month < ");
    Ok(sql.value(month).sql(" OR decisions.id < ").value(position.id).sql("))"))
}

/// The rulings on what a participant has written, or those that go against a provider, by month, newest first, from
/// behind `after`; each as the caller reads it.
pub fn concerning(conn: &mut Conn, caller: &Caller, after: Option<&Position>, limit: i64) -> Result<Vec<Read>, Error> {
    let mut query =
        decisions::table.filter(decisions::public_month.is_not_null()).select(DecisionRow::as_select()).into_boxed();
    query = if let (Role::Provider, Some(provider)) = (caller.role, caller.provider) {
        query.filter(decisions::provider_id.eq(provider)).filter(Sql::default().sql(AGAINST_PROVIDER))
    } else {
        let id = *caller.id.as_uuid();
        query.filter(Sql::default().sql(OWN_REVIEWS).value(id).sql(OWN_REPORTS).value(id).sql(")))"))
    };
    if let Some(position) = after {
        query = query.filter(behind(position)?);
    }
    let rows = query.order((decisions::public_month.desc(), decisions::id.desc())).limit(limit).load(conn)?;
    let mut reads = for_the_public(conn, rows)?;
    for read in &mut reads {
        read.insight = insight(conn, &read.row, caller)?;
    }
    Ok(reads)
}

/// Where a decision stands in the public record.
#[must_use]
pub fn position(read: &Read) -> Position {
    let month = read.row.public_month.map_or(0, crate::time::Month::number);
    Position::by_number(month.into(), *read.row.id.as_uuid())
}

fn for_the_public(conn: &mut Conn, rows: Vec<DecisionRow>) -> Result<Vec<Read>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = Sql::one_of("decisions.id", rows.iter().map(|row| *row.id.as_uuid())).uncached();
    let shown: Vec<DecisionId> = decisions::table.filter(ids).filter(named()).select(decisions::id).load(conn)?;
    let shown: BTreeSet<_> = shown.into_iter().collect();
    let mut reads = Vec::with_capacity(rows.len());
    for row in rows {
        let seen = if shown.contains(&row.id) { Seen::Named } else { Seen::Unnamed };
        let of_report = row.subject_kind == SubjectKind::RedFlagReport && seen == Seen::Named;
        let public_summary = if of_report { public_summary(conn, &row)? } else { None };
        reads.push(Read { row, seen, public_summary, insight: None });
    }
    Ok(reads)
}

fn public_summary(conn: &mut Conn, row: &DecisionRow) -> Result<Option<String>, Error> {
    let found: Option<(Confidentiality, Option<String>)> = red_flag_reports::table
        .find(ReportId::from_uuid(row.subject()?))
        .select((red_flag_reports::confidentiality, red_flag_reports::public_summary))
        .first(conn)
        .optional()?;
    Ok(found
        .and_then(|(confidentiality, summary)| summary.filter(|_| confidentiality == Confidentiality::PublicSummary)))
}

/// Finds a decision, whoever asks.
pub fn find(conn: &mut Conn, id: DecisionId) -> Result<DecisionRow, Error> {
    let row = decisions::table.find(id).select(DecisionRow::as_select()).first(conn).optional()?;
    row.ok_or(Error::NotFound("decision"))
}

/// Finds a decision for a reader. [`Error::NotFound`] where it is not in the public record and is none of theirs.
pub fn read(conn: &mut Conn, id: DecisionId, caller: Option<&Caller>) -> Result<Read, Error> {
    let row = find(conn, id)?;
    let insight = match caller {
        Some(caller) => insight(conn, &row, caller)?,
        None => None,
    };
    if row.public_month.is_none() && insight.is_none() {
        return Err(Error::NotFound("decision"));
    }
    let read = for_the_public(conn, vec![row])?.pop().ok_or(Error::NotFound("decision"))?;
    Ok(Read { insight, ..read })
}

/// What somebody reads of a decision beyond the public.
pub fn insight(conn: &mut Conn, row: &DecisionRow, caller: &Caller) -> Result<Option<Insight>, Error> {
    let subject = row.subject()?;
    let is_theirs = match (caller.role, row.subject_kind) {
        (Role::Moderator, _) => true,
        (Role::Participant, SubjectKind::Review | SubjectKind::ReviewAnswer) => {
            let own = reviews::table.find(ReviewId::from_uuid(subject)).filter(reviews::participant_id.eq(caller.id));
            diesel::select(exists(own)).get_result(conn)?
        }
        (Role::Participant, SubjectKind::RedFlagReport) => {
            let report = red_flag_reports::table.find(ReportId::from_uuid(subject));
            diesel::select(exists(report.filter(red_flag_reports::reporter_id.eq(caller.id)))).get_result(conn)?
        }
        (Role::Participant, SubjectKind::Appeal) => {
            let own = appeals::table.find(AppealId::from_uuid(subject)).filter(appeals::appellant_id.eq(caller.id));
            diesel::select(exists(own)).get_result(conn)?
        }
        (Role::Provider, kind) if caller.provider.is_some() && row.provider_id == caller.provider => match kind {
            SubjectKind::Program => true,
            SubjectKind::Appeal => {
                let own = appeals::table.find(AppealId::from_uuid(subject)).filter(appeals::party.eq(Party::Provider));
                diesel::select(exists(own)).get_result(conn)?
            }
            _ => goes_against_provider(row),
        },
        _ => false,
    };
    if !is_theirs {
        return Ok(None);
    }
    if caller.role == Role::Provider && row.subject_kind == SubjectKind::RedFlagReport {
        let confidentiality: Confidentiality = red_flag_reports::table
            .find(ReportId::from_uuid(subject))
            .select(red_flag_reports::confidentiality)
            .first(conn)?;
        let is_open = confidentiality == Confidentiality::PublicSummary;
        return Ok(Some(if is_open { Insight::Whole } else { Insight::WithoutWords }));
    }
    Ok(Some(Insight::Whole))
}

fn goes_against_provider(row: &DecisionRow) -> bool {
    statement::affected(row.subject_kind, row.actor_role, &row.action) == Some(Party::Provider)
}

/// Whether later rulings or acts have changed what a decision was about.
pub fn has_successor(conn: &mut Conn, row: &DecisionRow) -> QueryResult<bool> {
    let later = decisions::table
        .filter(decisions::subject_kind.eq(row.subject_kind))
        .filter(decisions::subject_id.eq(&row.subject_id))
        .filter(decisions::created_at.gt(row.created_at));
    diesel::select(exists(later)).get_result(conn)
}
