//! The worked values of the reference data, and what must hold for any reviews.

use proptest::prelude::*;
use serde_json::Value;

use super::tallies::tests::any_review;
use super::*;
use crate::reviews::model::Ratings;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/data/rating.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn ratings(weighted: &[(f64, f64)]) -> Vec<Group> {
    weighted.iter().map(|(weight, rating)| Group { weight: *weight, n: 1, sum: *rating }).collect()
}

fn equal(rating: f64, n: usize) -> Vec<Group> {
    ratings(&vec![(1.0, rating); n])
}

#[test]
fn the_constants_are_those_of_the_reference_data() {
    let defaults = &reference()["defaults"];
    let current = Parameters::CURRENT;
    let pairs = [
        (current.prior_weight, &defaults["m"]),
        (current.prior_mean, &defaults["C"]),
        (current.half_life_days, &defaults["half_life_days"]),
        (current.floor, &defaults["floor"]),
        (current.weights.participation_code, &defaults["verification"]["participation_code"]),
        (current.weights.university_confirmed, &defaults["verification"]["university_confirmed"]),
        (current.weights.university_email, &defaults["verification"]["university_email"]),
        (current.weights.none, &defaults["verification"]["unverified"]),
        (f64::from(current.publish_overall_from_n), &defaults["publish_overall_from_n"]),
    ];
    for (ours, theirs) in pairs {
        assert!((ours - number(theirs)).abs() < f64::EPSILON, "{ours} {theirs}");
    }
}

