//! One's own data as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::{CohortRow, Stored, WrittenReview};
use crate::{
    appeals::body::Appeal,
    audit::{AuditKind, store::EventRow},
    auth::{Role, Scope},
    confirmations::body::OwnConfirmations,
    flags::body::ReviewFlag,
    http::Error,
    ids::{CohortId, PrincipalId, ProgramId, ProviderId, ReviewId, SessionId, UniversityId},
    moderation::DecisionBody,
    page_type,
    red_flags::{
        answers::ProviderAnswer,
        body::{Around, RedFlagReport},
        measures::ReportingSuspension,
    },
    reviews::{
        body::{ReviewBody, View},
        model::ReviewInput,
        pseudonym::PseudonymKey,
    },
    sessions::{Door, store::SessionRow},
    time::{HalfYear, Month, Timestamp},
};

/// Who the token is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    /// The principal's id: the `sub` of the token.
    pub id: PrincipalId,
    /// Its role.
    pub role: Role,
    /// What this token may be used for.
    pub scope: Scope,
    /// For which provider it acts.
    pub provider: Option<ProviderId>,
    /// For which university it acts.
    pub university: Option<UniversityId>,
    /// Whether an address at a university was verified. The address itself is in the export alone.
    pub university_email: bool,
    /// The programs of which participation was shown by a code, at most 100.
    #[schema(max_items = 100)]
    pub participations: Vec<Participation>,
    /// That the right to report and to flag is suspended; null unless it is.
    pub reporting_suspension: Option<ReportingSuspension>,
    /// The month in which it was made.
    pub created_month: Month,
}

/// That somebody took part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Participation {
    /// The program.
    pub program_id: ProgramId,
    /// When it ended.
    pub half_year: HalfYear,
}

impl From<CohortRow> for Participation {
    fn from(row: CohortRow) -> Self {
        Self { program_id: row.program_id, half_year: row.period_end.half_year() }
    }
}

/// A sign-in that still holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// How it was opened.
    pub door: Door,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whether the token of this request belongs to it.
    pub current: bool,
}

impl Session {
    /// `own` is the session of the token in use.
    #[must_use]
    pub fn new(row: &SessionRow, own: Option<SessionId>) -> Self {
        Self {
            id: row.id,
            door: row.door,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            current: own == Some(row.id),
        }
    }
}

page_type! {
    /// A page of sessions.
    SessionPage of Session
}

/// Everything that is stored about a participant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    /// When this document was made.
    pub exported_at: Timestamp,
    /// The principal's id.
    pub id: PrincipalId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The e-mail address; null without one.
    #[schema(max_length = 320, example = "student@example.edu")]
    pub address: Option<String>,
    /// The address for notices; null without one.
    #[schema(max_length = 320, example = "student@example.org")]
    pub notice_address: Option<String>,
    /// The university whose mail domain the address has.
    pub address_university: Option<UniversityId>,
    /// Whether sign-in through an outside identity provider is possible. Of that identity only a keyed hash is stored.
    pub outside_identity: bool,
    /// What was shown by participation codes.
    #[schema(max_items = 10_000)]
    pub participations: Vec<ExportedParticipation>,
    /// Sign-ins, ended ones included until they are removed.
    #[schema(max_items = 10_000)]
    pub sessions: Vec<ExportedSession>,
    /// Reviews in every state.
    #[schema(max_items = 10_000)]
    pub reviews: Vec<ExportedReview>,
    /// Red-flag reports in every state.
    #[schema(max_items = 10_000)]
    pub reports: Vec<RedFlagReport>,
    /// What universities were asked to confirm, and what they decided.
    pub confirmations: OwnConfirmations,
    /// The reviews that were found helpful.
    #[schema(max_items = 100_000)]
    pub helpful_votes: Vec<ReviewId>,
    /// The flags on reviews, oldest first, with how each ended.
    #[schema(max_items = 100_000)]
    pub flags: Vec<ReviewFlag>,
    /// Appeals in every state.
    #[schema(max_items = 10_000)]
    pub appeals: Vec<Appeal>,
    /// What the security log says that the participant did.
    #[schema(max_items = 100_000)]
    pub events: Vec<ExportedEvent>,
}

