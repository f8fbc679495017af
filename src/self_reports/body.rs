//! What published, verified reviews tell of a program, as anyone reads it: counts of people and half-years, never who.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::model::ReportedClaim;
use crate::{
    ids::{PrincipalId, ProgramId, ReviewId},
    reference::{CriterionCode, RedFlagKind, Severity, TaskCode, TaskRule, TrainingLevel},
    reviews::model::{ClaimOutcome, PatientConsent, TaskSupervision},
    time::HalfYear,
    verdict::{SignalFact, TriageStatus},
    vetting::{rubric::Rubric, signals::ReportedTask},
};

/// A task that participants did, in one way.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaskTold {
    /// The task.
    pub task: TaskCode,
    /// Training level of those who did it.
    pub training_level: TrainingLevel,
    /// What the task matrix lets that level do.
    pub rule: TaskRule,
    /// How it was supervised.
    pub supervision: TaskSupervision,
    /// Whether patients were asked.
    pub consent: PatientConsent,
    /// How many people tell of it.
    #[schema(minimum = 1, format = "int32", example = 2)]
    pub people: i32,
    /// From how many half-years.
    #[schema(minimum = 1, format = "int32", example = 2)]
    pub periods: i32,
}

/// What the tasks show of one kind of red flag, without accounts that moderators have dismissed.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignalTold {
    /// The kind of red flag.
    pub kind: RedFlagKind,
    /// The gravest of the accounts.
    pub severity: Severity,
    /// The criteria that the kind speaks against.
    #[schema(max_items = 14)]
    pub criteria: Vec<CriterionCode>,
    /// How many people tell of it.
    #[schema(minimum = 0, format = "int32", example = 2)]
    pub people: i32,
    /// From how many half-years.
    #[schema(minimum = 0, format = "int32", example = 2)]
    pub periods: i32,
    /// Whether two people tell of something critical from different half-years.
    pub corroborated: bool,
    /// What moderators have found; null where no account ever was critical.
    pub triage_status: Option<TriageStatus>,
    /// The reviews that tell of it.
    #[schema(max_items = 100_000)]
    pub review_ids: Vec<ReviewId>,
}

/// A claim of the listing, and what participants found.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClaimTold {
    /// The claim, in a reviewer's words.
    #[schema(max_length = 200, example = "A physician is always present")]
    pub claim: String,
    /// How many people found it to be so.
    #[schema(minimum = 0, format = "int32", example = 3)]
    pub confirmed: i32,
    /// How many people found it not to be so.
    #[schema(minimum = 0, format = "int32", example = 1)]
    pub contradicted: i32,
    /// How many people could not tell.
    #[schema(minimum = 0, format = "int32", example = 0)]
    pub not_seen: i32,
    /// The reviews that contradict it.
    #[schema(max_items = 100_000)]
    pub review_ids: Vec<ReviewId>,
}

/// What published, verified reviews tell of tasks and claims.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SelfReports {
    /// The program.
    pub program_id: ProgramId,
    /// Version of the rubric whose task matrix they are read against.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
    /// How many published, verified reviews tell of tasks or claims.
    #[schema(minimum = 0, format = "int32", example = 4)]
    pub reviews: i32,
    /// Tasks, in the order of the task matrix.
    #[schema(max_items = 495)]
    pub tasks: Vec<TaskTold>,
    /// Kinds of red flag that the tasks show, in the order of the taxonomy.
    #[schema(max_items = 35)]
    pub signals: Vec<SignalTold>,
    /// Claims of the listing, in alphabetical order. Spellings that differ in case or accents are one claim.
    #[schema(max_items = 100_000)]
    pub claims: Vec<ClaimTold>,
}

