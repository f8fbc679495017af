//! Training levels, and which task is allowed at which level: the task matrix.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum::text_enum;

text_enum! {
    /// How far a participant has got in training, lowest first.
    pub enum TrainingLevel {
        /// At school.
        HighSchool = "high_school",
        /// At university, before a health degree.
        PreHealth = "pre_health",
        /// In a health degree, before the clinical years.
        Preclinical = "preclinical",
        /// In the clinical years of a health degree.
        Clinical = "clinical",
        /// Licensed to practise.
        Licensed = "licensed",
    }
}

impl TrainingLevel {
    /// Short name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::HighSchool => "High school",
            Self::PreHealth => "Pre-health student",
            Self::Preclinical => "Health student before the clinical years",
            Self::Clinical => "Health student in the clinical years",
            Self::Licensed => "Licensed professional",
        }
    }
}

text_enum! {
    /// A task a participant may be given; the tasks of the scope matrix.
    pub enum TaskCode {
        /// Tour, lecture, observation with the patient's consent.
        ObserveWithConsent = "observe_with_consent",
        /// Vital signs, non-invasive.
        VitalSigns = "vital_signs",
        /// History-taking, interview.
        HistoryTaking = "history_taking",
        /// Physical examination.
        PhysicalExamination = "physical_examination",
        /// Wound cleaning, dressing.
        WoundCare = "wound_care",
        /// Injection, IV line, blood draw, catheter.
        NeedleProcedures = "needle_procedures",
        /// Suturing, stitch removal, dental extraction.
        SuturingExtraction = "suturing_extraction",
        /// Delivery, vaginal examination (own discipline only).
        Delivery = "delivery",
        /// Assist in surgery.
        AssistSurgery = "assist_surgery",
        /// Diagnose, prescribe, dispense, vaccinate, anaesthesia.
        PrescribeDispense = "prescribe_dispense",
        /// Alone with patients.
        AloneWithPatients = "alone_with_patients",
    }
}
text_enum! {
    /// What a participant of a level may do with a task, most permissive first.
    pub enum TaskRule {
        /// May do it.
        Allowed = "allowed",
        /// May do it with a licensed supervisor present.
        DirectSupervisionOnly = "direct_supervision_only",
        /// May not do it.
        Never = "never",
    }
}

/// A rule for each training level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRules {
    /// Rule at school.
    pub high_school: TaskRule,
    /// Rule for pre-health students.
    pub pre_health: TaskRule,
    /// Rule before the clinical years.
    pub preclinical: TaskRule,
    /// Rule in the clinical years.
    pub clinical: TaskRule,
    /// Rule for licensed professionals.
    pub licensed: TaskRule,
}

impl LevelRules {
    /// The rule for one level.
    #[must_use]
    pub const fn at(self, level: TrainingLevel) -> TaskRule {
        match level {
            TrainingLevel::HighSchool => self.high_school,
            TrainingLevel::PreHealth => self.pre_health,
            TrainingLevel::Preclinical => self.preclinical,
            TrainingLevel::Clinical => self.clinical,
            TrainingLevel::Licensed => self.licensed,
        }
    }
}

/// One task of the matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskInfo {
    /// Code of the task.
    pub code: TaskCode,
    /// Short name.
    #[schema(min_length = 3, max_length = 100)]
    pub title: String,
    /// What each training level may do with it.
    pub rules: LevelRules,
}

/// The row as the data file spells it: the levels beside the code.
#[derive(Deserialize)]
struct Row {
    task: TaskCode,
    title: String,
    #[serde(flatten)]
    rules: LevelRules,
}

#[derive(Deserialize)]
struct Document {
    tasks: Vec<Row>,
}

#[expect(clippy::expect_used, reason = "the document is compiled in and a test parses it")]
static TASKS: LazyLock<Vec<TaskInfo>> = LazyLock::new(|| {
    let document: Document =
        serde_json::from_str(include_str!("data/tasks.json")).expect("embedded tasks.json is well formed");
    document.tasks.into_iter().map(|row| TaskInfo { code: row.task, title: row.title, rules: row.rules }).collect()
});

/// Every task as the release brings it along ([`Rubric::first`](crate::vetting::rubric::Rubric::first)), in the order of [`TaskCode::ALL`].
#[must_use]
pub fn tasks() -> &'static [TaskInfo] {
    &TASKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_and_reference_data_agree() {
        assert_eq!(TaskCode::ALL.len(), 11);
        let codes: Vec<_> = tasks().iter().map(|task| task.code).collect();
        assert_eq!(codes, TaskCode::ALL);
        assert_eq!(TrainingLevel::ALL.len(), 5);
    }
}
