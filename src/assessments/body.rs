//! Assessments as clients read them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    list_store::{ItemRow, RevisionRow},
    model::{AssessmentStatus, Content, Evidence, EvidenceKind, Reader, Ruling, answer_until},
    store::AssessmentRow,
};
use crate::{
    http::Error,
    ids::{AssessmentId, EvidenceId, ProgramId, ReviewId},
    moderation::DecisionBody,
    page_type,
    reference::CriterionCode,
    time::{Day, Timestamp},
    verdict::{CriterionStatus, RubricFacts},
};

/// A moment that is never the first of all; null while it has not come.
fn once(at: Timestamp) -> Option<Timestamp> {
    Some(at).filter(|at| *at > Timestamp::EPOCH)
}

/// One piece of evidence. Of a confidential one, readers outside the service see `id`, `kind`, `level` and the dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssessmentEvidence {
    /// Its id, by which a verdict names its reasons.
    pub id: EvidenceId,
    /// What it is.
    pub kind: EvidenceKind,
    /// How strong it is: 1 the provider's statement, 2 a document on file, 3 confirmed independently.
    #[schema(format = "int32", minimum = 1, maximum = 3)]
    pub level: u8,
    /// What it shows.
    #[schema(min_length = 10, max_length = 1000)]
    pub description: Option<String>,
    /// Where it can be read.
    #[schema(max_length = 500, pattern = "^https?://[A-Za-z0-9.:-]+([/?#][!-~]*)?$", format = "uri")]
    pub url: Option<String>,
    /// SHA-256 of a file that is kept elsewhere.
    #[schema(max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub sha256: Option<String>,
    /// The day on which it was obtained.
    pub obtained_on: Day,
    /// The first day on which it counts no longer.
    pub expires_on: Day,
    /// The role or body that confirmed it.
    #[schema(min_length = 3, max_length = 200)]
    pub confirmed_by: Option<String>,
    /// The reviews that agree.
    #[schema(max_items = 20)]
    pub review_ids: Vec<ReviewId>,
    /// Readers outside the service do not see what it is about.
    pub confidential: bool,
}

impl AssessmentEvidence {
    fn of(item: Evidence, reader: Reader) -> Self {
        let shown = !item.confidential || reader == Reader::Staff;
        Self {
            id: item.id,
            kind: item.kind,
            level: item.kind.level(),
            description: shown.then_some(item.description),
            url: item.url.filter(|_| shown),
            sha256: item.sha256.filter(|_| shown),
            obtained_on: item.obtained_on,
            expires_on: item.expires_on,
            confirmed_by: item.confirmed_by.filter(|_| shown),
            review_ids: if shown { item.review_ids } else { Vec::new() },
            confidential: item.confidential,
        }
    }
}

/// What was found about one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssessmentRuling {
    /// The criterion.
    pub criterion: CriterionCode,
    /// Failing it decides the verdict alone.
    pub critical: bool,
    /// What was found.
    pub status: CriterionStatus,
    /// Why.
    #[schema(min_length = 10, max_length = 2000)]
    pub note: String,
    /// What it rests on.
    #[schema(max_items = 20)]
    pub evidence: Vec<AssessmentEvidence>,
}

impl AssessmentRuling {
    /// What a reader sees of a ruling that was made under a rubric.
    #[must_use]
    pub fn of(ruling: Ruling, rubric: &RubricFacts, reader: Reader) -> Self {
        Self {
            criterion: ruling.criterion,
            critical: rubric.critical.contains(&ruling.criterion),
            status: ruling.status,
            note: ruling.note,
            evidence: ruling.evidence.into_iter().map(|item| AssessmentEvidence::of(item, reader)).collect(),
        }
    }
}

