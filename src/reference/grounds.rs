//! The grounds that decisions rest on: closed codes, each with a text that stands in every statement of reasons.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum::text_enum;

text_enum! {
    /// What a decision rests on; see `/v1/moderation/grounds`.
    pub enum Ground {
        /// The text names or describes a person who is not its author, so that they can be recognised.
        PersonalData = "personal_data",
        /// The text tells enough of a patient for others to recognise them.
        IdentifiablePatient = "identifiable_patient",
        /// The text is nearly the same as another one about a program of the same provider.
        NearCopy = "near_copy",
        /// The text was not written by an independent participant, or somebody was paid for what it says.
        Manipulation = "manipulation",
        /// The text does not tell of the program that it was sent for.
        OffTopic = "off_topic",
        /// The text is in a language that cannot be checked, or leads to an address that may not stand there.
        LanguageOrLinks = "language_or_links",
        /// The text insults a person instead of telling what happened.
        Insulting = "insulting",
        /// The automatic checks, which are the same at every star value, found something that a person has to look at.
        AutomaticChecks = "automatic_checks",
        /// A person has to look at it again before it can be public.
        SecondLook = "second_look",
        /// The listing leaves out what participants and patients have to know.
        IncompleteListing = "incomplete_listing",
        /// The listing promises what does not hold, or hides what does.
        MisleadingListing = "misleading_listing",
        /// What was found puts patients at risk.
        PatientSafety = "patient_safety",
        /// What was found puts participants at risk.
        ParticipantSafety = "participant_safety",
        /// What was told was looked into, and was found to be true.
        FoundTrue = "found_true",
        /// What was told was looked into, and was not found to be true.
        NotFoundTrue = "not_found_true",
        /// There is proof that the cause was removed.
        CauseRemoved = "cause_removed",
        /// The criteria of the rubric were applied to the evidence on file.
        Rubric = "rubric",
        /// It was looked at and keeps the rules.
        RulesKept = "rules_kept",
        /// Whoever runs the program asked for it, or has ceased to exist.
        AtRequest = "at_request",
        /// A step on the way to a decision.
        Procedure = "procedure",
        /// Somebody else has looked at it again and finds that the decision does not hold.
        AppealFounded = "appeal_founded",
        /// Somebody else has looked at it again and finds that the decision holds.
        AppealUnfounded = "appeal_unfounded",
    }
}

text_enum! {
    /// The category of a statement of reasons: that of the EU's transparency database, in lower case and without the
    /// prefix `STATEMENT_CATEGORY_`.
    pub enum StatementCategory {
        /// Information for consumers is missing or wrong.
        ConsumerInformation = "consumer_information",
        /// Data protection and privacy.
        DataProtection = "data_protection_and_privacy_violations",
        /// Another breach of the rules of this service.
        OtherViolation = "other_violation_tc",
        /// Scams and fraud.
        ScamsAndFraud = "scams_and_fraud",
        /// Outside of what this service is for, or a step of its procedure.
        ScopeOfService = "scope_of_platform_service",
        /// Unsafe offers.
        Unsafe = "unsafe_and_prohibited_products",
    }
}

/// A ground with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroundInfo {
    /// The code.
    pub code: Ground,
    /// Its title.
    #[schema(min_length = 1, max_length = 80)]
    pub title: String,
    /// What it says in a statement of reasons.
    #[schema(min_length = 1, max_length = 300)]
    pub text: String,
    /// The category that it belongs to.
    pub category: StatementCategory,
}

#[derive(Deserialize)]
struct Document {
    grounds: Vec<GroundInfo>,
}

#[expect(clippy::expect_used, reason = "the document is compiled in and a test parses it")]
static GROUNDS: LazyLock<Vec<GroundInfo>> = LazyLock::new(|| {
    let document: Document =
        serde_json::from_str(include_str!("data/grounds.json")).expect("embedded grounds.json is well formed");
    document.grounds
});

/// Every ground, in the order of [`Ground::ALL`].
#[must_use]
pub fn grounds() -> &'static [GroundInfo] {
    &GROUNDS
}

impl Ground {
    /// Its text and category.
    #[must_use]
    pub fn info(self) -> &'static GroundInfo {
        // A test holds the document to the order of the enum.
        &GROUNDS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ground_has_its_text() {
        let codes: Vec<_> = grounds().iter().map(|info| info.code).collect();
        assert_eq!(codes, Ground::ALL);
        for ground in Ground::ALL {
            let info = ground.info();
            assert_eq!(info.code, *ground);
            assert!(info.title.len() <= 80 && (20..=300).contains(&info.text.len()) && info.text.ends_with('.'));
        }
        for category in StatementCategory::ALL {
            assert!(grounds().iter().any(|info| info.category == *category), "{category}");
        }
    }
}
