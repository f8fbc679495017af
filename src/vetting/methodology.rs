//! The method in one document: what the service computes with, and what is true of it. Constants and the texts of
//! reasons come from where they are used.

use serde::Serialize;
use utoipa::ToSchema;

use super::rubric::{EVIDENCE_LEVELS, EvidenceMonths, Rubric};
use crate::{
    programs::list_query::ProgramSort,
    reviews::list_store::ReviewSort,
    score::{FORMULA_VERSION, Parameters},
    verdict::{Notice, ReasonCode, Verdict},
};

/// The formula of the score.
pub const FORMULA: &str = "score = (m*C + sum(w*r)) / (m + sum(w)), where r is a rating from 1 to 5, w its weight, m is \
    `prior_weight` and C is `prior_mean`.";
/// The weight of a rating.
const WEIGHT: &str = "w = v * max(floor, 0.5^(age / half_life_days)), where v is the weight of the way in which the author \
    was verified, the one of `weights`.";
/// Recency.
const RECENCY: &str = "The age is counted in days from the last day of the half-year in which the experience ended, because \
    the half-year is all that is public; before that day it is 0. Scores are taken anew each day, and name their day.";
/// What is rated.
const OVERALL: &str = "Each dimension is scored by itself. The overall score is that of the mean rating of each review. With \
    fewer reviews than `publish_overall_from_n` there is none.";
/// The interval.
const INTERVAL: &str = "The Wilson interval of 95 % of the weighted mean, with n_effective = (sum(w))^2 / sum(w^2) as the \
    number of ratings.";
/// The share of reviews.
const RESPONSE_RATE: &str = "Published reviews whose author redeemed a participation code, divided by participation codes \
    that were issued and not taken back; null where fewer than three were issued.";
/// Why stars do not count.
const APART: &str = "The score never moves the verdict, and the verdict never moves the score.";
/// When evidence expires.
const EXPIRY: &str = "Evidence counts from the day on which it was obtained for the months that the rubric gives its level. \
    A criterion that was found met or partly met needs evidence that holds, and a critical one also where it does not \
    concern the program; without it the criterion is unknown. A failure that was found needs no renewal.";
/// Self-reports.
const CORROBORATION: &str = "Tasks that verified reviews report are read against the task matrix for the author's training \
    level. At least two people who tell of a critical breach of the same kind, in different half-years, corroborate each \
    other: the criteria that the kind speaks against are then not met, until moderators refute it. One such account alone \
    puts the program under review and changes nothing else until moderators confirm it; the review ends with their \
    ruling, not with the withdrawal of the account.";
/// The listing's own scope.
const SCOPE: &str = "What the listing lets each training level do that it accepts is read against the task matrix. A task \
    that the matrix forbids at that level is a critical finding, and so are deliveries without direct supervision; any \
    other task offered without the direct supervision that the matrix asks for is a major one. All of them speak against \
    the criterion scope_defined.";
/// Programs under which version.
const VERSIONS: &str = "A version of the rubric is never changed. A program with a published assessment is judged by the \
    version that it was assessed with, every other one by the version in force. Each verdict names its version.";
/// What is checked of a review.
const REVIEW_CHECKS: [&str; 9] = [
    "Only a participant who is signed in can write a review: one for each program and half-year.",
    "Whether the author took part is verified by a participation code, or else by an address at a university; a review \
     shows how it was verified, and what was not checked. Without either it counts with the weight `none`.",
    "The text is read by automatic checks: personal data, patients who could be recognised, links, near copies of other \
     reviews of the provider or by the same author, languages other than English, slurs, and unusually many reviews in a \
     day. They are given neither stars nor the recommendation.",
    "Where they find nothing, the review is public at once. What they find holds it for a moderator: none is refused or \
     dropped by a machine. The author reads which check found what in which place.",
    "A verified review waits until three verified ones of the same program and half-year can become public together, or \
     for a day drawn from 7 to 28 days, because alone it could tell who wrote it. The service's operator sets the number.",
    "Moderators can hold a review with a reason, and publish or reject a held one; every decision is kept. One who is \
     linked to the program's provider cannot decide.",
    "A change keeps the former content, and a new text is checked again. What was rejected goes back to a moderator.",
    "A withdrawn, held or waiting review does not count.",
    "Others see a pseudonym that differs per program, and the half-year in place of the months.",
];

