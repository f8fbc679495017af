//! Reference data: the words that everything else is said in.
//!
//! Kinds of red flag, guidelines, training levels, specialties and tracks, and the codes of criteria and
//! tasks, are closed sets, compiled in and the same for every reader. Countries, currencies and language
//! tags follow ISO 3166-1, ISO 4217 and BCP 47 through kept crates. What criteria and tasks say changes
//! with the version of the rubric ([`crate::vetting::rubric`]); here is what the first version says.

pub mod codes;
pub mod criteria;
pub mod grounds;
pub mod guidelines;
pub mod red_flags;
pub mod routes;
pub mod specialties;
pub mod tasks;

pub use codes::{
    CodeInfo, CurrencyInfo, countries, currencies, is_country, is_currency, is_language_tag, languages,
    primary_language, specialties, tracks, training_levels,
};
pub use criteria::{CriterionCode, CriterionInfo, criteria};
pub use grounds::{Ground, GroundInfo, StatementCategory, grounds};
pub use guidelines::{Guideline, guidelines};
pub use red_flags::{ObservableBy, RedFlagKind, RedFlagKindInfo, Severity, red_flag_kinds};
pub use specialties::{Specialty, Track};
pub use tasks::{LevelRules, TaskCode, TaskInfo, TaskRule, TrainingLevel, tasks};
