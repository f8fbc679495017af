//! The 14 criteria of the vetting rubric.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::red_flags::RedFlagKind;
use crate::text_enum::text_enum;

text_enum! {
    /// A criterion of the vetting rubric.
    pub enum CriterionCode {
        /// A written scope for each trainee level: allowed, only under direct supervision, never.
        ScopeDefined = "scope_defined",
        /// A named, licensed supervisor is present whenever there is patient contact, the ratio and
        /// the absence rule are stated.
        LicensedSupervision = "licensed_supervision",
        /// The legal right to be there: host permission, student registration, the right visa.
        HostAuthorization = "host_authorization",
        /// Patients are asked, may refuse, and know that the participant is a student.
        PatientConsentDignity = "patient_consent_dignity",
        /// No identifiable patient images or stories, the same for marketing.
        PrivacyImagery = "privacy_imagery",
        /// Level is checked: transcript, references, interview, background check.
        ParticipantSelection = "participant_selection",
        /// Pre-departure training in ethics, safety and scope, orientation on site, debrief.
        PreparationDebrief = "preparation_debrief",
        /// The host asked for it, a long-term agreement, continuity and referral.
        HostPartnershipNeed = "host_partnership_need",
        /// Host costs are paid, local learners are not displaced, leadership is local.
        ReciprocityCompensation = "reciprocity_compensation",
        /// Protective equipment, vaccination, post-exposure protocol, insurance, 24-hour emergency
        /// plan, safe housing.
        ParticipantHealthSafety = "participant_health_safety",
        /// A child and vulnerable-adult policy, a harassment reporting line, no residential
        /// childcare add-on.
        Safeguarding = "safeguarding",
        /// Claims are bounded and checkable, no promise of admission, fair imagery.
        TruthfulMarketing = "truthful_marketing",
        /// Full price, what is included, the host's share, refund terms.
        FinancialTransparency = "financial_transparency",
        /// Incidents are recorded, participants and hosts evaluate, reviews are neither bought nor
        /// suppressed.
        AccountabilityFeedback = "accountability_feedback",
    }
}
/// One criterion of the rubric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CriterionInfo {
    /// Code of the criterion.
    pub code: CriterionCode,
    /// What a program must do.
    #[schema(min_length = 3, max_length = 300)]
    pub standard: String,
    /// What shows that it does.
    #[schema(min_length = 3, max_length = 300)]
    pub evidence: String,
    /// Whether failing it decides the verdict alone.
    pub critical: bool,
    /// What counts as failing a critical criterion; null for others.
    #[schema(min_length = 3, max_length = 300)]
    pub critical_failure: Option<String>,
    /// The guidelines it rests on.
    #[schema(max_items = 20, min_length = 2, max_length = 200)]
    pub basis: Vec<String>,
    /// The kinds of red flag that speak against it.
    #[schema(max_items = 35)]
    pub red_flags: Vec<RedFlagKind>,
}

#[derive(Deserialize)]
struct Document {
    criteria: Vec<CriterionInfo>,
}

#[expect(clippy::expect_used, reason = "the document is compiled in and a test parses it")]
static CRITERIA: LazyLock<Vec<CriterionInfo>> = LazyLock::new(|| {
    let document: Document =
        serde_json::from_str(include_str!("data/criteria.json")).expect("embedded criteria.json is well formed");
    document.criteria
});

/// Every criterion as the release brings it along ([`Rubric::first`](crate::vetting::rubric::Rubric::first)), in the
/// order of [`CriterionCode::ALL`].
#[must_use]
pub fn criteria() -> &'static [CriterionInfo] {
    &CRITERIA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_and_reference_data_agree() {
        assert_eq!(CriterionCode::ALL.len(), 14);
        let codes: Vec<_> = criteria().iter().map(|criterion| criterion.code).collect();
        assert_eq!(codes, CriterionCode::ALL);
        for criterion in criteria() {
            assert_eq!(criterion.critical, criterion.critical_failure.is_some(), "{}", criterion.code);
        }
    }
}
