//! Satisfaction, computed so that anyone can recompute it from public data.
//!
//! score = (m·C + Σ w·r) / (m + Σ w), with w = v(verification) · max(floor, 0.5^(age in days /
//! half-life)). The age counts from the last day of the half-year in which the experience ended,
//! because the half-year is all that is public. Ratings enter as whole-number tallies per half-year
//! and kind of verification, so adding and removing a review restores the very same numbers, the
//! order of reviews does not matter, and the score of any day follows from the stored tallies. The
//! score never moves the verdict.

pub mod tallies;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::tallies::Cells;
pub use self::tallies::{Cell, RatedReview, Recommendations, Tallies, TallyMismatch};
use crate::{
    reviews::model::{Dimension, OVERALL_UNIT, Verification},
    time::{Day, HalfYear},
};

/// Version of the formula; changes whenever the same tallies would give another score.
pub const FORMULA_VERSION: &str = "1";

/// 97.5 % quantile of the standard normal distribution, for intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Weight of a review by how its author was verified.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationWeights {
    /// A participation code was redeemed.
    pub participation_code: f64,
    /// A university confirmed it.
    pub university_confirmed: f64,
    /// The author holds an address at a university.
    pub university_email: f64,
    /// Not verified.
    pub none: f64,
}

/// The constants of the formula.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// m: how much weight the prior mean has, in reviews of weight 1.
    pub prior_weight: f64,
    /// C: the score of a program without reviews.
    pub prior_mean: f64,
    /// Days after which a review weighs half.
    pub half_life_days: f64,
    /// The least that age leaves of a weight.
    pub floor: f64,
    /// Weight by verification.
    pub weights: VerificationWeights,
    /// Fewest ratings from which an overall score is given.
    pub publish_overall_from_n: u32,
}

impl Parameters {
    /// The constants in force.
    pub const CURRENT: Self = Self {
        prior_weight: 7.0,
        prior_mean: 3.5,
        half_life_days: 730.0,
        floor: 0.1,
        weights: VerificationWeights {
            participation_code: 1.0,
            university_confirmed: 1.0,
            university_email: 0.7,
            none: 0.4,
        },
        publish_overall_from_n: 3,
    };

    /// v: the weight of a fresh review.
    #[must_use]
    pub const fn verification_weight(&self, verification: Verification) -> f64 {
        match verification {
            Verification::ParticipationCode => self.weights.participation_code,
            Verification::UniversityConfirmed => self.weights.university_confirmed,
            Verification::UniversityEmail => self.weights.university_email,
            Verification::None => self.weights.none,
        }
    }

    /// The factor that age leaves, from 1 down to the floor. Negative ages count as 0.
    #[must_use]
    pub fn decay(&self, age_days: i32) -> f64 {
        0.5f64.powf(f64::from(age_days.max(0)) / self.half_life_days).max(self.floor)
    }

    /// w: the weight of a review on a day.
    #[must_use]
    pub fn weight(&self, verification: Verification, half_year: HalfYear, today: Day) -> f64 {
        self.verification_weight(verification) * self.decay(today.days_since(half_year.last_day()))
    }
}

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), high: f(self.high) }
    }
}

/// The Wilson interval of 95 % for a share `p` (0 to 1) seen in `n` (above 0, need not be whole)
/// cases.
#[must_use]
pub fn wilson(p: f64, n: f64) -> Interval {
    let z2 = Z * Z;
    let middle = p + z2 / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    let scale = 1.0 + z2 / n;
    Interval { low: ((middle - spread) / scale).clamp(0.0, 1.0), high: ((middle + spread) / scale).clamp(0.0, 1.0) }
}

/// Equal weights in one group of ratings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// w: the weight of each.
    pub weight: f64,
    /// How many.
    pub n: u32,
    /// Sum of the ratings.
    pub sum: f64,
}

/// What the formula gives for one set of ratings, not rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// How many ratings.
    pub n: u32,
    /// Σ w.
    pub sum_w: f64,
    /// (Σ w)² / Σ w²: how many ratings of equal weight would tell as much.
    pub n_effective: f64,
    /// Σ w·r / Σ w; `None` without ratings.
    pub mean: Option<f64>,
    /// The score, 1 to 5.
    pub score: f64,
    /// Wilson interval of the mean, mapped from 0..1 to 1..5; `None` without ratings.
    pub interval: Option<Interval>,
}

