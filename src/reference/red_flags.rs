//! The 35 kinds of red flag, their severity, and who can observe them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum::text_enum;

text_enum! {
    /// A kind of red flag.
    pub enum RedFlagKind {
        /// Clinical role beyond training.
        ScopeExceedsTraining = "scope_exceeds_training",
        /// Invasive procedures by students.
        InvasiveProceduresByStudents = "invasive_procedures_by_students",
        /// Hands-on part in surgery.
        SurgicalParticipation = "surgical_participation",
        /// Delivering babies.
        DeliveriesByStudents = "deliveries_by_students",
        /// Prescribing, dispensing or vaccinating.
        MedicationHandlingByStudents = "medication_handling_by_students",
        /// Vague or unbounded role.
        VagueRole = "vague_role",
        /// Hands-on as the selling point.
        HandsOnMarketing = "hands_on_marketing",
        /// Scope grows with eagerness.
        ScopeGrowsWithEagerness = "scope_grows_with_eagerness",
        /// Things you could never do at home.
        HomeForbiddenSellingPoint = "home_forbidden_selling_point",
        /// No qualification or screening for clinical contact.
        NoExperienceRequired = "no_experience_required",
        /// Minors offered clinical roles.
        MinorsInClinicalRoles = "minors_in_clinical_roles",
        /// Left alone with patients.
        UnsupervisedPatientContact = "unsupervised_patient_contact",
        /// No named, licensed supervisor.
        SupervisorNotIdentified = "supervisor_not_identified",
        /// Supervisor absent or not qualified.
        SupervisorAbsentOrUnqualified = "supervisor_absent_or_unqualified",
        /// Presented as a doctor.
        MisrepresentedAsClinician = "misrepresented_as_clinician",
        /// No consent to student presence.
        NoPatientConsent = "no_patient_consent",
        /// Photos or stories of patients.
        PatientPhotography = "patient_photography",
        /// Cannot communicate with patients.
        LanguageGapNoInterpreter = "language_gap_no_interpreter",
        /// Orphanage or residential-care add-on.
        ResidentialChildcareComponent = "residential_childcare_component",
        /// No legal permission to be there.
        NoHostAuthorization = "no_host_authorization",
        /// Suitcase medicines.
        UnlicensedMedicineImport = "unlicensed_medicine_import",
        /// Host or accreditation cannot be checked.
        UnverifiableHostOrAccreditation = "unverifiable_host_or_accreditation",
        /// No local request, no follow-up.
        NoLocalNeedOrContinuity = "no_local_need_or_continuity",
        /// Burden on or displacement of local staff/students.
        BurdensOrDisplacesLocalStaff = "burdens_or_displaces_local_staff",
        /// Saviour and impact claims.
        SaviorOrImpactClaims = "savior_or_impact_claims",
        /// No PPE, needlestick or PEP plan.
        InfectionControlOrPepGap = "infection_control_or_pep_gap",
        /// No insurance or emergency plan.
        NoInsuranceOrEmergencyPlan = "no_insurance_or_emergency_plan",
        /// Unsafe housing or transport.
        UnsafeHousingOrTransport = "unsafe_housing_or_transport",
        /// Harassment, discrimination or abuse.
        HarassmentOrAbuse = "harassment_or_abuse",
        /// Little or no preparation.
        InadequatePreparation = "inadequate_preparation",
        /// Placement not as advertised.
        PlacementMismatch = "placement_mismatch",
        /// Opaque or unfair fees.
        OpaqueOrUnfairFees = "opaque_or_unfair_fees",
        /// Admission advantage promised.
        AdmissionAdvantageClaims = "admission_advantage_claims",
        /// Inflated hours or letters.
        CredentialInflation = "credential_inflation",
        /// Reviews bought, gated or suppressed.
        ReviewManipulation = "review_manipulation",
    }
}
text_enum! {
    /// How grave a red flag is. A critical one that stands decides the verdict alone.
    pub enum Severity {
        /// Patients or participants can come to harm; decides the verdict alone.
        Critical = "critical",
        /// A serious fault in how the program is run or described.
        Major = "major",
        /// A fault that a careful participant can live with.
        Minor = "minor",
        /// Worth knowing, not a fault by itself.
        Info = "info",
    }
}

impl Severity {
    /// Rank of gravity: 3 for critical down to 0 for info. (`Ord` follows the order of declaration,
    /// gravest first.)
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Critical => 3,
            Self::Major => 2,
            Self::Minor => 1,
            Self::Info => 0,
        }
    }
}

text_enum! {
    /// Who can see a red flag of a kind.
    pub enum ObservableBy {
        /// It shows in the text of the listing.
        Listing = "listing",
        /// Only someone who took part can tell.
        Participant = "participant",
        /// Either.
        Both = "both",
    }
}

/// One kind of red flag as the reference data describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedFlagKindInfo {
    /// Code of the kind.
    pub code: RedFlagKind,
    /// Short name.
    #[schema(max_length = 100)]
    pub title: String,
    /// Severity unless the level rule says otherwise.
    pub severity: Severity,
    /// Who can observe it.
    pub observable_by: ObservableBy,
    /// What happens when this kind is present.
    #[schema(max_length = 300)]
    pub description: String,
    /// How the severity depends on the training level.
    #[schema(max_length = 300)]
    pub level_rule: String,
    /// The guidelines and studies it rests on.
    #[schema(max_items = 20, max_length = 200)]
    pub basis: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    kinds: Vec<RedFlagKindInfo>,
}

#[expect(clippy::expect_used, reason = "the document is compiled in and a test parses it")]
static KINDS: LazyLock<Vec<RedFlagKindInfo>> = LazyLock::new(|| {
    let document: Document =
        serde_json::from_str(include_str!("data/red-flags.json")).expect("embedded red-flags.json is well formed");
    document.kinds
});

/// Every kind, in the order of [`RedFlagKind::ALL`].
#[must_use]
pub fn red_flag_kinds() -> &'static [RedFlagKindInfo] {
    &KINDS
}

impl RedFlagKind {
    /// The reference entry of this kind.
    #[must_use]
    pub fn info(self) -> &'static RedFlagKindInfo {
        // The entries stand in the order of the enum; a test holds that.
        &KINDS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_and_reference_data_agree() {
        assert_eq!(RedFlagKind::ALL.len(), 35);
        let codes: Vec<_> = red_flag_kinds().iter().map(|kind| kind.code).collect();
        assert_eq!(codes, RedFlagKind::ALL);
        for kind in RedFlagKind::ALL {
            assert_eq!(kind.info().code, *kind);
            assert!(!kind.info().basis.is_empty());
        }
    }

    #[test]
    fn severities_are_ordered_from_the_gravest() {
        assert!(Severity::ALL.windows(2).all(|pair| pair[0].rank() > pair[1].rank() && pair[0] < pair[1]));
        assert_eq!(RedFlagKind::UnsupervisedPatientContact.info().severity, Severity::Critical);
    }
}