impl SelfReports {
    /// Counts what is told.
    #[must_use]
    pub fn of(
        program_id: ProgramId,
        (rubric_version, rubric): (i32, &Rubric),
        tasks: &[ReportedTask],
        signals: Vec<SignalFact>,
        claims: &[ReportedClaim],
    ) -> Self {
        let reviews = tasks.iter().map(|done| done.review).chain(claims.iter().map(|checked| checked.review));
        // An entry that waits without an account left shows as the notice `under_review` only.
        let tells =
            |signal: &SignalFact| !signal.accounts.is_empty() || signal.triage_status == Some(TriageStatus::Confirmed);
        let mut told: Vec<SignalTold> = signals.into_iter().filter(tells).map(SignalTold::of).collect();
        told.sort_by_key(|signal| signal.kind);
        Self {
            program_id,
            rubric_version,
            reviews: distinct(reviews),
            tasks: tasks_told(rubric, tasks),
            signals: told,
            claims: claims_told(claims),
        }
    }
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> i32 {
    i32::try_from(values.collect::<BTreeSet<_>>().len()).unwrap_or(i32::MAX)
}

fn tasks_told(rubric: &Rubric, tasks: &[ReportedTask]) -> Vec<TaskTold> {
    let mut groups: BTreeMap<_, Vec<(PrincipalId, HalfYear)>> = BTreeMap::new();
    for done in tasks {
        let way = (done.task, done.training_level, done.supervision, done.consent);
        groups.entry(way).or_default().push((done.participant, done.half_year));
    }
    let told = |((task, training_level, supervision, consent), by): (_, Vec<(PrincipalId, HalfYear)>)| TaskTold {
        task,
        training_level,
        rule: rubric.rule_at(task, training_level),
        supervision,
        consent,
        people: distinct(by.iter().map(|(person, _)| *person)),
        periods: distinct(by.iter().map(|(_, half_year)| *half_year)),
    };
    groups.into_iter().map(told).collect()
}

impl SignalTold {
    fn of(signal: SignalFact) -> Self {
        let accounts = &signal.accounts;
        Self {
            kind: signal.kind,
            // Only a confirmed signal outlives its accounts, and only what was critical is ruled on.
            severity: accounts.iter().map(|account| account.severity).min().unwrap_or(Severity::Critical),
            people: distinct(accounts.iter().map(|account| account.person)),
            periods: distinct(accounts.iter().map(|account| account.half_year)),
            corroborated: signal.is_corroborated(),
            triage_status: signal.triage_status,
            review_ids: accounts.iter().map(|account| account.review_id).collect(),
            criteria: signal.criteria,
        }
    }
}

/// What became of each claim; `claims` stand in the order of their keys.
#[must_use]
pub fn claims_told(claims: &[ReportedClaim]) -> Vec<ClaimTold> {
    let told = |group: &[ReportedClaim]| {
        let found = |outcome| group.iter().filter(move |checked| checked.outcome == outcome);
        let people = |outcome| distinct(found(outcome).map(|checked| checked.participant));
        let contradicting: BTreeSet<_> = found(ClaimOutcome::Contradicted).map(|checked| checked.review).collect();
        ClaimTold {
            // Of several spellings the last in bytewise order, which shouts least: the order of reviews is random.
            claim: group.iter().map(|checked| checked.claim.clone()).max().unwrap_or_default(),
            confirmed: people(ClaimOutcome::Confirmed),
            contradicted: people(ClaimOutcome::Contradicted),
            not_seen: people(ClaimOutcome::NotSeen),
            review_ids: contradicting.into_iter().collect(),
        }
    };
    claims.chunk_by(|one, next| one.key == next.key).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(review: u8, person: u8, half_year: &str) -> ReportedTask {
        ReportedTask {
            review: ReviewId::new_v4([review; 16]),
            participant: PrincipalId::new_v4([person; 16]),
            task: TaskCode::WoundCare,
            training_level: TrainingLevel::PreHealth,
            supervision: TaskSupervision::Indirect,
            consent: PatientConsent::Asked,
            half_year: half_year.parse().unwrap(),
        }
    }

    fn checked(review: u8, person: u8, claim: &str, outcome: ClaimOutcome) -> ReportedClaim {
        ReportedClaim {
            review: ReviewId::new_v4([review; 16]),
            participant: PrincipalId::new_v4([person; 16]),
            key: claim.to_lowercase(),
            claim: claim.to_owned(),
            outcome,
        }
    }

    #[test]
    fn people_and_half_years_are_counted_once_and_nobody_is_named() {
        use ClaimOutcome as O;
        let tasks = [done(1, 1, "2024-H1"), done(2, 1, "2024-H2"), done(3, 2, "2024-H2")];
        let claims = [
            checked(1, 1, "Always supervised", O::Contradicted),
            checked(2, 1, "always supervised", O::Contradicted),
            checked(3, 2, "Always supervised", O::Confirmed),
            checked(4, 3, "Housing", O::NotSeen),
        ];
        let program = ProgramId::new_v4([9; 16]);
        let told = SelfReports::of(program, (1, &Rubric::first()), &tasks, Vec::new(), &claims);
        assert_eq!(told.reviews, 4);
        let [task] = &told.tasks[..] else { panic!("{:?}", told.tasks) };
        assert_eq!((task.rule, task.people, task.periods), (TaskRule::Never, 2, 2));
        let counts: Vec<_> = told.claims.iter().map(|one| (one.confirmed, one.contradicted, one.not_seen)).collect();
        assert_eq!(counts, [(1, 1, 0), (0, 0, 1)]);
        assert_eq!(told.claims[0].claim, "always supervised");
        let contradicting = [1, 2].map(|review| ReviewId::new_v4([review; 16]));
        assert_eq!(told.claims[0].review_ids, contradicting);
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains(&PrincipalId::new_v4([3; 16]).to_string()), "{text}");
    }
}