/// Applies the formula to groups of ratings.
#[must_use]
pub fn estimate(parameters: &Parameters, groups: impl IntoIterator<Item = Group>) -> Estimate {
    let mut n = 0u32;
    let (mut sum_w, mut squares, mut weighted_sum) = (0.0, 0.0, 0.0);
    for group in groups {
        n = n.saturating_add(group.n);
        sum_w += group.weight * f64::from(group.n);
        squares += group.weight * group.weight * f64::from(group.n);
        weighted_sum += group.weight * group.sum;
    }
    let seen = squares > 0.0;
    let n_effective = if seen { sum_w * sum_w / squares } else { 0.0 };
    // Rounding of the sums may step over the ends by some 1e-16.
    let mean = seen.then(|| (weighted_sum / sum_w).clamp(1.0, 5.0));
    let prior = parameters.prior_weight * parameters.prior_mean;
    Estimate {
        n,
        sum_w,
        n_effective,
        mean,
        score: (prior + weighted_sum) / (parameters.prior_weight + sum_w),
        interval: mean.map(|mean| wilson((mean - 1.0) / 4.0, n_effective).map(|share| 1.0 + 4.0 * share)),
    }
}

/// The score of a program in one respect, rounded to four digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RatingScore {
    /// How many ratings.
    #[schema(minimum = 0)]
    pub n: u32,
    /// How many fresh ratings of equal weight would tell as much.
    #[schema(minimum = 0)]
    pub n_effective: f64,
    /// Weighted mean of the ratings, 1 to 5.
    pub mean: Option<f64>,
    /// The score, 1 to 5.
    pub score: Option<f64>,
    /// 95 % interval of the mean, 1 to 5.
    pub interval: Option<Interval>,
}

/// The score of one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DimensionScore {
    /// The dimension.
    pub dimension: Dimension,
    /// How many ratings.
    #[schema(minimum = 0)]
    pub n: u32,
    /// How many fresh ratings of equal weight would tell as much.
    #[schema(minimum = 0)]
    pub n_effective: f64,
    /// Weighted mean of the ratings, 1 to 5; null without ratings.
    pub mean: Option<f64>,
    /// The score, 1 to 5; null without ratings.
    pub score: Option<f64>,
    /// 95 % interval of the mean, 1 to 5; null without ratings.
    pub interval: Option<Interval>,
}

/// How many would recommend the program; each counts the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationShare {
    /// How many would.
    #[schema(minimum = 0)]
    pub yes: u32,
    /// How many answered.
    #[schema(minimum = 0)]
    pub n: u32,
    /// yes / n; null without answers.
    pub share: Option<f64>,
    /// 95 % interval of the share; null without answers.
    pub interval: Option<Interval>,
}

/// How many of those who were given a participation code have written a review with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResponseRate {
    /// Participation codes issued and not taken back.
    #[schema(minimum = 3)]
    pub codes_issued: u32,
    /// Published reviews whose author redeemed a participation code.
    #[schema(minimum = 0)]
    pub reviews: u32,
    /// reviews / `codes_issued`, at most 1: one code may stand behind reviews of several stays.
    #[schema(minimum = 0, maximum = 1)]
    pub share: f64,
}

impl ResponseRate {
    /// Fewest codes of which a rate is told: in a smaller group it would tell who wrote.
    pub const FROM_CODES: u32 = 3;

    /// The rate; `None` when fewer than [`FROM_CODES`](Self::FROM_CODES) codes were issued.
    #[must_use]
    pub fn of(codes_issued: u32, reviews: u32) -> Option<Self> {
        let share = || round4((f64::from(reviews) / f64::from(codes_issued)).min(1.0));
        (codes_issued >= Self::FROM_CODES).then(|| Self { codes_issued, reviews, share: share() })
    }
}

