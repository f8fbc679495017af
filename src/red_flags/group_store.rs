//! Reports that tell of the same kind of red flag in the same program: how far they bear each other out, and what the
//! provider says to them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer_store::AnswerRow,
    model::{Confidentiality, ReportStatus},
    store::ReportRow,
};
use crate::{
    db::{
        Conn,
        schema::{red_flag_reports, report_answers},
    },
    ids::{PrincipalId, ProgramId, ReportId},
    reference::RedFlagKind,
    reviews::model::Verification,
    time::HalfYear,
};

/// All reports on one kind of red flag in one program, withdrawn ones left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportGroup {
    /// How many there are, this one included unless it was withdrawn.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub reports: i32,
    /// By how many people.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub people: i32,
    /// Of how many half-years.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub periods: i32,
    /// How many are by somebody who was known to have taken part.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub verified: i32,
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The group of the reports on one kind of red flag in one program.
pub fn group(conn: &mut Conn, program: ProgramId, kind: RedFlagKind) -> QueryResult<ReportGroup> {
    let rows: Vec<(PrincipalId, Option<HalfYear>, Verification)> = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::kind.eq(kind))
        .filter(red_flag_reports::status.ne(ReportStatus::Withdrawn))
        .select((red_flag_reports::reporter_id, red_flag_reports::half_year, red_flag_reports::verification))
        .load(conn)?;
    let people: BTreeSet<PrincipalId> = rows.iter().map(|(person, ..)| *person).collect();
    let periods: BTreeSet<HalfYear> = rows.iter().filter_map(|(_, half_year, _)| *half_year).collect();
    Ok(ReportGroup {
        reports: count(rows.len()),
        people: count(people.len()),
        periods: count(periods.len()),
        verified: count(rows.iter().filter(|(.., verification)| verification.is_verified()).count()),
    })
}

/// What the public reads beside a report that was found true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// How many other people, each known to have taken part, made a report on the same kind that was found true too and
    /// tells of another half-year.
    pub corroborated_by: i32,
    /// What the provider said, where the public may read about the report at all.
    pub provider_answer: Option<String>,
}

/// What the public reads beside each of these reports of one program. Reports that nobody has ruled on count for
/// nothing: a number that rises with a report would tell when it was made.
pub fn beside(conn: &mut Conn, program: ProgramId, rows: &[ReportRow]) -> QueryResult<Vec<Beside>> {
    let ids: Vec<ReportId> = rows.iter().map(|row| row.id).collect();
    let kinds: Vec<RedFlagKind> = rows.iter().map(|row| row.kind).collect();
    let answers: Vec<AnswerRow> = report_answers::table
        .filter(report_answers::report_id.eq_any(ids))
        .select(AnswerRow::as_select())
        .load(conn)?;
    let mut answers: BTreeMap<ReportId, Option<String>> =
        answers.into_iter().map(|row| (row.report_id, row.answer)).collect();
    let verified: Vec<(RedFlagKind, PrincipalId, Option<HalfYear>)> = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::status.eq_any([ReportStatus::Substantiated, ReportStatus::Remediated]))
        .filter(red_flag_reports::kind.eq_any(kinds))
        .filter(red_flag_reports::verification.ne(Verification::None))
        .select((red_flag_reports::kind, red_flag_reports::reporter_id, red_flag_reports::half_year))
        .load(conn)?;
    let beside = |row: &ReportRow| {
        let others = verified.iter().filter(|(kind, person, half_year)| {
            *kind == row.kind && *person != row.reporter_id && half_year.is_some() && *half_year != row.half_year
        });
        let others: BTreeSet<PrincipalId> = others.map(|(_, person, _)| *person).collect();
        let may_read = row.confidentiality == Confidentiality::PublicSummary;
        Beside {
            corroborated_by: count(others.len()),
            provider_answer: answers.remove(&row.id).flatten().filter(|_| may_read),
        }
    };
    Ok(rows.iter().map(beside).collect())
}
