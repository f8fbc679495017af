//! The rubric: the criteria, how long evidence on them holds, and the task matrix. A version is never changed; an
//! assessment keeps the version that it was made with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    reference::{self, CriterionCode, CriterionInfo, RedFlagKind, TaskCode, TaskInfo, TaskRule, TrainingLevel},
    verdict::RubricFacts,
};

/// What each level of evidence is, from level 0 on.
pub const EVIDENCE_LEVELS: [&str; 4] = [
    "None.",
    "The provider's statement.",
    "A document on file.",
    "Confirmed independently: a host's letter checked with the host, an entry in a licence registry, a site visit, or \
     three or more participants with verified reviews who agree.",
];

/// For how many months evidence of each level holds, counted from the day it was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceMonths {
    /// The provider's statement.
    #[schema(minimum = 1, maximum = 120, example = 12)]
    pub level_1: u32,
    /// A document on file.
    #[schema(minimum = 1, maximum = 120, example = 36)]
    pub level_2: u32,
    /// Confirmed independently.
    #[schema(minimum = 1, maximum = 120, example = 36)]
    pub level_3: u32,
}

impl EvidenceMonths {
    /// Months for a level; what is above 3 counts as 3.
    #[must_use]
    pub const fn of(&self, level: u8) -> u32 {
        match level {
            0 | 1 => self.level_1,
            2 => self.level_2,
            _ => self.level_3,
        }
    }
}

/// One version of the rubric, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rubric {
    /// How long evidence holds.
    pub evidence_months: EvidenceMonths,
    /// The criteria, in the order of [`CriterionCode::ALL`].
    pub criteria: Vec<CriterionInfo>,
    /// The task matrix, in the order of [`TaskCode::ALL`].
    pub tasks: Vec<TaskInfo>,
}

impl Rubric {
    /// The version that the release brings along.
    #[must_use]
    pub fn first() -> Self {
        Self {
            evidence_months: EvidenceMonths { level_1: 12, level_2: 36, level_3: 36 },
            criteria: reference::criteria().to_vec(),
            tasks: reference::tasks().to_vec(),
        }
    }

    /// The criteria that a kind of red flag speaks against, in rubric order.
    #[must_use]
    pub fn touched_by(&self, kind: RedFlagKind) -> Vec<CriterionCode> {
        let touched = self.criteria.iter().filter(|criterion| criterion.red_flags.contains(&kind));
        touched.map(|criterion| criterion.code).collect()
    }

    /// What the matrix lets a participant of a level do with a task; `never` for a task that it does not name.
    #[must_use]
    pub fn rule_at(&self, task: TaskCode, level: TrainingLevel) -> TaskRule {
        self.tasks.iter().find(|info| info.code == task).map_or(TaskRule::Never, |info| info.rules.at(level))
    }

    /// What the verdict needs of it.
    #[must_use]
    pub fn facts(&self, version: i32) -> RubricFacts {
        let critical = self.criteria.iter().filter(|criterion| criterion.critical);
        RubricFacts { version, critical: critical.map(|criterion| criterion.code).collect() }
    }
}