/// Satisfaction with a program on a day. It never moves the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Version of the formula.
    #[schema(max_length = 10, example = "1")]
    pub formula_version: String,
    /// The day for which the ages of reviews were taken.
    pub as_of: Day,
    /// Constants of the formula.
    pub parameters: Parameters,
    /// Published reviews.
    #[schema(minimum = 0)]
    pub review_count: u32,
    /// Published reviews whose author was verified.
    #[schema(minimum = 0)]
    pub verified_review_count: u32,
    /// How many of those with a participation code have written; null where fewer than three codes were issued.
    pub response_rate: Option<ResponseRate>,
    /// Over the mean rating of each review. Mean, score and interval are null below three.
    pub overall: RatingScore,
    /// One entry for each dimension, in fixed order.
    #[schema(max_items = 11)]
    pub dimensions: Vec<DimensionScore>,
    /// How many would recommend the program.
    pub would_recommend: RecommendationShare,
}

impl Score {
    /// The score that the tallies give on a day, with the constants in force, of a program with so many participation
    /// codes.
    #[must_use]
    pub fn of(tallies: &Tallies, codes_issued: u32, today: Day) -> Self {
        let parameters = Parameters::CURRENT;
        let overall = overall_estimate(&parameters, tallies, today);
        let shown = overall.n >= parameters.publish_overall_from_n;
        let dimensions = Dimension::ALL.iter().map(|dimension| {
            let groups = tallies.dimensions.get(dimension).map(|cells| groups(&parameters, cells, 1, today));
            let found = estimate(&parameters, groups.into_iter().flatten());
            DimensionScore {
                dimension: *dimension,
                n: found.n,
                n_effective: round4(found.n_effective),
                mean: found.mean.map(round4),
                score: found.mean.is_some().then(|| round4(found.score)),
                interval: found.interval.map(|interval| interval.map(round4)),
            }
        });
        Self {
            formula_version: FORMULA_VERSION.to_owned(),
            as_of: today,
            parameters,
            review_count: tallies.review_count(),
            verified_review_count: tallies.verified_review_count(),
            response_rate: ResponseRate::of(codes_issued, tallies.reviews_by(Verification::ParticipationCode)),
            overall: RatingScore {
                n: overall.n,
                n_effective: round4(overall.n_effective),
                mean: overall.mean.filter(|_| shown).map(round4),
                score: shown.then(|| round4(overall.score)),
                interval: overall.interval.filter(|_| shown).map(|interval| interval.map(round4)),
            },
            dimensions: dimensions.collect(),
            would_recommend: recommendation_share(tallies.recommendations()),
        }
    }
}

/// The key that lists are ordered by: the overall score on a day times 10000, rounded; 0 when there
/// is no overall score.
#[must_use]
pub fn score_key(tallies: &Tallies, today: Day) -> i32 {
    let parameters = Parameters::CURRENT;
    let overall = overall_estimate(&parameters, tallies, today);
    if overall.n < parameters.publish_overall_from_n {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a score lies between 1 and 5")]
    let key = (overall.score * 10_000.0).round() as i32;
    key
}

fn overall_estimate(parameters: &Parameters, tallies: &Tallies, today: Day) -> Estimate {
    estimate(parameters, groups(parameters, &tallies.overall, OVERALL_UNIT, today))
}

fn groups(parameters: &Parameters, cells: &Cells<Cell>, unit: i64, today: Day) -> impl Iterator<Item = Group> {
    cells.iter().flat_map(move |(half_year, by_verification)| {
        by_verification.iter().map(move |(verification, cell)| {
            #[expect(clippy::cast_precision_loss, reason = "a sum stays below 2^53 for 60 billion reviews")]
            let sum = cell.sum as f64 / unit as f64;
            Group { weight: parameters.weight(*verification, *half_year, today), n: cell.n, sum }
        })
    })
}

fn recommendation_share(all: Recommendations) -> RecommendationShare {
    let share = (all.n > 0).then(|| f64::from(all.yes) / f64::from(all.n));
    RecommendationShare {
        yes: all.yes,
        n: all.n,
        share: share.map(round4),
        interval: share.map(|share| wilson(share, f64::from(all.n)).map(round4)),
    }
}

fn round4(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests;
