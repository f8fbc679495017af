//! The parts of a listing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::{
    reference::{TaskCode, TaskRule, TrainingLevel},
    rules::{country, currency, fault_at, language, unique},
    text_enum::text_enum,
    time::Day,
};

/// A town in a country.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// ISO 3166-1 alpha-2 code of the country.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "NP")]
    #[validate(custom(function = "country"))]
    pub country: String,
    /// Name of the town.
    #[schema(min_length = 1, max_length = 80, example = "Kathmandu")]
    pub city: String,
}

text_enum! {
    /// What kind of place a host site is.
    pub enum SiteSetting {
        /// Hospital.
        Hospital = "hospital",
        /// Clinic or practice.
        Clinic = "clinic",
        /// Work in the community, outside an institution.
        Community = "community",
        /// Laboratory.
        Laboratory = "laboratory",
        /// University.
        University = "university",
        /// Public health office.
        PublicHealthOffice = "public_health_office",
        /// Anything else.
        Other = "other",
    }
}

/// An institution that receives participants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = "agreement_in_order", skip_on_field_errors = false))]
pub struct HostSite {
    /// Name of the institution.
    #[schema(min_length = 2, max_length = 140)]
    pub name: String,
    /// What kind of place it is.
    pub setting: SiteSetting,
    /// ISO 3166-1 alpha-2 code of the country.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "NP")]
    #[validate(custom(function = "country"))]
    pub country: String,
    /// Name of the town.
    #[schema(min_length = 1, max_length = 80, example = "Kathmandu")]
    pub city: String,
    /// First day of the agreement with the host.
    pub agreement_from: Option<Day>,
    /// Last day of the agreement with the host; not before `agreement_from`.
    pub agreement_until: Option<Day>,
}

fn agreement_in_order(site: &HostSite) -> Result<(), ValidationError> {
    match (site.agreement_from, site.agreement_until) {
        (Some(from), Some(until)) if from > until => {
            Err(fault_at("range_reversed", "agreement_until may not be before agreement_from.", "/agreement_until"))
        }
        _ => Ok(()),
    }
}

text_enum! {
    /// Level of a language in the Common European Framework of Reference.
    pub enum CefrLevel {
        /// Beginner.
        A1 = "a1",
        /// Elementary.
        A2 = "a2",
        /// Intermediate.
        B1 = "b1",
        /// Upper intermediate.
        B2 = "b2",
        /// Advanced.
        C1 = "c1",
        /// Proficient.
        C2 = "c2",
    }
}

/// A language that an applicant must speak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct LanguageRequired {
    /// BCP 47 tag.
    #[schema(min_length = 2, max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", example = "es")]
    #[validate(custom(function = "language"))]
    pub language: String,
    /// Lowest level accepted.
    pub level: CefrLevel,
}

/// A role in the supervision of participants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupervisorRole {
    /// The role, such as "attending physician".
    #[schema(min_length = 2, max_length = 100, example = "Attending physician")]
    pub role: String,
    /// Licence or qualification held.
    #[schema(min_length = 2, max_length = 200)]
    pub qualification: Option<String>,
    /// Whether this person is present where participants work.
    pub on_site: bool,
}

text_enum! {
    /// How supervisors' licences are checked.
    #[derive(Default)]
    pub enum LicenceCheck {
        /// Not checked, or nothing said about it.
        #[default]
        None = "none",
        /// Supervisors state it themselves.
        SelfDeclared = "self_declared",
        /// A copy of the licence is on file.
        Document = "document",
        /// Looked up in the register of the licensing body.
        Registry = "registry",
    }
}

/// Who supervises, and how it is ensured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supervision {
    /// Roles that supervise.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub roles: Vec<SupervisorRole>,
    /// How their licences are checked; `none` when nothing is said.
    #[serde(default)]
    pub licence_check: LicenceCheck,
    /// Most participants for one supervisor.
    #[schema(minimum = 1, maximum = 100)]
    pub trainees_per_supervisor: Option<i32>,
    /// What participants do when the supervisor is away.
    #[schema(min_length = 5, max_length = 1000)]
    pub absence_rule: Option<String>,
}

/// What participants of one level may do with one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeEntry {
    /// The task.
    pub task: TaskCode,
    /// The level.
    pub training_level: TrainingLevel,
    /// The rule.
    pub rule: TaskRule,
}

/// The legal right to be there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// Class of visa.
    #[schema(min_length = 3, max_length = 500)]
    pub visa: Option<String>,
    /// Permission of the host institution, council or ministry.
    #[schema(min_length = 3, max_length = 500)]
    pub host_permission: Option<String>,
}

/// Protection of participants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Safety {
    /// Medical, evacuation and liability insurance.
    #[schema(min_length = 3, max_length = 1000)]
    pub insurance: Option<String>,
    /// What happens after contact with blood or body fluids.
    #[schema(min_length = 3, max_length = 1000)]
    pub post_exposure_plan: Option<String>,
    /// Protective equipment, and who provides it.
    #[schema(min_length = 3, max_length = 1000)]
    pub protective_equipment: Option<String>,
    /// The line answered at all hours.
    #[schema(min_length = 3, max_length = 200)]
    pub emergency_line: Option<String>,
    /// Vaccinations required, each once.
    #[serde(default)]
    #[schema(max_items = 30, min_length = 2, max_length = 100)]
    #[validate(custom(function = "unique"))]
    pub vaccinations: Vec<String>,
}

/// Training before the stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Hours of training.
    #[schema(minimum = 0, maximum = 1000)]
    pub hours: Option<i32>,
    /// Training in the language.
    #[schema(min_length = 3, max_length = 1000)]
    pub language_training: Option<String>,
    /// Introduction to the place and its people.
    #[schema(min_length = 3, max_length = 1000)]
    pub cultural_orientation: Option<String>,
}

/// What the host community gets from the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommunityBenefit {
    /// Who asked for it.
    #[schema(min_length = 3, max_length = 500)]
    pub requested_by: Option<String>,
    /// Training of local staff and students.
    #[schema(min_length = 3, max_length = 1000)]
    pub local_training: Option<String>,
    /// Years of work at the site.
    #[schema(minimum = 0, maximum = 200)]
    pub years_at_site: Option<i32>,
}

/// One item of the price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Amount in minor units of the currency: 125000 is 1250.00 EUR.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 125_000)]
    pub amount_minor: i64,
    /// ISO 4217 code.
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "EUR")]
    #[validate(custom(function = "currency"))]
    pub currency: String,
    /// What it pays for.
    #[schema(min_length = 3, max_length = 300, example = "Placement and supervision, four weeks")]
    pub covers: String,
}

/// Help for participants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportPlan {
    /// Help before departure.
    #[schema(min_length = 3, max_length = 1000)]
    pub before_departure: Option<String>,
    /// Help on site.
    #[schema(min_length = 3, max_length = 1000)]
    pub on_site: Option<String>,
}