/// A participation as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedParticipation {
    /// The cohort.
    pub cohort_id: CohortId,
    /// The program.
    pub program_id: ProgramId,
    /// The cohort's first month.
    pub period_start: Month,
    /// Its last month.
    pub period_end: Month,
}

/// A session as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSession {
    /// Its id.
    pub id: SessionId,
    /// How it was opened.
    pub door: Door,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it was ended; null unless it was.
    pub ended_at: Option<Timestamp>,
}

/// A review with all that it ever said.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedReview {
    /// As it is now.
    pub review: ReviewBody,
    /// What it said before its edits, oldest first.
    #[schema(max_items = 10_000)]
    pub former: Vec<FormerContent>,
    /// What was answered to the provider's reply, every text of it, oldest first.
    #[schema(max_items = 100)]
    pub answers: Vec<String>,
    /// What was decided about it, oldest first.
    #[schema(max_items = 500)]
    pub history: Vec<DecisionBody>,
}

/// What a review said before an edit.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormerContent {
    /// Its number; the first is 1.
    #[schema(minimum = 1, format = "int32", example = 1)]
    pub revision: i32,
    /// The content.
    pub content: ReviewInput,
    /// When it was replaced.
    pub replaced_at: Timestamp,
}

/// An entry of the security log about something that the participant did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// To what.
    #[schema(max_length = 200, example = "session:0195f8a0-1c2d-7abc-8def-0123456789ab")]
    pub subject: String,
}

impl From<EventRow> for ExportedEvent {
    fn from(row: EventRow) -> Self {
        Self { at: row.at, kind: row.kind, subject: row.subject }
    }
}

impl Export {
    /// Puts the document together; the addresses, to sign in with and for notices, and `confirmations` are what their
    /// seals held.
    pub fn new(
        stored: Stored,
        ([address, notice_address], confirmations): ([Option<String>; 2], OwnConfirmations),
        pseudonyms: &PseudonymKey,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let reviews = stored.reviews.into_iter().map(|WrittenReview { told, former, answers, history }| {
            let former = former.into_iter().map(|(revision, content, replaced_at)| {
                let content = serde_json::from_str(&content).map_err(Error::internal)?;
                Ok(FormerContent { revision, content, replaced_at })
            });
            let former = former.collect::<Result<_, Error>>()?;
            let row = told.responses.reply.as_ref();
            let mut answers: Vec<_> = answers.into_iter().map(|former| former.text).collect();
            answers.extend(row.and_then(|row| row.answer.clone()));
            Ok(ExportedReview { review: ReviewBody::read(&told, View::Author)?, former, answers, history })
        });
        let reports = stored.reports.into_iter().map(|(row, history, answer, measures)| {
            let reporter = pseudonyms.reporter(row.reporter_id, row.program_id);
            let provider_answer = answer.map(ProviderAnswer::from);
            let around = Around { reporter, history, group: None, proposal: None, provider_answer, measures };
            RedFlagReport::new(row, around)
        });
        let appeals = stored.appeals.into_iter().map(|(row, history)| Appeal::new(row, history));
        let participations = stored.participations.into_iter().map(|row| ExportedParticipation {
            cohort_id: row.id,
            program_id: row.program_id,
            period_start: row.period_start,
            period_end: row.period_end,
        });
        let sessions = stored.sessions.into_iter().map(|row| ExportedSession {
            id: row.id,
            door: row.door,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        });
        Ok(Self {
            exported_at: now,
            id: stored.principal.id,
            created_at: stored.principal.created_at,
            address,
            notice_address,
            address_university: stored.address.and_then(|(_, university)| university),
            outside_identity: stored.outside_identity,
            participations: participations.collect(),
            sessions: sessions.collect(),
            reviews: reviews.collect::<Result<_, Error>>()?,
            reports: reports.collect::<Result<_, Error>>()?,
            confirmations,
            helpful_votes: stored.votes,
            flags: stored.flags.into_iter().map(ReviewFlag::from).collect(),
            appeals: appeals.collect::<Result<_, Error>>()?,
            events: stored.events.into_iter().map(ExportedEvent::from).collect(),
        })
    }
}