/// How satisfaction is scored.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreMethod {
    /// Version of the formula.
    #[schema(max_length = 10, example = "1")]
    pub formula_version: &'static str,
    /// The formula.
    #[schema(max_length = 1000)]
    pub formula: &'static str,
    /// Its constants.
    pub parameters: Parameters,
    /// The weight of a rating.
    #[schema(max_length = 1000)]
    pub weight: &'static str,
    /// How age is counted.
    #[schema(max_length = 1000)]
    pub recency: &'static str,
    /// What the overall score is of.
    #[schema(max_length = 1000)]
    pub overall: &'static str,
    /// What the interval is.
    #[schema(max_length = 1000)]
    pub interval: &'static str,
    /// What the response rate is.
    #[schema(max_length = 1000)]
    pub response_rate: &'static str,
    /// What the score does to the verdict.
    #[schema(max_length = 1000)]
    pub verdict: &'static str,
}

/// When a verdict is given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VerdictRule {
    /// The verdict.
    pub verdict: Verdict,
    /// When it is given, if no worse one is.
    #[schema(max_length = 1000)]
    pub rule: &'static str,
}

/// The rule of each verdict, worst first.
#[must_use]
pub fn verdict_rules() -> Vec<VerdictRule> {
    Verdict::ALL.iter().map(|verdict| VerdictRule { verdict: *verdict, rule: verdict.rule() }).collect()
}

/// What a level of evidence is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceLevel {
    /// The level; a higher one is stronger.
    #[schema(minimum = 0, maximum = 3)]
    pub level: u8,
    /// What it is.
    #[schema(max_length = 500, example = "A document on file.")]
    pub meaning: &'static str,
}

/// Every level of evidence.
#[must_use]
pub fn evidence_levels() -> Vec<EvidenceLevel> {
    (0..).zip(EVIDENCE_LEVELS).map(|(level, meaning)| EvidenceLevel { level, meaning }).collect()
}

/// A reason that a verdict can have.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonText {
    /// Its code.
    pub code: ReasonCode,
    /// The reason in a sentence.
    #[schema(max_length = 500)]
    pub detail: &'static str,
    /// What would make it go away.
    #[schema(max_length = 500)]
    pub would_change: &'static str,
}

/// A notice that a program can have.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeText {
    /// Its code.
    pub code: Notice,
    /// What it tells.
    #[schema(max_length = 500)]
    pub meaning: &'static str,
}

/// How a verdict comes about.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictMethod {
    /// The rubric in force.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub rubric_version: i32,
    /// Which program is judged by which version.
    #[schema(max_length = 1000)]
    pub versions: &'static str,
    /// When each verdict is given, worst first: the first rule that fits holds.
    #[schema(min_items = 4, max_items = 4)]
    pub rule: Vec<VerdictRule>,
    /// Every reason that there can be, gravest first.
    #[schema(max_items = 50)]
    pub reasons: Vec<ReasonText>,
    /// Every notice that there can be.
    #[schema(max_items = 10)]
    pub notices: Vec<NoticeText>,
    /// When what verified reviews report counts.
    #[schema(max_length = 1000)]
    pub corroboration: &'static str,
    /// How a listing's scope is read.
    #[schema(max_length = 1000)]
    pub scope: &'static str,
}

/// What evidence is and how long it holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceMethod {
    /// What each level is.
    #[schema(min_items = 4, max_items = 4)]
    pub levels: Vec<EvidenceLevel>,
    /// For how long evidence holds, in the rubric in force.
    pub months: EvidenceMonths,
    /// How that counts.
    #[schema(max_length = 1000)]
    pub expiry: &'static str,
}

/// In which order a list stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListOrder {
    /// The list.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/{}_-]+$", example = "/v1/programs")]
    pub list: &'static str,
    /// The value of `sort`; null where the list has one order only.
    #[schema(max_length = 40, pattern = "^-?[a-z_]+$", example = "-score")]
    pub sort: Option<&'static str>,
    /// What decides the order. Where it is the same, the id does.
    #[schema(max_length = 500)]
    pub order: &'static str,
    /// Whether it is the order without `sort`.
    pub default: bool,
}

/// What the method rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct MethodLinks {
    /// The rubric in force.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/rubrics/current")]
    pub rubric: &'static str,
    /// Every version of the rubric.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/rubrics")]
    pub rubrics: &'static str,
    /// The criteria in force.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/criteria")]
    pub criteria: &'static str,
    /// The task matrix in force.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/tasks")]
    pub tasks: &'static str,
    /// The guidelines that criteria rest on.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/guidelines")]
    pub guidelines: &'static str,
    /// The kinds of red flag.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/red-flag-kinds")]
    pub red_flag_kinds: &'static str,
    /// The training levels.
    #[schema(max_length = 100, pattern = "^/[a-z0-9/-]+$", example = "/v1/reference/training-levels")]
    pub training_levels: &'static str,
}

