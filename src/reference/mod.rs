//! Reference data: the words that everything else is said in.
//!
//! Kinds of red flag, rubric criteria, tasks, training levels, specialties and tracks are closed
//! sets, compiled in and the same for every reader. Countries, currencies and language tags follow
//! ISO 3166-1, ISO 4217 and BCP 47 through kept crates. Nothing here changes while the program
//! runs, so the reference endpoints can be cached for long.

pub mod codes;
pub mod criteria;
pub mod red_flags;
pub mod routes;
pub mod specialties;
pub mod tasks;

pub use codes::{
    CodeInfo, CurrencyInfo, countries, currencies, is_country, is_currency, is_language_tag, languages,
    primary_language, specialties, tracks, training_levels,
};
pub use criteria::{CriterionCode, CriterionInfo, criteria};
pub use red_flags::{ObservableBy, RedFlagKind, RedFlagKindInfo, Severity, red_flag_kinds};
pub use specialties::{Specialty, Track};
pub use tasks::{LevelRules, TaskCode, TaskInfo, TaskRule, TrainingLevel, tasks};
