//! How requests and confirmations are shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{ConfirmationKey, Outcome, RequestStatus},
    store::{ConfirmationRow, RequestRow},
};
use crate::{
    http::Error,
    ids::{ConfirmationId, ProgramId, UniversityId},
    page_type,
    reviews::model::Period,
    time::{Day, Month},
};

/// What a participant asks a university to confirm.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmationRequest {
    /// The request's id.
    pub id: ConfirmationId,
    /// The program.
    pub program_id: ProgramId,
    /// When the participant was there.
    pub period: Period,
    /// The university that is asked.
    pub university_id: UniversityId,
    /// Its state.
    pub status: RequestStatus,
    /// By what the university knows the participant; null once the request is decided or taken back.
    #[schema(min_length = 10, max_length = 500, example = "Mira Okafor, student number 40172")]
    pub statement: Option<String>,
    /// The day on which it was made.
    pub requested_on: Day,
    /// The month in which it was decided or taken back.
    pub decided_month: Option<Month>,
}

impl ConfirmationRequest {
    /// The answer with the statement, as long as there is one.
    ///
    /// # Errors
    /// When the statement was sealed with another key.
    pub fn open(row: &RequestRow, key: &ConfirmationKey) -> Result<Self, Error> {
        let open =
            |sealed: &Vec<u8>| key.open(row.id, sealed).ok_or_else(|| Error::internal("a statement is not ours"));
        Ok(Self { statement: row.statement.as_ref().map(open).transpose()?, ..Self::closed(row) })
    }

    /// The answer without the statement: answers to requests that can be sent again are kept for a day.
    #[must_use]
    pub fn closed(row: &RequestRow) -> Self {
        Self {
            id: row.id,
            program_id: row.program_id,
            period: Period { start_month: row.period_start, end_month: row.period_end },
            university_id: row.university_id,
            status: row.status,
            statement: None,
            requested_on: row.created_at.day(),
            decided_month: row.decided_month,
        }
    }
}

page_type! {
    /// A page of requests for confirmation.
    ConfirmationRequestPage of ConfirmationRequest
}

/// What a university decided about a participant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirmation {
    /// The program.
    pub program_id: ProgramId,
    /// When the participant was there.
    pub period: Period,
    /// The university.
    pub university_id: UniversityId,
    /// What it decided.
    pub outcome: Outcome,
    /// Why, in its words.
    #[schema(min_length = 10, max_length = 1000)]
    pub reason: String,
    /// When.
    pub decided_month: Month,
}

impl Confirmation {
    /// The answer with the reason.
    ///
    /// # Errors
    /// When the reason was sealed with another key.
    pub fn open(row: &ConfirmationRow, key: &ConfirmationKey) -> Result<Self, Error> {
        let reason = key.open(row.id, &row.reason).ok_or_else(|| Error::internal("a reason is not ours"))?;
        Ok(Self {
            program_id: row.program_id,
            period: Period { start_month: row.period_start, end_month: row.period_end },
            university_id: row.university_id,
            outcome: row.outcome,
            reason,
            decided_month: row.decided_month,
        })
    }
}

/// A participant's own requests, and what became of earlier ones.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnConfirmations {
    /// Those that wait, oldest first.
    #[schema(max_items = 1000)]
    pub pending: Vec<ConfirmationRequest>,
    /// What universities decided, oldest first.
    #[schema(max_items = 1000)]
    pub decided: Vec<Confirmation>,
}

impl OwnConfirmations {
    /// The answer.
    ///
    /// # Errors
    /// When a text was sealed with another key.
    pub fn open(
        (pending, decided): &(Vec<RequestRow>, Vec<ConfirmationRow>),
        key: &ConfirmationKey,
    ) -> Result<Self, Error> {
        Ok(Self {
            pending: pending.iter().map(|row| ConfirmationRequest::open(row, key)).collect::<Result<_, _>>()?,
            decided: decided.iter().map(|row| Confirmation::open(row, key)).collect::<Result<_, _>>()?,
        })
    }
}