/// How scores and verdicts come about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Methodology {
    /// Satisfaction.
    pub score: ScoreMethod,
    /// The verdict.
    pub verdict: VerdictMethod,
    /// Evidence.
    pub evidence: EvidenceMethod,
    /// The orders of public lists.
    #[schema(max_items = 50)]
    pub orders: Vec<ListOrder>,
    /// How reviews are checked, the same at every star value.
    #[schema(max_items = 50, max_length = 1000)]
    pub review_checks: Vec<&'static str>,
    /// What it rests on.
    pub links: MethodLinks,
}

impl Methodology {
    /// The method with the rubric in force.
    #[must_use]
    pub fn of(version: i32, rubric: &Rubric) -> Self {
        let reasons = ReasonCode::ALL.iter().map(|code| ReasonText {
            code: *code,
            detail: code.detail(),
            would_change: code.would_change(),
        });
        let notices = Notice::ALL.iter().map(|code| NoticeText { code: *code, meaning: code.meaning() });
        Self {
            score: ScoreMethod {
                formula_version: FORMULA_VERSION,
                formula: FORMULA,
                parameters: Parameters::CURRENT,
                weight: WEIGHT,
                recency: RECENCY,
                overall: OVERALL,
                interval: INTERVAL,
                response_rate: RESPONSE_RATE,
                verdict: APART,
            },
            verdict: VerdictMethod {
                rubric_version: version,
                versions: VERSIONS,
                rule: verdict_rules(),
                reasons: reasons.collect(),
                notices: notices.collect(),
                corroboration: CORROBORATION,
                scope: SCOPE,
            },
            evidence: EvidenceMethod { levels: evidence_levels(), months: rubric.evidence_months, expiry: EXPIRY },
            orders: orders(),
            review_checks: REVIEW_CHECKS.to_vec(),
            links: MethodLinks {
                rubric: "/v1/reference/rubrics/current",
                rubrics: "/v1/reference/rubrics",
                criteria: "/v1/reference/criteria",
                tasks: "/v1/reference/tasks",
                guidelines: "/v1/reference/guidelines",
                red_flag_kinds: "/v1/reference/red-flag-kinds",
                training_levels: "/v1/reference/training-levels",
            },
        }
    }
}

const fn of_programs(sort: ProgramSort) -> &'static str {
    match sort {
        ProgramSort::ScoreDown => "The overall score, highest first; programs without one last.",
        ProgramSort::Score => "The overall score, lowest first; programs without one before all others.",
        ProgramSort::ListedAtDown => "When the program was listed, newest first.",
        ProgramSort::ListedAt => "When the program was listed, oldest first.",
        ProgramSort::Title => "The title.",
        ProgramSort::TitleDown => "The title, backwards.",
        ProgramSort::Fee => "The sum of the fees in the currency of `fee_currency`, lowest first.",
        ProgramSort::ReviewCountDown => "The number of published reviews, most first.",
    }
}

const fn of_reviews(sort: ReviewSort) -> &'static str {
    match sort {
        ReviewSort::Newest => "When the review was published, latest first.",
        ReviewSort::Helpful => "The number of helpful votes, most first; reviews without votes follow, latest first.",
        ReviewSort::Highest => "The mean of the review's ratings, best first; reviews without ratings last.",
        ReviewSort::Lowest => "The mean of the review's ratings, worst first; reviews without ratings are left out.",
    }
}

fn orders() -> Vec<ListOrder> {
    let programs = ProgramSort::ALL.iter().map(|sort| ListOrder {
        list: "/v1/programs",
        sort: Some(sort.as_str()),
        order: of_programs(*sort),
        default: *sort == ProgramSort::default(),
    });
    let reviews = ReviewSort::ALL.iter().map(|sort| ListOrder {
        list: "/v1/programs/{program}/reviews",
        sort: Some(sort.as_str()),
        order: of_reviews(*sort),
        default: *sort == ReviewSort::Newest,
    });
    let reports = ListOrder {
        list: "/v1/programs/{program}/red-flag-reports",
        sort: None,
        order: "Severity, gravest first.",
        default: true,
    };
    programs.chain(reviews).chain([reports]).collect()
}