#[test]
fn every_worked_value_is_met() {
    let no_floor = Parameters { floor: 0.0, ..Parameters::CURRENT };
    for vector in reference()["vectors"].as_array().unwrap() {
        let case = vector["case"].as_str().unwrap();
        let (groups, wilson_of) = match case {
            "one 5, no decay" => (equal(5.0, 1), None),
            "one 1, no decay" => (equal(1.0, 1), None),
            "three 5, no decay" => (equal(5.0, 3), None),
            "ten 5, no decay" => (equal(5.0, 10), None),
            "ten 1, no decay" => (equal(1.0, 10), None),
            "hundred 5, no decay" => (equal(5.0, 100), None),
            "5,5,5,5,1, no decay" => ([equal(5.0, 4), equal(1.0, 1)].concat(), None),
            "floor 0, weight 1: 5 today, 5 at 730 days, 1 at 1460 days" => {
                (ratings(&[(no_floor.decay(0), 5.0), (no_floor.decay(730), 5.0), (no_floor.decay(1460), 1.0)]), None)
            }
            "no decay: 5 at weight 1, 5 at weight 0.5, 1 at weight 0.5" => {
                (ratings(&[(1.0, 5.0), (0.5, 5.0), (0.5, 1.0)]), None)
            }
            "Wilson 95 %, 8 of 10" => (vec![], Some((8.0, 10.0))),
            "Wilson 95 %, 9 of 10" => (vec![], Some((9.0, 10.0))),
            "Wilson 95 %, 80 of 100" => (vec![], Some((80.0, 100.0))),
            "Wilson 95 %, 3 of 3" => (vec![], Some((3.0, 3.0))),
            "Wilson 95 %, 0 of 5" => (vec![], Some((0.0, 5.0))),
            other => panic!("no test knows the case {other:?}"),
        };
        if let Some((yes, n)) = wilson_of {
            let interval = wilson(yes / n, n);
            for (ours, theirs) in [(interval.low, &vector["interval"][0]), (interval.high, &vector["interval"][1])] {
                assert!((ours - number(theirs)).abs() < 5.1e-5, "{case}: {ours} {theirs}");
            }
            continue;
        }
        let found = estimate(&Parameters::CURRENT, groups);
        // The reference gives four digits, six where there are more.
        let digits = vector["score"].to_string().split('.').nth(1).map_or(0, str::len).max(4);
        let tolerance = 0.51 * 0.1f64.powi(i32::try_from(digits).unwrap());
        assert!((found.score - number(&vector["score"])).abs() < tolerance, "{case}: {}", found.score);
        if let Some(sum_w) = vector.get("sum_w") {
            assert!((found.sum_w - number(sum_w)).abs() < 1e-12, "{case}: {}", found.sum_w);
        }
        if let Some(n_effective) = vector.get("n_effective") {
            assert!((found.n_effective - number(n_effective)).abs() < 5.1e-5, "{case}: {}", found.n_effective);
        }
    }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn review(rating: u8) -> RatedReview {
    RatedReview {
        half_year: "2025-H1".parse().unwrap(),
        verification: Verification::ParticipationCode,
        ratings: Ratings { supervision: Some(rating), ..Ratings::default() },
        would_recommend: Some(rating > 2),
    }
}

fn tallies_of(reviews: &[RatedReview]) -> Tallies {
    let mut tallies = Tallies::default();
    for review in reviews {
        tallies.add(review);
    }
    tallies
}

#[test]
fn there_is_no_overall_below_three() {
    let two = Score::of(&tallies_of(&[review(5), review(5)]), 0, day("2025-06-30"));
    assert_eq!((two.overall.n, two.overall.score, two.overall.mean, two.overall.interval), (2, None, None, None));
    assert_eq!(score_key(&tallies_of(&[review(5), review(5)]), day("2025-06-30")), 0);

    let tallies = tallies_of(&[review(5), review(5), review(5)]);
    let three = Score::of(&tallies, 0, day("2025-06-30"));
    assert_eq!((three.overall.score, three.overall.mean), (Some(3.95), Some(5.0)));
    assert_eq!(three.overall.interval, Some(wilson(1.0, 3.0).map(|share| round4(1.0 + 4.0 * share))));
    assert_eq!(score_key(&tallies, day("2025-06-30")), 39_500);
    assert_eq!(three.would_recommend.share, Some(1.0));
    assert_eq!((three.review_count, three.verified_review_count), (3, 3));
}

#[test]
fn each_rating_weighs_by_its_verification_and_its_age() {
    let by = |verification, rating| RatedReview { verification, ..review(rating) };
    let tallies = tallies_of(&[
        by(Verification::ParticipationCode, 5),
        by(Verification::UniversityEmail, 5),
        by(Verification::None, 1),
    ]);
    // 730 days after the half-year: weights 0.5, 0.35 and 0.2, with (24.5 + 4.45) / 8.05 and 1.05² / 0.4125.
    let score = Score::of(&tallies, 0, day("2027-06-30"));
    let dimension = score.dimensions[0];
    for (n, n_effective, mean, value) in [
        (score.overall.n, score.overall.n_effective, score.overall.mean, score.overall.score),
        (dimension.n, dimension.n_effective, dimension.mean, dimension.score),
    ] {
        assert_eq!((n, mean, value), (3, Some(4.2381), Some(3.5963)));
        assert!((n_effective - 2.6727).abs() < 1e-9, "{n_effective}");
    }
    assert_eq!(score.formula_version, FORMULA_VERSION);
    assert_eq!(score.parameters, Parameters::CURRENT);
}

#[test]
fn the_response_rate_counts_reviews_by_code_and_is_kept_from_small_groups() {
    let by = |verification| RatedReview { verification, ..review(5) };
    let reviews = [Verification::ParticipationCode, Verification::UniversityEmail, Verification::None].map(by);
    let rate = |codes| Score::of(&tallies_of(&reviews), codes, day("2025-06-30")).response_rate;
    assert_eq!((rate(0), rate(2)), (None, None));
    assert_eq!(rate(3), Some(ResponseRate { codes_issued: 3, reviews: 1, share: 0.3333 }));
    assert_eq!(ResponseRate::of(3, 4).map(|rate| rate.share), Some(1.0));
    assert_eq!(ResponseRate::of(8, 0).map(|rate| rate.share), Some(0.0));
}

#[test]
fn a_dimension_without_ratings_has_no_score() {
    let score = Score::of(&tallies_of(&[review(5)]), 0, day("2025-06-30"));
    assert_eq!(score.dimensions.len(), Dimension::ALL.len());
    assert_eq!((score.dimensions[0].n, score.dimensions[0].score), (1, Some(3.6875)));
    assert_eq!((score.dimensions[1].n, score.dimensions[1].score, score.dimensions[1].mean), (0, None, None));
    assert_eq!(Score::of(&Tallies::default(), 0, day("2025-06-30")).would_recommend.share, None);
}

#[test]
fn age_counts_from_the_end_of_the_half_year_and_is_never_negative() {
    let parameters = Parameters::CURRENT;
    let half_year: HalfYear = "2025-H1".parse().unwrap();
    let weight = |today: &str| parameters.weight(Verification::ParticipationCode, half_year, day(today));
    assert_eq!(weight("2025-03-01").to_bits(), 1.0f64.to_bits());
    assert_eq!(weight("2025-06-30").to_bits(), 1.0f64.to_bits());
    assert!(weight("2025-07-01") < 1.0);
    assert!((weight("2027-06-30") - 0.5).abs() < 1e-12);
    assert!((weight("2099-01-01") - 0.1).abs() < 1e-12);
}

proptest! {
    #[test]
    fn scores_and_intervals_stay_in_their_range(reviews in proptest::collection::vec(any_review(), 0..30), today in 18_000i32..24_000) {
        let score = Score::of(&tallies_of(&reviews), 0, Day::from_number(today).unwrap());
        let all = score.dimensions.iter().map(|d| (d.n, d.n_effective, d.mean, d.score, d.interval));
        let overall = score.overall;
        for (n, n_effective, mean, value, interval) in
            all.chain([(overall.n, overall.n_effective, overall.mean, overall.score, overall.interval)])
        {
            prop_assert!(value.is_none_or(|value| (1.0..=5.0).contains(&value)));
            prop_assert!(n_effective <= f64::from(n) + 1e-4);
            if let (Some(mean), Some(interval)) = (mean, interval) {
                prop_assert!(1.0 <= interval.low && interval.low <= mean && mean <= interval.high && interval.high <= 5.0);
            }
        }
    }

    #[test]
    fn a_further_five_never_lowers_and_a_further_one_never_raises(
        reviews in proptest::collection::vec(any_review(), 3..20), today in 18_000i32..24_000,
        verification in proptest::sample::select(Verification::ALL),
    ) {
        let today = Day::from_number(today).unwrap();
        let parameters = Parameters::CURRENT;
        let with = |rating: u8| {
            let mut more = reviews.clone();
            more.push(RatedReview { verification, ..review(rating) });
            overall_estimate(&parameters, &tallies_of(&more), today).score
        };
        let before = overall_estimate(&parameters, &tallies_of(&reviews), today).score;
        prop_assert!(with(5) >= before - 1e-12);
        prop_assert!(with(1) <= before + 1e-12);
    }

    #[test]
    fn the_list_key_is_the_shown_score(reviews in proptest::collection::vec(any_review(), 0..20), today in 18_000i32..24_000) {
        let today = Day::from_number(today).unwrap();
        let tallies = tallies_of(&reviews);
        let shown = Score::of(&tallies, 0, today).overall.score.unwrap_or(0.0);
        prop_assert!((f64::from(score_key(&tallies, today)) / 10_000.0 - shown).abs() < 1e-9);
    }
}
