//! States of a program, what may be done in each, and what is derived from its listing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

pub use super::listing::ProgramInput;
use crate::{
    reference::{Ground, Specialty, primary_language},
    rules::{TransitionError, slug_of},
    search_text::{index_body, sort_key},
    text_enum::text_enum,
};

text_enum! {
    /// State of a program.
    pub enum ProgramStatus {
        /// Being written by its provider; also after a rejection.
        Draft = "draft",
        /// Waiting for a moderator.
        Submitted = "submitted",
        /// Public.
        Listed = "listed",
        /// Taken from the lists by a moderator; still readable, with the reason.
        Suspended = "suspended",
        /// Ended; nothing can be done with it any more.
        Archived = "archived",
    }
}

text_enum! {
    /// What can be done with a program.
    pub enum ProgramAction {
        /// The provider hands it in.
        Submit = "submit",
        /// A moderator makes it public.
        List = "list",
        /// A moderator hands it back.
        Reject = "reject",
        /// A moderator takes it from the lists.
        Suspend = "suspend",
        /// A moderator puts it back.
        Reinstate = "reinstate",
        /// The provider or a moderator ends it.
        Archive = "archive",
    }
}

impl ProgramStatus {
    /// The state after an action.
    pub const fn after(self, action: ProgramAction) -> Result<Self, TransitionError> {
        match (self, action) {
            (Self::Draft, ProgramAction::Submit) => Ok(Self::Submitted),
            (Self::Submitted, ProgramAction::List) | (Self::Suspended, ProgramAction::Reinstate) => Ok(Self::Listed),
            (Self::Submitted, ProgramAction::Reject) => Ok(Self::Draft),
            (Self::Listed, ProgramAction::Suspend) => Ok(Self::Suspended),
            (Self::Draft | Self::Listed | Self::Suspended, ProgramAction::Archive) => Ok(Self::Archived),
            (from, action) => Err(TransitionError { from: from.as_str(), action: action.as_str() }),
        }
    }

    /// Whether anyone may read the program: listed, or suspended (then with the reason).
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Listed | Self::Suspended)
    }

    /// Whether the provider may edit the listing. Not while a moderator is reading it, and not
    /// after the end.
    #[must_use]
    pub const fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::Listed | Self::Suspended)
    }
}

text_enum! {
    /// What a moderator can decide about a program.
    pub enum ProgramRuling {
        /// Make it public.
        List = "list",
        /// Hand it back to the provider.
        Reject = "reject",
        /// Take it from the lists.
        Suspend = "suspend",
        /// Put it back.
        Reinstate = "reinstate",
        /// End it.
        Archive = "archive",
    }
}

impl From<ProgramRuling> for ProgramAction {
    fn from(ruling: ProgramRuling) -> Self {
        match ruling {
            ProgramRuling::List => Self::List,
            ProgramRuling::Reject => Self::Reject,
            ProgramRuling::Suspend => Self::Suspend,
            ProgramRuling::Reinstate => Self::Reinstate,
            ProgramRuling::Archive => Self::Archive,
        }
    }
}

/// A moderator's decision about a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ProgramDecisionInput {
    /// What is decided.
    pub action: ProgramRuling,
    /// Why; the provider reads it, and the public with a suspension.
    #[schema(min_length = 10, max_length = 2000)]
    pub reason: String,
    /// What it rests on; what is usual for the action when absent. See `/v1/moderation/grounds`.
    pub ground: Option<Ground>,
    /// What was found, for whoever is affected; without personal data of others.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
}

text_enum! {
    /// What a term of a program is about. Terms are what lists are filtered by.
    pub enum TermKind {
        /// ISO 3166-1 alpha-2 code of a place or host site.
        Country = "country",
        /// Folded name of a town.
        City = "city",
        /// Slug of a specialty.
        Specialty = "specialty",
        /// Slug of a track.
        Track = "track",
        /// A training level accepted.
        TrainingLevel = "training_level",
        /// A language required, without script and region.
        Language = "language",
        /// A month of start, "01" to "12".
        StartMonth = "start_month",
        /// A kind of red flag with a substantiated report; not part of the listing.
        RedFlag = "red_flag",
        /// A country and a specialty joined by a space ("NP surgery"): the two filters used together most, in one step.
        CountrySpecialty = "country_specialty",
    }
}

/// The term of a country and a specialty together.
#[must_use]
pub fn country_specialty(country: &str, specialty: Specialty) -> String {
    format!("{country} {specialty}")
}

impl ProgramInput {
    /// The slug asked for, or else one made from the title.
    #[must_use]
    pub fn slug_or_derived(&self) -> String {
        self.slug.clone().unwrap_or_else(|| slug_of(&self.title, "program"))
    }

    /// The key that lists are ordered by when sorted by title.
    #[must_use]
    pub fn title_key(&self) -> String {
        sort_key(&self.title)
    }

    /// Currency and sum of all fees in minor units; `None` without fees or when they are in several
    /// currencies.
    #[must_use]
    pub fn fee_total(&self) -> Option<(&str, i64)> {
        let currency = self.fees.first()?.currency.as_str();
        self.fees.iter().all(|fee| fee.currency == currency).then(|| {
            let total = self.fees.iter().fold(0i64, |sum, fee| sum.saturating_add(fee.amount_minor));
            (currency, total)
        })
    }

    /// Everything that lists can be filtered by, each once, except the red flags, which do not come
    /// from the listing.
    #[must_use]
    pub fn terms(&self) -> BTreeSet<(TermKind, String)> {
        let places = self.places.iter().map(|place| (&place.country, &place.city));
        let sites = self.host_sites.iter().map(|site| (&site.country, &site.city));
        let mut terms = BTreeSet::new();
        for (country, city) in places.chain(sites) {
            terms.insert((TermKind::Country, country.clone()));
            terms.insert((TermKind::City, sort_key(city)));
            let pairs = self.specialties.iter().map(|value| country_specialty(country, *value));
            terms.extend(pairs.map(|pair| (TermKind::CountrySpecialty, pair)));
        }
        terms.extend(self.specialties.iter().map(|value| (TermKind::Specialty, value.to_string())));
        terms.extend(self.tracks.iter().map(|value| (TermKind::Track, value.to_string())));
        terms.extend(self.training_levels.iter().map(|value| (TermKind::TrainingLevel, value.to_string())));
        terms.extend(
            self.languages_required
                .iter()
                .filter_map(|required| primary_language(&required.language))
                .map(|language| (TermKind::Language, language)),
        );
        terms.extend(self.start_months.iter().map(|month| (TermKind::StartMonth, format!("{month:02}"))));
        terms
    }

    /// The body of the search index: what a program is searched by, with its provider's name.
    #[must_use]
    pub fn search_body(&self, provider_name: &str) -> String {
        let specialties: Vec<String> = self.specialties.iter().map(|value| value.title()).collect();
        let mut parts = vec![provider_name, &self.title, &self.summary, &self.description];
        parts.extend(self.places.iter().map(|place| place.city.as_str()));
        parts.extend(self.host_sites.iter().flat_map(|site| [site.name.as_str(), site.city.as_str()]));
        parts.extend(specialties.iter().map(String::as_str));
        index_body(&parts)
    }
}

#[cfg(test)]
mod tests;
