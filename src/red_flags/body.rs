//! Reports as clients read them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answers::ProviderAnswer,
    group_store::{Beside, ReportGroup},
    list_store::ReportItemRow,
    measures::ReporterMeasure,
    model::{Confidentiality, Evidence, ReportAction, ReportStatus},
    store::{Information, ReportRow},
};
use crate::{
    http::Error,
    ids::{ProgramId, ReportId},
    moderation::{DecisionBody, queue::ProposalBody},
    page_type,
    reference::{RedFlagKind, Severity, TaskCode, TrainingLevel},
    reviews::model::{Period, Verification},
    text_enum::text_enum,
    time::{Day, HalfYear, Timestamp},
};

/// A report as its reporter and moderators read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedFlagReport {
    /// The report's id.
    pub id: ReportId,
    /// The program.
    pub program_id: ProgramId,
    /// State.
    pub status: ReportStatus,
    /// Kind of red flag.
    pub kind: RedFlagKind,
    /// Severity: the default of its kind until a moderator rules.
    pub severity: Severity,
    /// Training level of the participant concerned.
    pub training_level: TrainingLevel,
    /// Tasks concerned.
    #[schema(max_items = 11)]
    pub tasks: Vec<TaskCode>,
    /// When it happened.
    pub happened: Period,
    /// What happened; null once it was erased, because the report was turned down or taken back long ago.
    #[schema(min_length = 20, max_length = 10_000)]
    pub narrative: Option<String>,
    /// Evidence.
    #[schema(max_items = 20)]
    pub evidence: Vec<Evidence>,
    /// Who may learn of the report.
    pub confidentiality: Confidentiality,
    /// How it was known, when the report was made, that its reporter took part.
    pub verification: Verification,
    /// Whether it cannot wait: somebody was in danger, or it tells of harassment or abuse. The provider is not asked.
    pub urgent: bool,
    /// Pseudonym of the reporter: the same in all reports of one person about one program, and unlike the pseudonym
    /// of the same person's reviews.
    #[schema(max_length = 40, pattern = "^reporter-[0-9a-f]{8}$", example = "reporter-5f0c19ae")]
    pub reporter: String,
    /// Version of the listing that the report was made against.
    #[schema(minimum = 1, format = "int32", example = 1)]
    pub listing_version: i32,
    /// Path of that version of the listing.
    #[schema(
        max_length = 100,
        pattern = "^/v1/programs/[0-9a-f-]{36}/versions/[0-9]+$",
        example = "/v1/programs/0195f8a0-1c2d-7abc-8def-0123456789ab/versions/1"
    )]
    pub listing: String,
    /// The reporter's answers to questions, oldest first.
    #[schema(max_items = 50)]
    pub information: Vec<Information>,
    /// Moderators' questions and the reporter's answers, in the order in which they came.
    #[schema(max_items = 550)]
    pub dialogue: Vec<DialogueEntry>,
    /// What the provider was asked, and what it said; null when it was not asked.
    pub provider_answer: Option<ProviderAnswer>,
    /// How far other reports bear this one out; null for others than moderators.
    pub group: Option<ReportGroup>,
    /// The moderator's summary; null before the report is substantiated.
    #[schema(min_length = 20, max_length = 2000)]
    pub public_summary: Option<String>,
    /// What showed that the cause was removed; null before the report is remediated.
    #[schema(min_length = 10, max_length = 2000)]
    pub proof: Option<String>,
    /// What one moderator has proposed and a second has not decided yet; null for none, and for the reporter.
    pub proposal: Option<ProposalBody>,
    /// What was decided, oldest first.
    #[schema(max_items = 500)]
    pub history: Vec<DecisionBody>,
    /// What moderators did about the reporter because of it, oldest first.
    #[schema(max_items = 500)]
    pub measures: Vec<ReporterMeasure>,
    /// When the report was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

impl RedFlagReport {
    /// Most entries that [`Self::history`] shows.
    pub const MAX_HISTORY: i64 = 500;

