//! How a review is shown: to everyone, to moderators, to its author.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    checks::{CheckCode, Finding, ReviewPart},
    list_store::ReviewSort,
    model::{ClaimChecked, Disclosure, Period, Ratings, ReviewInput, ReviewStatus, ReviewText, TaskDone, Verification},
    response_store::{Responses, Told},
    store::ReviewRow,
};
use crate::{
    auth::{Caller, Role},
    http::{Error, Page, Slice},
    ids::{ProgramId, ReviewId},
    page_type,
    participation::model::Voucher,
    reference::TrainingLevel,
    replies::body::{Reader, Reply},
    text_enum::text_enum,
    time::{Day, HalfYear, Month, Timestamp},
};

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Anyone.
    Public,
    /// A moderator.
    Moderator,
    /// The author.
    Author,
}

impl View {
    /// As whom `caller` may read `row`; `None` when the review does not exist for them.
    #[must_use]
    pub fn of(row: &ReviewRow, caller: Option<&Caller>) -> Option<Self> {
        match caller {
            Some(caller) if caller.id == row.participant_id => Some(Self::Author),
            Some(caller) if caller.role == Role::Moderator => Some(Self::Moderator),
            _ => row.status.is_public().then_some(Self::Public),
        }
    }

    /// The quoted entity tag of what this reader sees. Of one version, moderators and the public
    /// see the same bytes or only moderators see it, so they share a tag.
    #[must_use]
    pub fn etag(self, row: &ReviewRow, responses: &Responses) -> String {
        let (version, others) = (row.version, responses.version);
        match self {
            Self::Public | Self::Moderator => format!("\"r{version}.{others}\""),
            Self::Author => format!("\"r{version}.{others}-own\""),
        }
    }
}

text_enum! {
    /// Something about a review that nobody has checked.
    pub enum Unchecked {
        /// That the author studies or works where they say.
        Affiliation = "affiliation",
        /// That the author took part in the program.
        Participation = "participation",
        /// That it was in the half-year stated.
        Period = "period",
        /// The training level stated.
        TrainingLevel = "training_level",
        /// That things happened as they are told.
        Account = "account",
        /// That the author took part, by anybody but the program's own provider.
        Independence = "independence",
    }
}

/// How it is known that the author took part, and what is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewVerification {
    /// The method; `none` when nothing was checked.
    pub method: Verification,
    /// Whether anything was checked.
    pub verified: bool,
    /// Who vouched for it; null where nobody did, as with an address at a university. A provider's word for its own
    /// program is the weakest.
    pub vouched_by: Option<Voucher>,
    /// The month in which they did; null where it is not known.
    pub vouched_month: Option<Month>,
    /// What was not checked.
    #[schema(max_items = 6)]
    pub not_checked: &'static [Unchecked],
}

impl ReviewVerification {
    /// Nothing proves the account itself. A code proves that one took part and a confirmation by a
    /// university also when; an address at a university proves only that one belongs there.
    fn of(row: &ReviewRow) -> Self {
        use Unchecked as U;
        let (method, by_provider) = (row.verification, row.vouched_by == Some(Voucher::Provider));
        let not_checked: &[Unchecked] = match method {
            Verification::ParticipationCode if by_provider => {
                &[U::Affiliation, U::Period, U::TrainingLevel, U::Account, U::Independence]
            }
            Verification::ParticipationCode => &[U::Affiliation, U::Period, U::TrainingLevel, U::Account],
            Verification::UniversityConfirmed => &[U::TrainingLevel, U::Account],
            Verification::UniversityEmail => &[U::Participation, U::Period, U::TrainingLevel, U::Account],
            Verification::None => &[U::Affiliation, U::Participation, U::Period, U::TrainingLevel, U::Account],
        };
        let (vouched_by, vouched_month) = (row.vouched_by, row.vouched_month);
        Self { method, verified: method.is_verified(), vouched_by, vouched_month, not_checked }
    }
}

/// What an automatic check found in a held review. The sentence never repeats what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldReason {
    /// The check.
    pub check: CheckCode,
    /// The part of the text; null when it concerns the review as a whole.
    pub part: Option<ReviewPart>,
    /// First character, counted from 0 in Unicode characters; null without a part.
    #[schema(minimum = 0, maximum = 2_147_483_647, example = 14)]
    pub start: Option<u32>,
    /// The character after the last one; null without a part.
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 26)]
    pub end: Option<u32>,
    /// What was found and what the author can do.
    #[schema(min_length = 1, max_length = 300, example = "This looks like a telephone number. Please remove it.")]
    pub detail: String,
}

impl From<Finding> for HeldReason {
    fn from(Finding { check, place, detail }: Finding) -> Self {
        let (part, start, end) = (place.map(|at| at.part), place.map(|at| at.start), place.map(|at| at.end));
        Self { check, part, start, end, detail }
    }
}