/// An assessment. Who made it and who signed it off is never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Assessment {
    /// Its id.
    pub id: AssessmentId,
    /// The program.
    pub program_id: ProgramId,
    /// The version of the rubric that it follows.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
    /// The version of the listing that was assessed.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub listing_version: i32,
    /// Its state.
    pub status: AssessmentStatus,
    /// A second assessor has to confirm it before it is published: a critical criterion is not met, or is met by
    /// evidence of level 3.
    pub needs_sign_off: bool,
    /// A second assessor has confirmed it.
    pub signed_off: bool,
    /// The rulings, in rubric order.
    #[schema(max_items = 14)]
    pub rulings: Vec<AssessmentRuling>,
    /// The criteria that nobody has ruled on, in rubric order.
    #[schema(max_items = 14)]
    pub missing: Vec<CriterionCode>,
    /// What the provider says to it.
    #[schema(min_length = 10, max_length = 10_000)]
    pub provider_answer: Option<String>,
    /// When the provider answered.
    pub answered_at: Option<Timestamp>,
    /// Until then publication waits for the provider's answer, unless a critical criterion is not met.
    pub answer_until: Option<Timestamp>,
    /// When it was handed in.
    pub submitted_at: Option<Timestamp>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// What was decided about it, oldest first.
    #[schema(max_items = 500)]
    pub history: Vec<DecisionBody>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Assessment {
    /// Most entries that [`Self::history`] shows.
    pub const MAX_HISTORY: i64 = 500;

    /// What a reader sees.
    pub fn of(
        row: AssessmentRow,
        rubric: &RubricFacts,
        history: Vec<DecisionBody>,
        reader: Reader,
    ) -> Result<Self, Error> {
        let content = row.content()?;
        let submitted_at = once(row.submitted_at);
        // An answer to what was handed in before is not one to what stands here now.
        let answers_this = row.answered_at >= row.submitted_at;
        Ok(Self {
            id: row.id,
            program_id: row.program_id,
            rubric_version: row.rubric_version,
            listing_version: row.listing_version,
            status: row.status,
            needs_sign_off: content.needs_sign_off(rubric),
            signed_off: row.signed_off_by.is_some(),
            missing: content.missing(),
            rulings: content.rulings.into_iter().map(|ruling| AssessmentRuling::of(ruling, rubric, reader)).collect(),
            provider_answer: row.answer.filter(|_| answers_this),
            answered_at: once(row.answered_at).filter(|_| answers_this),
            answer_until: submitted_at.map(answer_until),
            submitted_at,
            published_at: once(row.published_at),
            history,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// How many criteria were found to be what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RulingCounts {
    /// The program keeps the standard.
    #[schema(format = "int32", minimum = 0, maximum = 14)]
    pub met: u8,
    /// The program keeps a part of it.
    #[schema(format = "int32", minimum = 0, maximum = 14)]
    pub partly_met: u8,
    /// The program fails it.
    #[schema(format = "int32", minimum = 0, maximum = 14)]
    pub not_met: u8,
    /// It is not known.
    #[schema(format = "int32", minimum = 0, maximum = 14)]
    pub unknown: u8,
    /// The standard does not concern the program.
    #[schema(format = "int32", minimum = 0, maximum = 14)]
    pub not_applicable: u8,
}

impl RulingCounts {
    fn of(content: &Content) -> Self {
        let mut counts = Self::default();
        for ruling in &content.rulings {
            let count = match ruling.status {
                CriterionStatus::Met => &mut counts.met,
                CriterionStatus::PartlyMet => &mut counts.partly_met,
                CriterionStatus::NotMet => &mut counts.not_met,
                CriterionStatus::Unknown => &mut counts.unknown,
                CriterionStatus::NotApplicable => &mut counts.not_applicable,
            };
            *count += 1;
        }
        counts
    }
}

/// An assessment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssessmentItem {
    /// Its id.
    pub id: AssessmentId,
    /// The program.
    pub program_id: ProgramId,
    /// The version of the rubric that it follows.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
    /// Its state.
    pub status: AssessmentStatus,
    /// How many criteria were found to be what.
    pub counts: RulingCounts,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was handed in.
    pub submitted_at: Option<Timestamp>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
}

impl AssessmentItem {
    /// The wire form of a row.
    pub fn of(row: &ItemRow) -> Result<Self, Error> {
        let content: Content = serde_json::from_str(&row.content).map_err(Error::internal)?;
        Ok(Self {
            id: row.id,
            program_id: row.program_id,
            rubric_version: row.rubric_version,
            status: row.status,
            counts: RulingCounts::of(&content),
            created_at: row.created_at,
            submitted_at: once(row.submitted_at),
            published_at: once(row.published_at),
        })
    }
}

page_type! {
    /// A page of assessments.
    AssessmentPage of AssessmentItem
}

/// A ruling as it was written at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RulingRevision {
    /// The version that the assessment had after it.
    #[schema(format = "int32", minimum = 2, maximum = 2_147_483_647, example = 2)]
    pub version: i32,
    /// The criterion.
    pub criterion: CriterionCode,
    /// What was written.
    pub ruling: AssessmentRuling,
    /// When it was written.
    pub created_at: Timestamp,
}

impl RulingRevision {
    /// The wire form of a row, for staff.
    pub fn of(row: &RevisionRow, rubric: &RubricFacts) -> Result<Self, Error> {
        let ruling = serde_json::from_str(&row.ruling).map_err(Error::internal)?;
        Ok(Self {
            version: row.version,
            criterion: row.criterion,
            ruling: AssessmentRuling::of(ruling, rubric, Reader::Staff),
            created_at: row.created_at,
        })
    }
}

page_type! {
    /// A page of rulings as they were written.
    RulingRevisionPage of RulingRevision
}
