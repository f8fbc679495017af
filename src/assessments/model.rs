//! What an assessment consists of, its states, and what may be done in each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    auth::{Caller, Role},
    ids::{EvidenceId, ProviderId, ReviewId},
    reference::{CriterionCode, Ground},
    rules::TransitionError,
    text_enum::text_enum,
    time::{Day, Timestamp},
    verdict::{CriterionStatus, EvidenceFact, RubricFacts, RulingFacts},
};

/// How many days the provider has to answer before an assessment is published without an answer.
pub const ANSWER_DAYS: i64 = 14;

/// The last day's end of a provider's time to answer what was submitted at a moment.
#[must_use]
pub fn answer_until(submitted_at: Timestamp) -> Timestamp {
    submitted_at.plus_seconds(ANSWER_DAYS * 24 * 60 * 60)
}

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
    /// What an assessor can do with an assessment as a whole.
    pub enum AssessmentAction {
        /// Hand it in.
        Submit = "submit",
        /// Give it back to be worked on.
        Return = "return",
        /// Confirm it as a second assessor.
        SignOff = "sign_off",
        /// Put it in force.
        Publish = "publish",
        /// Give it up.
        Withdraw = "withdraw",
    }
}

impl AssessmentStatus {
    /// The state after an action. What is published ends only by a later assessment: otherwise whoever dislikes a
    /// verdict could take its reasons away.
    pub const fn after(self, action: AssessmentAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Draft, AssessmentAction::Submit) => Ok(Self::Submitted),
            (Self::Submitted | Self::SignedOff, AssessmentAction::Return) => Ok(Self::Draft),
            (Self::Submitted, AssessmentAction::SignOff) => Ok(Self::SignedOff),
            (Self::Submitted | Self::SignedOff, AssessmentAction::Publish) => Ok(Self::Published),
            (Self::Draft | Self::Submitted | Self::SignedOff, AssessmentAction::Withdraw) => Ok(Self::Withdrawn),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }

    /// Whether anyone may read it.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Published | Self::Superseded)
    }

    /// Whether the provider may answer it.
    #[must_use]
    pub const fn takes_answer(self) -> bool {
        matches!(self, Self::Submitted | Self::SignedOff | Self::Published)
    }
}

/// How much of the assessments of one provider's programs somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Assessors, moderators and admins: everything.
    Staff,
    /// The provider itself: what was submitted, without confidential evidence.
    Provider,
    /// Everybody else: what was published, without confidential evidence.
    Public,
}

impl Reader {
    /// As whom a caller reads what concerns a provider.
    #[must_use]
    pub fn of(caller: Option<&Caller>, provider: ProviderId) -> Self {
        match caller.map(|caller| (caller.role, caller.provider)) {
            Some((Role::Admin | Role::Moderator | Role::Assessor, _)) => Self::Staff,
            Some((Role::Provider, Some(own))) if own == provider => Self::Provider,
            _ => Self::Public,
        }
    }

    /// Whether an assessment in a state exists for this reader; `submitted` is whether it has been handed in. The
    /// public reads only what concerns a program that is public itself.
    #[must_use]
    pub const fn reads(self, status: AssessmentStatus, submitted: bool, program_is_public: bool) -> bool {
        match self {
            Self::Staff => true,
            Self::Provider => submitted,
            Self::Public => status.is_public() && program_is_public,
        }
    }

    /// The states that a program's list shows to this reader.
    #[must_use]
    pub const fn listed(self) -> &'static [AssessmentStatus] {
        use AssessmentStatus as S;
        match self {
            Self::Staff => S::ALL,
            Self::Provider => &[S::Submitted, S::SignedOff, S::Published, S::Superseded],
            Self::Public => &[S::Published, S::Superseded],
        }
    }

    /// A name that cursors are bound to.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Provider => "provider",
            Self::Public => "public",
        }
    }
}

/// What an assessor decides about an assessment as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AssessmentDecisionInput {
    /// What is decided.
    pub action: AssessmentAction,
    /// Why; whoever may read the assessment reads it.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// What it rests on; what is usual for the action when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever is affected; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

/// What the provider says to an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AssessmentAnswerInput {
    /// The answer; public once the assessment is.
    #[schema(min_length = 10, max_length = 10_000)]
    pub text: String,
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

impl Content {
    /// The ruling on a criterion.
    #[must_use]
    pub fn ruling(&self, criterion: CriterionCode) -> Option<&Ruling> {
        self.rulings.iter().find(|ruling| ruling.criterion == criterion)
    }

    /// Puts a ruling in the place of the former one. A piece of evidence that is as it was keeps its id.
    pub fn rule(&mut self, mut ruling: Ruling) {
        if let Some(index) = self.rulings.iter().position(|known| known.criterion == ruling.criterion) {
            let mut former = self.rulings.remove(index).evidence;
            for item in &mut ruling.evidence {
                let same = |known: &Evidence| Evidence { id: item.id, ..known.clone() } == *item;
                if let Some(index) = former.iter().position(same) {
                    item.id = former.remove(index).id;
                }
            }
        }
        self.rulings.push(ruling);
        self.rulings.sort_by_key(|ruling| ruling.criterion);
    }

    /// The criteria that nobody has ruled on, in rubric order.
    #[must_use]
    pub fn missing(&self) -> Vec<CriterionCode> {
        CriterionCode::ALL.iter().copied().filter(|criterion| self.ruling(*criterion).is_none()).collect()
    }

    fn critical<'a>(&'a self, rubric: &'a RubricFacts) -> impl Iterator<Item = &'a Ruling> {
        self.rulings.iter().filter(|ruling| rubric.critical.contains(&ruling.criterion))
    }

    /// Whether a critical criterion is not met: then nobody waits for the provider's answer, because patients would.
    #[must_use]
    pub fn is_urgent(&self, rubric: &RubricFacts) -> bool {
        self.critical(rubric).any(|ruling| ruling.status == CriterionStatus::NotMet)
    }

    /// Whether a second assessor has to confirm it: a critical criterion is not met, does not concern the program, or is
    /// met by what somebody confirmed independently.
    #[must_use]
    pub fn needs_sign_off(&self, rubric: &RubricFacts) -> bool {
        self.is_urgent(rubric)
            || self.critical(rubric).any(|ruling| {
                let confirmed = ruling.evidence.iter().any(|item| item.kind.level() == 3);
                ruling.status == CriterionStatus::NotApplicable || (ruling.status == CriterionStatus::Met && confirmed)
            })
    }
}

#[cfg(test)]
mod tests;
