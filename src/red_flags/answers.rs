//! What the provider says to a report before it is found true.
//!
//! The provider never reads the report: it reads its kind, the training level, the half-year, and a summary that a
//! moderator wrote for it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::answer_store::{AnswerRow, AskedRow};
use crate::{
    http::{Fault, FaultCode},
    ids::{ProgramId, ReportId},
    page_type,
    reference::{RedFlagKind, TrainingLevel},
    reviews::checks::names_somebody,
    time::{Day, HalfYear, Timestamp},
};

/// How many days the provider has to answer before a report can be found true without an answer.
pub const ANSWER_DAYS: i64 = 14;
/// So many words in a row that stand in the report too are a quotation.
const QUOTATION: usize = 7;

/// The last day on which the provider can answer what it was asked at a moment.
#[must_use]
pub fn answer_until(asked: Timestamp) -> Day {
    asked.plus_seconds(ANSWER_DAYS * 86_400).day()
}

/// A question to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequestInput {
    /// What the provider is to answer to, in a moderator's words. It may not quote the report, nor hold what leads to a
    /// person.
    #[schema(min_length = 20, max_length = 2000)]
    pub summary: String,
}

impl AnswerRequestInput {
    /// What in it would lead to the reporter or a patient, as far as that can be seen: personal data, a patient who
    /// could be recognised, and the reporter's own words, which somebody who was there may know again.
    #[must_use]
    pub fn faults(&self, narrative: &str) -> Vec<Fault> {
        let fault = |detail: &str| Fault::at("/summary", FaultCode::NotAllowed, detail);
        let mut faults: Vec<Fault> = names_somebody(&self.summary).iter().map(|detail| fault(detail)).collect();
        if quotes(&self.summary, narrative) {
            faults.push(fault("This repeats words of the report. Please say it in words of your own."));
        }
        faults
    }
}

/// What the provider says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReportAnswerInput {
    /// The answer; public beside the moderator's summary if the report is found true.
    #[schema(min_length = 10, max_length = 10_000)]
    pub text: String,
}

impl ReportAnswerInput {
    /// What in it leads to a person: it is going to be public.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let fault = |detail: &String| Fault::at("/text", FaultCode::NotAllowed, detail);
        names_somebody(&self.text).iter().map(fault).collect()
    }
}

/// Whether [`QUOTATION`] words in a row of one text stand in the other too, whatever their case and punctuation.
fn quotes(text: &str, account: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        split.map(str::to_lowercase).collect()
    };
    let (text, account) = (words(text), words(account));
    let runs: HashSet<&[String]> = account.windows(QUOTATION).collect();
    text.windows(QUOTATION).any(|run| runs.contains(run))
}

/// What the provider was asked about a report, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderAnswer {
    /// What the provider read of the report.
    #[schema(min_length = 20, max_length = 2000)]
    pub summary: String,
    /// The last day on which it can answer.
    pub answer_until: Day,
    /// What it said; null until it has.
    #[schema(min_length = 10, max_length = 10_000)]
    pub answer: Option<String>,
}

impl From<AnswerRow> for ProviderAnswer {
    fn from(row: AnswerRow) -> Self {
        Self { summary: row.summary, answer_until: row.answer_until, answer: row.answer }
    }
}

/// A report about which the provider was asked: all that the provider learns of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AskedReport {
    /// The report's id.
    pub id: ReportId,
    /// The program.
    pub program_id: ProgramId,
    /// Kind of red flag.
    pub kind: RedFlagKind,
    /// Training level of the participant concerned.
    pub training_level: TrainingLevel,
    /// Half-year in which it is said to have happened; null where it is not known.
    pub half_year: Option<HalfYear>,
    /// What the report is about, in a moderator's words.
    #[schema(min_length = 20, max_length = 2000)]
    pub summary: String,
    /// The last day on which it can be answered.
    pub answer_until: Day,
    /// Whether it can be answered now: it has no answer yet, that day has not passed, and nobody has ruled.
    pub answerable: bool,
    /// The answer; null until it was given.
    #[schema(min_length = 10, max_length = 10_000)]
    pub answer: Option<String>,
}

impl AskedReport {
    /// What the provider reads on a day.
    #[must_use]
    pub fn new(row: AskedRow, today: Day) -> Self {
        let AskedRow { asked, report } = row;
        Self {
            id: report.id,
            program_id: report.program_id,
            kind: report.kind,
            training_level: report.training_level,
            half_year: report.half_year,
            answerable: report.status.is_open() && asked.is_awaited(today),
            summary: asked.summary,
            answer_until: asked.answer_until,
            answer: asked.answer,
        }
    }
}

page_type! {
    /// A page of reports about which the provider was asked.
    AskedReportPage of AskedReport
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_known_whatever_its_punctuation() {
        let account = "On the second night, we were left alone with the ward; nobody came.";
        assert!(quotes("They say: \"WE were left alone -- with the ward\".", account));
        assert!(!quotes("We were left alone with the patients of a ward.", account));
        assert!(!quotes("Left alone with the ward", account), "six words may be chance");
    }

    #[test]
    fn what_leads_to_a_person_is_refused() {
        let faults = |summary: &str| AnswerRequestInput { summary: summary.to_owned() }.faults("An account.").len();
        assert_eq!(faults("Students are said to have worked at night without a supervisor."), 0);
        assert_eq!(faults("Write to jane.doe@example.org, who worked there at night."), 1);
        let answer = ReportAnswerInput { text: "Call her at +49 30 901820 to hear it.".to_owned() };
        assert_eq!(answer.faults().len(), 1);
        assert_eq!(answer.faults()[0].pointer.as_deref(), Some("#/text"));
    }

    #[test]
    fn the_provider_has_fourteen_days() {
        let asked: Timestamp = "2026-03-01T23:59:59.000000Z".parse().unwrap();
        assert_eq!(answer_until(asked).to_string(), "2026-03-15");
    }
}
