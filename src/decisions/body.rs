//! Decisions as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::{Insight, Read, Seen};
use crate::{
    http::Error,
    ids::{DecisionId, ProgramId},
    moderation::{ActorRole, Party, Restriction, SubjectKind, statement},
    page_type,
    reference::{Ground, StatementCategory},
    text_enum::text_enum,
    time::{Day, Timestamp},
};

text_enum! {
    /// What becomes of the content. The words of the EU's transparency database, in lower case and without the prefix
    /// `DECISION_VISIBILITY_`.
    pub enum DecisionVisibility {
        /// Taken away.
        ContentRemoved = "content_removed",
        /// Not shown.
        ContentDisabled = "content_disabled",
        /// Shown with a mark.
        ContentLabelled = "content_labelled",
    }
}

impl DecisionVisibility {
    fn of(restriction: Restriction) -> Option<Self> {
        match restriction {
            Restriction::None => None,
            Restriction::Removal => Some(Self::ContentRemoved),
            Restriction::Visibility => Some(Self::ContentDisabled),
            Restriction::Suspension | Restriction::Verdict => Some(Self::ContentLabelled),
        }
    }
}

text_enum! {
    /// What kind of rule is applied. No decision here is about illegal content: courts rule on that.
    pub enum DecisionGround {
        /// The content is against the rules of this service.
        IncompatibleContent = "incompatible_content",
    }
}

text_enum! {
    /// How far a decision was taken by machines.
    pub enum AutomatedDecision {
        /// By the automatic checks alone, until a person has looked at it.
        Fully = "fully",
        /// By a person.
        NotAutomated = "not_automated",
    }
}

text_enum! {
    /// What was decided on, in the words of the EU's transparency database.
    pub enum ContentType {
        /// A review, report, reply or appeal.
        Text = "content_type_text",
        /// A program, or what is found about it.
        Product = "content_type_product",
    }
}

impl ContentType {
    fn of(kind: SubjectKind) -> Self {
        match kind {
            SubjectKind::Program | SubjectKind::Assessment | SubjectKind::TriageEntry => Self::Product,
            SubjectKind::Review
            | SubjectKind::ReviewReply
            | SubjectKind::ReviewAnswer
            | SubjectKind::RedFlagReport
            | SubjectKind::Appeal => Self::Text,
        }
    }
}

/// How to have a decision looked at again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redress {
    /// Who may appeal.
    pub party: Party,
    /// The last day on which an appeal is taken.
    pub until: Day,
    /// Where it is sent, with POST.
    #[schema(
        max_length = 100,
        pattern = "^/v1/decisions/[0-9a-f-]{36}/appeals$",
        example = "/v1/decisions/6b0c7f3e-52a4-4d1b-9c58-0f2d6c1b7a90/appeals"
    )]
    pub appeals: String,
}

/// What only those read who are affected, and moderators.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementOfReasons {
    /// Why; null where it is for the reporter and moderators only.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// What was found; null where nothing was written down, or where it is for the reporter and moderators only.
    #[schema(min_length = 10, max_length = 2000)]
    pub facts: Option<String>,
    /// How to have it looked at again; null where nobody is affected.
    pub redress: Option<Redress>,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// A decision. The names of most members are those of the EU's transparency database of statements of reasons.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decision {
    /// The decision's id.
    pub id: DecisionId,
    /// What kind of thing it is about.
    pub subject_kind: SubjectKind,
    /// The id of that thing; null unless it is public now, or the reader is affected or a moderator.
    #[schema(format = "uuid", max_length = 36, example = "0195f8a0-1c2d-7abc-8def-0123456789ab")]
    pub subject_id: Option<String>,
    /// The program that it concerns; null where `subject_id` is.
    pub program_id: Option<ProgramId>,
    /// What was done.
    #[schema(max_length = 40, pattern = "^[a-z_]+$", example = "suspend")]
    pub action: String,
    /// What it takes from whom it affects.
    pub restriction: Restriction,
    /// What becomes of the content; null where nothing is restricted.
    pub decision_visibility: Option<DecisionVisibility>,
    /// What kind of rule is applied; null where nothing is restricted.
    pub decision_ground: Option<DecisionGround>,
    /// What it rests on; null for an act that is no ruling.
    pub ground: Option<Ground>,
    /// The text of the ground; null without one.
    #[schema(min_length = 1, max_length = 300)]
    pub incompatible_content_ground: Option<String>,
    /// The category of the ground; null without one.
    pub category: Option<StatementCategory>,
    /// What was decided on.
    pub content_type: ContentType,
    /// Whether the automatic checks found what it is about.
    pub automated_detection: bool,
    /// How far it was taken by machines.
    pub automated_decision: AutomatedDecision,
    /// First day of the month in which it was taken.
    pub application_date: Day,
    /// What a moderator has written for the public about a report that was found true; null otherwise.
    #[schema(min_length = 20, max_length = 2000)]
    pub public_summary: Option<String>,
    /// What only those read who are affected, and moderators; null for everybody else, and in the public record.
    pub statement: Option<StatementOfReasons>,
}

impl Decision {
    /// What one reader may know of a decision.
    pub fn new(read: Read) -> Result<Self, Error> {
        let Read { row, seen, public_summary, insight } = read;
        let restriction = statement::restriction(row.subject_kind, row.actor_role, &row.from_status, &row.to_status);
        let restricts = restriction != Restriction::None;
        let info = row.ground.map(Ground::info);
        let shows = seen == Seen::Named || insight.is_some();
        let subject = row.subject()?.hyphenated().to_string();
        let by_checks = row.actor_role == ActorRole::System;
        let statement = insight.map(|insight| StatementOfReasons {
            redress: redress(
                row.id,
                row.created_at,
                statement::affected(row.subject_kind, row.actor_role, &row.action),
            ),
            reason: Some(row.reason).filter(|_| insight != Insight::WithoutWords),
            facts: row.facts.filter(|_| insight != Insight::WithoutWords),
            decided_at: row.created_at,
        });
        Ok(Self {
            id: row.id,
            subject_kind: row.subject_kind,
            subject_id: shows.then_some(subject),
            program_id: row.program_id.filter(|_| shows),
            action: row.action,
            restriction,
            decision_visibility: DecisionVisibility::of(restriction),
            decision_ground: restricts.then_some(DecisionGround::IncompatibleContent),
            ground: row.ground,
            incompatible_content_ground: info.map(|info| info.text.clone()),
            category: info.map(|info| info.category),
            content_type: ContentType::of(row.subject_kind),
            automated_detection: row.automated != 0,
            automated_decision: if by_checks { AutomatedDecision::Fully } else { AutomatedDecision::NotAutomated },
            application_date: row.created_at.day().month().first_day(),
            public_summary,
            statement,
        })
    }
}

/// Who may appeal against a decision of this moment, until when and where.
fn redress(id: DecisionId, decided: Timestamp, party: Option<Party>) -> Option<Redress> {
    let until = statement::appeal_until(decided.day());
    party.map(|party| Redress { party, until, appeals: format!("/v1/decisions/{id}/appeals") })
}

page_type! {
    /// A page of decisions.
    DecisionPage of Decision
}
