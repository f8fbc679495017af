//! What an assessment consists of, its states, and what may be done in each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{EvidenceId, ReviewId},
    reference::CriterionCode,
    text_enum::text_enum,
    time::Day,
    verdict::{CriterionStatus, EvidenceFact, RulingFacts},
};

text_enum! {
    /// State of an assessment.
    pub enum AssessmentStatus {
        /// Being made.
        Draft = "draft",
        /// Handed in: for a second assessor, the provider's answer, and publication.
        Submitted = "submitted",
        /// A second assessor has signed it off.
        SignedOff = "signed_off",
        /// In force: it decides the verdict.
        Published = "published",
        /// A later one is in force. Final.
        Superseded = "superseded",
        /// Given up before publication. Final.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What a piece of evidence is. Its level follows from it.
    pub enum EvidenceKind {
        /// The provider says so. Level 1.
        ProviderStatement = "provider_statement",
        /// A document on file: a policy, an agreement, a roster. Level 2.
        DocumentOnFile = "document_on_file",
        /// A letter of the host, checked with the host. Level 3.
        HostLetterChecked = "host_letter_checked",
        /// An entry in the register of the licensing body. Level 3.
        LicenceRegistry = "licence_registry",
        /// Somebody went there. Level 3.
        SiteVisit = "site_visit",
        /// Three or more participants with verified reviews agree. Level 3.
        ParticipantsAgree = "participants_agree",
    }
}

impl EvidenceKind {
    /// How strong it is, 1 to 3 (the rubric's levels of evidence).
    #[must_use]
    pub const fn level(self) -> u8 {
        match self {
            Self::ProviderStatement => 1,
            Self::DocumentOnFile => 2,
            Self::HostLetterChecked | Self::LicenceRegistry | Self::SiteVisit | Self::ParticipantsAgree => 3,
        }
    }
}

/// One piece of evidence, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Its id.
    pub id: EvidenceId,
    /// What it is.
    pub kind: EvidenceKind,
    /// What it shows.
    #[schema(max_length = 1000)]
    pub description: String,
    /// Where it can be read.
    #[schema(max_length = 500)]
    pub url: Option<String>,
    /// SHA-256 of a file that is kept elsewhere, 64 hexadecimal digits.
    #[schema(max_length = 64)]
    pub sha256: Option<String>,
    /// The day on which it was obtained.
    pub obtained_on: Day,
    /// The first day on which it counts no longer.
    pub expires_on: Day,
    /// The role or body that confirmed it, never a person's name.
    #[schema(max_length = 200)]
    pub confirmed_by: Option<String>,
    /// The verified reviews that agree, for `participants_agree`.
    #[schema(max_items = 20)]
    pub review_ids: Vec<ReviewId>,
    /// The public reads only its kind, level and dates.
    pub confidential: bool,
}

/// What was found about one criterion, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    /// The criterion.
    pub criterion: CriterionCode,
    /// What was found.
    pub status: CriterionStatus,
    /// Why.
    #[schema(max_length = 2000)]
    pub note: String,
    /// What it rests on.
    #[schema(max_items = 20)]
    pub evidence: Vec<Evidence>,
}

impl Ruling {
    /// What the verdict needs of it.
    #[must_use]
    pub fn facts(&self) -> RulingFacts {
        let fact =
            |item: &Evidence| EvidenceFact { id: item.id, level: item.kind.level(), expires_on: item.expires_on };
        RulingFacts {
            criterion: self.criterion,
            status: self.status,
            evidence: self.evidence.iter().map(fact).collect(),
        }
    }
}

/// The rulings of an assessment, as they are stored: each criterion at most once, in rubric order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The rulings.
    pub rulings: Vec<Ruling>,
}
