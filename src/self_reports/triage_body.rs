//! Triage entries as moderators read them.

use serde::Serialize;
use utoipa::ToSchema;

use super::triage_store::{Detail, EntryRow};
use crate::{
    ids::{ProgramId, ReviewId, TriageEntryId},
    moderation::DecisionBody,
    page_type,
    reference::{CriterionCode, RedFlagKind, Severity, TrainingLevel},
    reviews::model::TaskDone,
    time::{HalfYear, Timestamp},
    verdict::TriageStatus,
    vetting::signals::{accounts, breaches},
};

/// A triage entry in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriageEntryItem {
    /// The entry's id.
    pub id: TriageEntryId,
    /// The program.
    pub program_id: ProgramId,
    /// The kind of red flag.
    pub kind: RedFlagKind,
    /// State.
    pub status: TriageStatus,
    /// When it was last opened.
    pub opened_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

impl From<EntryRow> for TriageEntryItem {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            program_id: row.program_id,
            kind: row.kind,
            status: row.status,
            opened_at: row.opened_at,
            updated_at: row.updated_at,
        }
    }
}

page_type! {
    /// A page of triage entries.
    TriageEntryPage of TriageEntryItem
}

/// What one published, verified review tells of the kind of red flag.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TriageAccount {
    /// The review.
    pub review_id: ReviewId,
    /// Number of the person among those of this program; two accounts of one person have the same.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub person: i32,
    /// The half-year in which the experience ended.
    pub half_year: HalfYear,
    /// Training level of the author then.
    pub training_level: TrainingLevel,
    /// How grave the account is by itself.
    pub severity: Severity,
    /// A moderator has dismissed it, or its cause was removed: it counts no longer.
    pub cleared: bool,
    /// The tasks by which it tells of the kind.
    #[schema(max_items = 11)]
    pub tasks: Vec<TaskDone>,
}

/// A triage entry: what published, verified reviews tell of one kind of red flag, and what moderators have found.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriageEntry {
    /// The entry's id.
    pub id: TriageEntryId,
    /// The program.
    pub program_id: ProgramId,
    /// The kind of red flag.
    pub kind: RedFlagKind,
    /// The criteria that the kind speaks against.
    #[schema(max_items = 14)]
    pub criteria: Vec<CriterionCode>,
    /// State.
    pub status: TriageStatus,
    /// Why it is in this state; null while it is open.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: Option<String>,
    /// What showed that the cause was removed; null unless it is remediated.
    #[schema(min_length = 10, max_length = 2000)]
    pub proof: Option<String>,
    /// The accounts, in the order of the reviews' ids.
    #[schema(max_items = 100_000)]
    pub accounts: Vec<TriageAccount>,
    /// What was decided, oldest first.
    #[schema(max_items = 500)]
    pub history: Vec<DecisionBody>,
    /// When it was last opened.
    pub opened_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

impl TriageEntry {
    /// The quoted entity tag: it changes with the entry and, by way of the program, with the accounts.
    #[must_use]
    pub fn etag(detail: &Detail) -> String {
        format!("\"t{}-{}\"", detail.row.version, detail.program_version)
    }

    /// Puts the answer together.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        let Detail { row, rubric, tasks, cleared, history, .. } = detail;
        let account = |fact: crate::verdict::AccountFact| {
            let told = || {
                let of_kind = |done: &&_| breaches(&rubric, done).iter().any(|(kind, _)| *kind == row.kind);
                tasks.iter().filter(move |done| done.review == fact.review_id).filter(of_kind)
            };
            told().next().map(|first| TriageAccount {
                review_id: fact.review_id,
                person: fact.person,
                half_year: fact.half_year,
                training_level: first.training_level,
                severity: fact.severity,
                cleared: cleared.contains(&fact.review_id),
                tasks: told()
                    .map(|done| TaskDone { task: done.task, supervision: done.supervision, consent: done.consent })
                    .collect(),
            })
        };
        let facts = accounts(&rubric, &tasks).remove(&row.kind).unwrap_or_default();
        Self {
            accounts: facts.into_iter().filter_map(account).collect(),
            criteria: rubric.touched_by(row.kind),
            id: row.id,
            program_id: row.program_id,
            kind: row.kind,
            status: row.status,
            reason: row.reason,
            proof: row.proof,
            history,
            opened_at: row.opened_at,
            updated_at: row.updated_at,
        }
    }
}