/// What only the author sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnReview {
    /// The months as written; others see the half-year.
    pub period: Period,
    /// When the review was written.
    pub created_at: Timestamp,
    /// When the review last changed.
    pub updated_at: Timestamp,
    /// The day on which a pending review becomes public at the latest; null in other states.
    pub public_by: Option<Day>,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReviewBody {
    /// The review's id.
    pub id: ReviewId,
    /// The program it is about.
    pub program_id: ProgramId,
    /// The author's pseudonym: the same in all reviews of this program, another in other programs.
    #[schema(max_length = 80, example = "participant-5f2b9c01")]
    pub author: String,
    /// Its state.
    pub status: ReviewStatus,
    /// Why it was held or rejected, or what it waits for. Only for the author and moderators, and only in these states.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub status_reason: Option<String>,
    /// What the automatic checks found. Only for the author and moderators, and only of a held review.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 140)]
    pub held_reasons: Option<Vec<HeldReason>>,
    /// Counts the edits; 1 for the text as first written.
    #[schema(minimum = 1, example = 1)]
    pub revision: i32,
    /// The half-year in which the experience ended.
    pub period: HalfYear,
    /// For how many weeks.
    #[schema(minimum = 1, maximum = 104, example = 6)]
    pub weeks: i32,
    /// Training level of the author at that time.
    pub training_level: TrainingLevel,
    /// Ratings from 1 (worst) to 5 (best); null where none was given.
    pub ratings: Ratings,
    /// Mean of the ratings given, to two decimals; null without any.
    #[schema(minimum = 1, maximum = 5, example = 4.25)]
    pub overall: Option<f64>,
    /// Whether the author would recommend the program; null when not answered.
    pub would_recommend: Option<bool>,
    /// Text, in five parts.
    pub text: ReviewText,
    /// Tasks the author did, each once.
    #[schema(max_items = 11)]
    pub tasks_done: Vec<TaskDone>,
    /// Claims of the listing that the author could check.
    #[schema(max_items = 20)]
    pub claims_checked: Vec<ClaimChecked>,
    /// What a reader must know about the author's interests.
    pub disclosure: Disclosure,
    /// How it is known that the author took part, and what is not known.
    pub verification: ReviewVerification,
    /// First day of the month in which the review was first published; null when it never was. The
    /// exact time is not shown, because it could tell who wrote it.
    pub published_on: Option<Day>,
    /// How many participants found it helpful.
    #[schema(minimum = 0, format = "int32", example = 3)]
    pub helpful_count: i32,
    /// What the provider says to it; null when it has said nothing.
    pub reply: Option<Reply>,
    /// What only the author sees; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnReview>,
}

impl ReviewBody {
    /// The body for one reader; `content` is what `row.content` holds.
    fn new(row: &ReviewRow, responses: &Responses, content: ReviewInput, view: View) -> Result<Self, Error> {
        let published = row.published_at != Timestamp::EPOCH;
        let waits = row.release_at != Timestamp::EPOCH;
        let own = OwnReview {
            period: content.period,
            created_at: row.created_at,
            updated_at: row.updated_at,
            public_by: waits.then(|| row.release_at.day()),
        };
        let held = row.status == ReviewStatus::Held && view != View::Public;
        let findings = held.then(|| row.findings()).transpose()?;
        Ok(Self {
            id: row.id,
            program_id: row.program_id,
            author: row.pseudonym.clone(),
            status: row.status,
            status_reason: row.status_reason.clone().filter(|_| view != View::Public),
            held_reasons: findings.map(|found| found.into_iter().map(HeldReason::from).collect()),
            revision: row.revision,
            period: row.half_year,
            weeks: content.weeks,
            training_level: content.training_level,
            ratings: content.ratings,
            overall: mean(row.overall_sum, row.overall_count),
            would_recommend: content.would_recommend,
            text: content.text,
            tasks_done: content.tasks_done,
            claims_checked: content.claims_checked,
            disclosure: content.disclosure,
            verification: ReviewVerification::of(row),
            published_on: published.then(|| row.published_at.day().month().first_day()),
            helpful_count: responses.helpful_count,
            reply: responses.reply.as_ref().map(|row| Reply::new(row, Reader::Public)),
            own: (view == View::Author).then_some(own),
        })
    }

    /// The body for one reader, from the stored content.
    pub fn read(told: &Told, view: View) -> Result<Self, Error> {
        Self::new(&told.row, &told.responses, told.row.input()?, view)
    }
}

/// The mean to two decimals, rounded half up in whole numbers.
fn mean(sum: i32, count: i32) -> Option<f64> {
    (count > 0).then(|| f64::from((sum * 200 + count) / (2 * count)) / 100.0)
}

page_type! {
    /// A page of reviews.
    ReviewPage of ReviewBody
}

/// A page of a program's reviews.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgramReviewPage {
    /// The items of this page.
    #[schema(max_items = 100)]
    pub data: Vec<ReviewBody>,
    /// The order that they stand in.
    pub sort: ReviewSort,
    /// Send it as `cursor` for the next page; null at the end of the list.
    #[schema(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$", example = "AXsibiI6NDIwMDB9c2lnbmVk")]
    pub next_cursor: Option<String>,
}

impl ProgramReviewPage {
    /// Turns a slice of rows into an answer with its Link header.
    pub fn answer(slice: &Slice<Told>, sort: ReviewSort) -> Result<Page<Self>, Error> {
        let bodies = slice.rows.iter().map(|told| ReviewBody::read(told, View::Public));
        let data = bodies.collect::<Result<_, _>>()?;
        Ok(Page::new(Self { data, sort, next_cursor: slice.next_cursor.clone() }, slice.links.clone()))
    }
}

#[cfg(test)]
mod tests;
