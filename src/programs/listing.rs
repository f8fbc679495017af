//! The listing: everything a provider says about a program. The same shape is the request body, the
//! stored version and the members of the program as it is read.
//!
//! What a JSON schema can say stands in `#[schema]`; what it cannot (real codes, order of dates,
//! one entry per pair) stands in `#[validate]`. Members that are objects may be absent and are then
//! empty.

#![expect(clippy::duplicated_attributes, reason = "each rule of the whole listing has an attribute of its own")]

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

pub use super::listing_parts::{
    CommunityBenefit, Fee, HostSite, LanguageRequired, LegalBasis, Place, Preparation, Safety, ScopeEntry, Supervision,
    SupervisorRole, SupportPlan,
};
use crate::{
    reference::{Specialty, Track, TrainingLevel},
    rules::{fault_at, inside, unique, unique_by},
    time::Day,
};

/// A program as its provider describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(
    schema(function = "weeks_in_order", skip_on_field_errors = false),
    // Not on the fields themselves: a field with a fault of its own hides those of its items.
    schema(function = "places_once", skip_on_field_errors = false),
    schema(function = "languages_once", skip_on_field_errors = false)
)]
pub struct ProgramInput {
    /// Name of the program.
    #[schema(min_length = 5, max_length = 140, example = "Observation in internal medicine, Kathmandu")]
    pub title: String,
    /// Readable name in URLs. Made from the title when absent.
    #[schema(
        min_length = 3,
        max_length = 80,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "observation-internal-medicine-kathmandu"
    )]
    pub slug: Option<String>,
    /// The program in a few sentences, as lists show it.
    #[schema(
        min_length = 20,
        max_length = 300,
        example = "Four to twelve weeks of clinical observation in a teaching hospital, with a named supervisor."
    )]
    pub summary: String,
    /// Full description.
    #[schema(min_length = 50, max_length = 10_000)]
    pub description: String,
    /// Where it takes place.
    #[schema(min_items = 1, max_items = 20)]
    #[validate(nested)]
    pub places: Vec<Place>,
    /// The institutions that receive participants.
    #[serde(default)]
    #[schema(max_items = 20)]
    #[validate(nested)]
    pub host_sites: Vec<HostSite>,
    /// Specialties, each once.
    #[schema(min_items = 1, max_items = 10)]
    #[validate(custom(function = "unique"))]
    pub specialties: Vec<Specialty>,
    /// Kinds of work, each once.
    #[schema(min_items = 1, max_items = 7)]
    #[validate(custom(function = "unique"))]
    pub tracks: Vec<Track>,
    /// Training levels accepted, each once.
    #[schema(min_items = 1, max_items = 5)]
    #[validate(custom(function = "unique"))]
    pub training_levels: Vec<TrainingLevel>,
    /// Youngest age accepted, in years.
    #[schema(minimum = 14, maximum = 99, example = 18)]
    pub minimum_age: i32,
    /// What an applicant must have or have done.
    #[serde(default)]
    #[schema(max_items = 20, min_length = 2, max_length = 200)]
    #[validate(custom(function = "unique"))]
    pub prerequisites: Vec<String>,
    /// Languages an applicant must speak, each once.
    #[serde(default)]
    #[schema(max_items = 10)]
    #[validate(nested)]
    pub languages_required: Vec<LanguageRequired>,
    /// Shortest stay, in weeks.
    #[schema(minimum = 1, maximum = 104, example = 4)]
    pub weeks_min: i32,
    /// Longest stay, in weeks; not below `weeks_min`.
    #[schema(minimum = 1, maximum = 104, example = 12)]
    pub weeks_max: i32,
    /// Months in which one can start, 1 for January to 12 for December, each once.
    #[schema(min_items = 1, max_items = 12, minimum = 1, maximum = 12, example = json!([1, 7, 9]))]
    #[validate(custom(function = "unique"))]
    pub start_months: Vec<i32>,
    /// Last day on which one can apply.
    pub application_deadline: Option<Day>,
    /// Most participants at one time.
    #[schema(minimum = 1, maximum = 500)]
    pub group_size_max: Option<i32>,
    /// Who supervises, and how it is ensured.
    #[serde(default)]
    pub supervision: Supervision,
    /// What a participant of each level may do, one entry for each pair of task and level.
    #[serde(default)]
    #[schema(max_items = 55)]
    #[validate(custom(function = "unique_scope"))]
    pub scope: Vec<ScopeEntry>,
    /// How patients are asked, and how they can refuse.
    #[schema(min_length = 5, max_length = 2000)]
    pub consent_policy: Option<String>,
    /// Rules on photographs and stories.
    #[schema(min_length = 5, max_length = 2000)]
    pub photo_policy: Option<String>,
    /// The legal right to be there.
    #[serde(default)]
    pub legal_basis: LegalBasis,
    /// Protection of participants.
    #[serde(default)]
    #[validate(nested)]
    pub safety: Safety,
    /// Protection of children and vulnerable adults, and where to report harassment.
    #[schema(min_length = 5, max_length = 2000)]
    pub safeguarding: Option<String>,
    /// Training before the stay.
    #[serde(default)]
    pub preparation: Preparation,
    /// Debriefing after the stay.
    #[schema(min_length = 3, max_length = 1000)]
    pub debrief: Option<String>,
    /// Mentoring during the stay.
    #[schema(min_length = 3, max_length = 1000)]
    pub mentorship: Option<String>,
    /// What the host community gets from it.
    #[serde(default)]
    pub community_benefit: CommunityBenefit,
    /// What it costs.
    #[serde(default)]
    #[schema(max_items = 20)]
    #[validate(nested)]
    pub fees: Vec<Fee>,
    /// Share of the fees that reaches the host, in percent.
    #[schema(minimum = 0, maximum = 100)]
    pub host_share_percent: Option<i32>,
    /// When and how much is paid back.
    #[schema(min_length = 5, max_length = 2000)]
    pub refund_policy: Option<String>,
    /// What the fees include.
    #[serde(default)]
    #[schema(max_items = 30, min_length = 2, max_length = 200)]
    #[validate(custom(function = "unique"))]
    pub included: Vec<String>,
    /// Where participants live.
    #[schema(min_length = 3, max_length = 1000)]
    pub housing: Option<String>,
    /// Help with the cost.
    #[schema(min_length = 3, max_length = 1000)]
    pub scholarships: Option<String>,
    /// Help before departure and on site.
    #[serde(default)]
    pub support: SupportPlan,
    /// Page of the program.
    #[schema(
        min_length = 10,
        max_length = 500,
        pattern = "^https?://[A-Za-z0-9.:-]+([/?#][!-~]*)?$",
        format = "uri",
        example = "https://example.org/kathmandu"
    )]
    #[validate(url(code = "invalid_url", message = "Use a complete http or https address."))]
    pub website: Option<String>,
}

fn weeks_in_order(listing: &ProgramInput) -> Result<(), ValidationError> {
    if listing.weeks_min > listing.weeks_max {
        return Err(fault_at("range_reversed", "weeks_max may not be below weeks_min.", "/weeks_max"));
    }
    Ok(())
}

fn places_once(listing: &ProgramInput) -> Result<(), ValidationError> {
    unique(&listing.places).map_err(|fault| inside("places", fault))
}

fn languages_once(listing: &ProgramInput) -> Result<(), ValidationError> {
    let once = unique_by(&listing.languages_required, |value| value.language.to_ascii_lowercase());
    once.map_err(|fault| inside("languages_required", fault))
}

fn unique_scope(values: &[ScopeEntry]) -> Result<(), ValidationError> {
    unique_by(values, |value| (value.task, value.training_level))
}