    /// Puts the answer together.
    pub fn new(row: ReportRow, around: Around) -> Result<Self, Error> {
        let Around { reporter, history, group, provider_answer, proposal, measures } = around;
        let urgent = row.cannot_wait();
        let content = row.content()?;
        let input = content.input;
        Ok(Self {
            id: row.id,
            program_id: row.program_id,
            status: row.status,
            kind: row.kind,
            severity: row.severity,
            training_level: row.training_level,
            tasks: input.tasks,
            happened: input.happened,
            narrative: Some(input.narrative).filter(|text| !text.is_empty()),
            evidence: input.evidence,
            confidentiality: row.confidentiality,
            verification: row.verification,
            urgent,
            reporter,
            listing_version: row.listing_version,
            listing: format!("/v1/programs/{}/versions/{}", row.program_id, row.listing_version),
            dialogue: dialogue(&history, &content.information),
            provider_answer,
            group,
            information: content.information,
            public_summary: row.public_summary,
            proof: content.proof,
            proposal,
            history,
            measures,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// What is read together with a report.
#[derive(Debug)]
pub struct Around {
    /// The reporter's pseudonym.
    pub reporter: String,
    /// What was decided, oldest first.
    pub history: Vec<DecisionBody>,
    /// The group, for moderators.
    pub group: Option<ReportGroup>,
    /// What the provider was asked.
    pub provider_answer: Option<ProviderAnswer>,
    /// What one of them has proposed, for moderators.
    pub proposal: Option<ProposalBody>,
    /// What was done about the reporter.
    pub measures: Vec<ReporterMeasure>,
}

text_enum! {
    /// Who speaks in the dialogue about a report.
    pub enum DialogueParty {
        /// A moderator asks.
        Moderator = "moderator",
        /// The reporter answers.
        Reporter = "reporter",
    }
}

/// A question or an answer. Nothing in it names a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DialogueEntry {
    /// Who speaks.
    pub by: DialogueParty,
    /// What is asked or answered.
    #[schema(min_length = 10, max_length = 10_000)]
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// Puts questions, which are the reasons of the decisions that ask, and answers in one order. What is asked and
/// answered at the same moment was asked first.
fn dialogue(history: &[DecisionBody], information: &[Information]) -> Vec<DialogueEntry> {
    // The reasons of a report that was emptied are gone, and with them the questions.
    let asks = |act: &&DecisionBody| act.action == ReportAction::RequestInfo.as_str() && !act.reason.is_empty();
    let questions = history.iter().filter(asks).map(|act| DialogueEntry {
        by: DialogueParty::Moderator,
        text: act.reason.clone(),
        at: act.created_at,
    });
    let answers = information.iter().map(|answer| DialogueEntry {
        by: DialogueParty::Reporter,
        text: answer.text.clone(),
        at: answer.at,
    });
    let mut entries: Vec<_> = questions.chain(answers).collect();
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// A report in the lists of its reporter and of moderators.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedFlagReportItem {
    /// The report's id.
    pub id: ReportId,
    /// The program.
    pub program_id: ProgramId,
    /// State.
    pub status: ReportStatus,
    /// Kind of red flag.
    pub kind: RedFlagKind,
    /// Severity: the default of its kind until a moderator rules.
    pub severity: Severity,
    /// Training level of the participant concerned.
    pub training_level: TrainingLevel,
    /// Who may learn of the report.
    pub confidentiality: Confidentiality,
    /// How it was known, when the report was made, that its reporter took part.
    pub verification: Verification,
    /// Whether it cannot wait: somebody was in danger, or it tells of harassment or abuse. The provider is not asked.
    pub urgent: bool,
    /// Version of the listing that the report was made against.
    #[schema(minimum = 1, format = "int32", example = 1)]
    pub listing_version: i32,
    /// When the report was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

impl From<ReportItemRow> for RedFlagReportItem {
    fn from(row: ReportItemRow) -> Self {
        Self {
            id: row.id,
            program_id: row.program_id,
            status: row.status,
            kind: row.kind,
            severity: row.severity,
            training_level: row.training_level,
            confidentiality: row.confidentiality,
            verification: row.verification,
            urgent: row.queue_key < 0,
            listing_version: row.listing_version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

page_type! {
    /// A page of reports.
    RedFlagReportPage of RedFlagReportItem
}

/// A report that was found true, as anyone reads it. Nothing in it is the reporter's own text or leads to them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicRedFlagReport {
    /// The report's id, by which a verdict names its reasons.
    pub id: ReportId,
    /// `substantiated` while it stands, `remediated` once the cause was verifiably removed.
    pub status: ReportStatus,
    /// Kind of red flag.
    pub kind: RedFlagKind,
    /// Severity that was found.
    pub severity: Severity,
    /// Half-year in which it happened.
    pub half_year: HalfYear,
    /// Version of the listing that the report was made against.
    #[schema(minimum = 1, format = "int32", example = 1)]
    pub listing_version: i32,
    /// Summary written by a moderator; null when the reporter wants moderators only to know more.
    #[schema(min_length = 20, max_length = 2000)]
    pub public_summary: Option<String>,
    /// What the provider said before the report was found true; null when it was not asked, did not answer, or the
    /// reporter wants moderators only to know more.
    #[schema(min_length = 10, max_length = 10_000)]
    pub provider_answer: Option<String>,
    /// How many other people, each known to have taken part, made a report on the same kind of red flag that was found
    /// true too and tells of another half-year.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub corroborated_by: i32,
    /// First day of the month in which the present status was decided.
    pub decided_on: Day,
}

impl PublicRedFlagReport {
    /// What the public may know of a report. Only reports that were found true may be passed.
    pub fn new(row: ReportRow, beside: Beside) -> Result<Self, Error> {
        if !matches!(row.status, ReportStatus::Substantiated | ReportStatus::Remediated) {
            return Err(Error::internal("a report that was not found true is not public"));
        }
        let content = row.content()?;
        Ok(Self {
            id: row.id,
            status: row.status,
            kind: row.kind,
            severity: row.severity,
            half_year: content.input.happened.half_year(),
            listing_version: row.listing_version,
            public_summary: match row.confidentiality {
                Confidentiality::PublicSummary => row.public_summary,
                Confidentiality::ModeratorsOnly => None,
            },
            provider_answer: beside.provider_answer,
            corroborated_by: beside.corroborated_by,
            // Both statuses are entered by a decision, and nothing else changes a report that has one of them.
            decided_on: first_of_month(row.updated_at)?,
        })
    }
}

page_type! {
    /// A page of reports that were found true.
    PublicRedFlagReportPage of PublicRedFlagReport
}

fn first_of_month(at: Timestamp) -> Result<Day, Error> {
    format!("{}-01", at.day().month()).parse().map_err(Error::internal)
}

#[cfg(test)]
mod tests;
