//! What an admin makes a new version of the rubric from, and the rules that it has to keep.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::{Validate, ValidationError, ValidationErrors};

use super::rubric::{EvidenceMonths, Rubric};
use crate::{
    reference::{CriterionCode, CriterionInfo, RedFlagKind, TaskCode, TaskInfo, TaskRule, TrainingLevel},
    rules::{fault, fault_at, unique},
};

/// A whole new version of the rubric.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RubricInput {
    /// The version in force that it was made from.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_646, example = 1)]
    pub based_on: i32,
    /// Why there is a new version. Public.
    #[schema(
        min_length = 10,
        max_length = 2000,
        example = "The adviser asks that history-taking stays with health students."
    )]
    pub reason: String,
    /// For how long evidence holds.
    pub evidence_months: EvidenceMonths,
    /// Each of the 14 criteria once, in any order. A critical one says what counts as failing it, and others do not;
    /// at least one is critical. Each kind of red flag speaks against at least one of them.
    #[schema(min_items = 14, max_items = 14)]
    pub criteria: Vec<CriterionInfo>,
    /// Each of the 11 tasks once, in any order. More training never means less permission, and nobody below `licensed`
    /// is alone with patients.
    #[schema(min_items = 11, max_items = 11)]
    pub tasks: Vec<TaskInfo>,
}

impl RubricInput {
    /// The version as it is stored: everything in the order of its closed set.
    #[must_use]
    pub fn rubric(self) -> Rubric {
        let Self { evidence_months, mut criteria, mut tasks, .. } = self;
        criteria.sort_by_key(|criterion| criterion.code);
        tasks.sort_by_key(|task| task.code);
        Rubric { evidence_months, criteria, tasks }
    }
}

/// The example of the document: the first version, sent again with one change.
#[must_use]
pub fn example() -> Value {
    let Rubric { evidence_months, criteria, mut tasks } = Rubric::first();
    for task in tasks.iter_mut().filter(|task| task.code == TaskCode::HistoryTaking) {
        task.rules.pre_health = TaskRule::Never;
    }
    json!({
        "based_on": 1,
        "reason": "The adviser asks that history-taking stays with health students.",
        "evidence_months": evidence_months,
        "criteria": criteria,
        "tasks": tasks,
    })
}

