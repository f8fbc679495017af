//! Appeals as they are shown: to whoever made them, and to moderators. Nobody is named.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{AppealEffect, AppealStatus},
    store::AppealRow,
};
use crate::{
    http::Error,
    ids::{AppealId, DecisionId, ProgramId},
    moderation::{DecisionBody, Party, SubjectKind},
    page_type,
    time::Timestamp,
};

/// An appeal in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppealItem {
    /// The appeal's id.
    pub id: AppealId,
    /// The decision that it is against.
    pub decision_id: DecisionId,
    /// What kind of thing the decision is about.
    pub subject_kind: SubjectKind,
    /// The program that it concerns.
    pub program_id: ProgramId,
    /// As what whoever appeals is affected.
    pub party: Party,
    /// State.
    pub status: AppealStatus,
    /// What became of the decision; null while the appeal is pending.
    pub effect: Option<AppealEffect>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<AppealRow> for AppealItem {
    fn from(row: AppealRow) -> Self {
        Self {
            id: row.id,
            decision_id: row.decision_id,
            subject_kind: row.subject_kind,
            program_id: row.program_id,
            party: row.party,
            status: row.status,
            effect: row.effect,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

page_type! {
    /// A page of appeals.
    AppealPage of AppealItem
}

/// An appeal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Appeal {
    /// The appeal's id.
    pub id: AppealId,
    /// The decision that it is against.
    pub decision_id: DecisionId,
    /// What kind of thing the decision is about.
    pub subject_kind: SubjectKind,
    /// The id of that thing.
    #[schema(format = "uuid", max_length = 36, example = "0195f8a0-1c2d-7abc-8def-0123456789ab")]
    pub subject_id: String,
    /// The program that it concerns.
    pub program_id: ProgramId,
    /// As what whoever appeals is affected.
    pub party: Party,
    /// State.
    pub status: AppealStatus,
    /// Why the decision does not hold; null once it was erased.
    #[schema(min_length = 20, max_length = 5000)]
    pub words: Option<String>,
    /// What became of the decision; null while the appeal is pending.
    pub effect: Option<AppealEffect>,
    /// What was decided about the appeal.
    #[schema(max_items = 10)]
    pub history: Vec<DecisionBody>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Appeal {
    /// Puts the answer together.
    pub fn new(row: AppealRow, history: Vec<DecisionBody>) -> Result<Self, Error> {
        let subject = uuid::Uuid::from_slice(&row.subject_id).map_err(Error::internal)?;
        Ok(Self {
            id: row.id,
            decision_id: row.decision_id,
            subject_kind: row.subject_kind,
            subject_id: subject.hyphenated().to_string(),
            program_id: row.program_id,
            party: row.party,
            status: row.status,
            words: row.words,
            effect: row.effect,
            history,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