/// Not derived: derived rules end at the first fault of a list, and a rubric is mended faster when all are told at once.
impl Validate for RubricInput {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        for error in criteria_faults(&self.criteria) {
            errors.add("criteria", error);
        }
        for error in task_faults(&self.tasks) {
            errors.add("tasks", error);
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn criteria_faults(criteria: &[CriterionInfo]) -> Vec<ValidationError> {
    let mut faults = Vec::new();
    faults.extend(each_once(CriterionCode::ALL, criteria.iter().map(|criterion| criterion.code)));
    for (index, criterion) in criteria.iter().enumerate() {
        let at = format!("/{index}/critical_failure");
        match (criterion.critical, &criterion.critical_failure) {
            (true, None) => {
                faults.push(fault_at("required", "A critical criterion says what counts as failing it.", &at));
            }
            (false, Some(_)) => {
                faults.push(fault_at("not_applicable", "Only a critical criterion has this; leave it null.", &at));
            }
            _ => {}
        }
        faults.extend(below(&format!("/{index}/red_flags"), unique(&criterion.red_flags)));
        faults.extend(below(&format!("/{index}/basis"), unique(&criterion.basis)));
    }
    if !criteria.iter().any(|criterion| criterion.critical) {
        faults.push(fault("inconsistent", "At least one criterion is critical."));
    }
    let spoken_of = |kind: &RedFlagKind| criteria.iter().any(|criterion| criterion.red_flags.contains(kind));
    let silent = RedFlagKind::ALL.iter().filter(|kind| !spoken_of(kind)).map(|kind| kind.as_str());
    faults.extend(missing("Each kind of red flag speaks against a criterion. None has", silent));
    faults
}

fn task_faults(tasks: &[TaskInfo]) -> Vec<ValidationError> {
    let mut faults = Vec::new();
    faults.extend(each_once(TaskCode::ALL, tasks.iter().map(|task| task.code)));
    for (index, task) in tasks.iter().enumerate() {
        let at = |level: TrainingLevel| format!("/{index}/rules/{level}");
        for pair in TrainingLevel::ALL.windows(2) {
            // `Ord` of rules follows their order of declaration, most permissive first.
            if task.rules.at(pair[1]) > task.rules.at(pair[0]) {
                let message = "More training never means less permission than the level before has.";
                faults.push(fault_at("inconsistent", message, &at(pair[1])));
            }
        }
        let students = TrainingLevel::ALL.iter().filter(|level| **level != TrainingLevel::Licensed);
        for level in students.filter(|_| task.code == TaskCode::AloneWithPatients) {
            if task.rules.at(*level) != TaskRule::Never {
                faults.push(fault_at("not_allowed", "Nobody below `licensed` is alone with patients.", &at(*level)));
            }
        }
    }
    faults
}

/// Faults where a code of the closed set stands twice or is missing.
fn each_once<T>(all: &[T], given: impl Iterator<Item = T>) -> Vec<ValidationError>
where
    T: Copy + PartialEq + std::fmt::Display,
{
    let given: Vec<T> = given.collect();
    let mut faults = Vec::new();
    for (index, code) in given.iter().enumerate() {
        if given[..index].contains(code) {
            faults.push(fault_at("duplicate_item", "Each entry may occur once.", &format!("/{index}/code")));
        }
    }
    let absent = all.iter().filter(|code| !given.contains(code)).map(ToString::to_string);
    faults.extend(missing("These are missing", absent));
    faults
}

/// One fault of the whole list that names what is not in it.
fn missing<T: AsRef<str>>(message: &str, names: impl Iterator<Item = T>) -> Option<ValidationError> {
    let names: Vec<T> = names.collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() {
        return None;
    }
    // A fault's text has 500 characters at the most.
    let mut text = format!("{message}: {}.", names.join(", "));
    if text.len() > 500 {
        text.truncate(497);
        text.push_str("...");
    }
    Some(ValidationError::new("inconsistent").with_message(text.into()))
}

/// The fault of a list inside the one that it is reported on.
fn below(place: &str, checked: Result<(), ValidationError>) -> Option<ValidationError> {
    let mut error = checked.err()?;
    let at = error.params.get("at").and_then(Value::as_str).unwrap_or_default();
    let at = format!("{place}{at}");
    error.add_param("at".into(), &at);
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::schema::semantic_faults;

    fn first() -> RubricInput {
        let Rubric { evidence_months, criteria, tasks } = Rubric::first();
        RubricInput { based_on: 1, reason: "A reason of some length.".to_owned(), evidence_months, criteria, tasks }
    }

    /// Places and codes of everything that is wrong after a change of the first version.
    fn faults(change: impl FnOnce(&mut RubricInput)) -> Vec<(String, String)> {
        let mut input = first();
        change(&mut input);
        let Err(errors) = input.validate() else { return Vec::new() };
        let faults = semantic_faults(&errors).into_iter();
        faults.map(|fault| (fault.pointer.unwrap(), fault.code.to_string())).collect()
    }

    fn one(place: &str, code: &str) -> Vec<(String, String)> {
        vec![(format!("#{place}"), code.to_owned())]
    }

    #[test]
    fn the_first_version_keeps_the_rules_of_later_ones() {
        assert_eq!(faults(|_| {}), []);
        assert_eq!(first().rubric(), Rubric::first());
    }

    #[test]
    fn the_example_of_the_document_is_a_version_that_can_be_made() {
        assert!(serde_json::from_value::<RubricInput>(example()).unwrap().validate().is_ok());
    }

    #[test]
    fn the_order_of_the_input_does_not_matter() {
        let mut reversed = first();
        reversed.criteria.reverse();
        reversed.tasks.reverse();
        assert!(reversed.validate().is_ok());
        assert_eq!(reversed.rubric(), Rubric::first());
    }

    #[test]
    fn a_critical_criterion_alone_says_what_fails_it() {
        let found = faults(|input| input.criteria[0].critical_failure = None);
        assert_eq!(found, one("/criteria/0/critical_failure", "required"));
        // The sixth is not critical.
        let found = faults(|input| input.criteria[5].critical_failure = Some("Anything".to_owned()));
        assert_eq!(found, one("/criteria/5/critical_failure", "not_applicable"));
    }

    #[test]
    fn something_is_critical() {
        let found = faults(|input| {
            for criterion in &mut input.criteria {
                (criterion.critical, criterion.critical_failure) = (false, None);
            }
        });
        assert_eq!(found, one("/criteria", "inconsistent"));
    }

    #[test]
    fn every_kind_of_red_flag_speaks_against_a_criterion_and_once() {
        let found = faults(|input| input.criteria[0].red_flags.truncate(5));
        assert_eq!(found, one("/criteria", "inconsistent"));
        let found = faults(|input| {
            let again = input.criteria[0].red_flags[1];
            input.criteria[0].red_flags.push(again);
        });
        assert_eq!(found, one("/criteria/0/red_flags/6", "duplicate_item"));
        // Two criteria may have the same kind.
        let found = faults(|input| {
            let shared = input.criteria[0].red_flags[1];
            input.criteria[1].red_flags.push(shared);
        });
        assert_eq!(found, []);
    }

    #[test]
    fn each_criterion_and_each_task_stands_once() {
        let found = faults(|input| input.criteria[9].code = CriterionCode::ScopeDefined);
        assert_eq!(found, [one("/criteria", "inconsistent"), one("/criteria/9/code", "duplicate_item")].concat());
        let found = faults(|input| drop(input.tasks.pop()));
        assert_eq!(found, one("/tasks", "inconsistent"));
    }

    #[test]
    fn more_training_never_means_less_permission() {
        let found = faults(|input| input.tasks[1].rules.clinical = TaskRule::Never);
        assert_eq!(found, one("/tasks/1/rules/clinical", "inconsistent"));
        let found = faults(|input| input.tasks[0].rules.licensed = TaskRule::DirectSupervisionOnly);
        assert_eq!(found, one("/tasks/0/rules/licensed", "inconsistent"));
    }

    #[test]
    fn no_student_is_alone_with_patients() {
        let found = faults(|input| input.tasks[10].rules.clinical = TaskRule::DirectSupervisionOnly);
        assert_eq!(found, one("/tasks/10/rules/clinical", "not_allowed"));
        assert_eq!(faults(|input| input.tasks[10].rules.licensed = TaskRule::Never), []);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let found = faults(|input| {
            input.criteria[0].critical_failure = None;
            input.criteria[1].critical_failure = None;
            input.tasks[1].rules.clinical = TaskRule::Never;
            input.tasks[10].rules.pre_health = TaskRule::Allowed;
        });
        let expected = [
            one("/criteria/0/critical_failure", "required"),
            one("/criteria/1/critical_failure", "required"),
            one("/tasks/1/rules/clinical", "inconsistent"),
            one("/tasks/10/rules/pre_health", "not_allowed"),
            one("/tasks/10/rules/preclinical", "inconsistent"),
        ];
        assert_eq!(found, expected.concat());
    }
}
