//! Whole-number counts of the published ratings of a program: all that its score is computed from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    reviews::model::{Dimension, Ratings, Verification},
    time::HalfYear,
};

/// Counts by half-year of the experience and by verification. Empty entries are never kept.
pub type Cells<T> = BTreeMap<HalfYear, BTreeMap<Verification, T>>;

/// Ratings of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// How many.
    pub n: u32,
    /// Their sum; 27720ths for overall ratings, whole ratings for dimensions.
    pub sum: i64,
}

/// Answers to "would you recommend it?".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recommendations {
    /// How many answered.
    pub n: u32,
    /// How many would.
    pub yes: u32,
}

/// What a published review adds to the tallies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatedReview {
    /// Half-year in which the experience ended.
    pub half_year: HalfYear,
    /// How the author was verified.
    pub verification: Verification,
    /// The ratings given.
    pub ratings: Ratings,
    /// Whether the author would recommend the program, if answered.
    pub would_recommend: Option<bool>,
}

/// A review was taken out of tallies that it is not in: the tallies have to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the review is not in the tallies")]
pub struct TallyMismatch;

/// The counts of one program, stored as JSON. A missing member is an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tallies {
    /// Published reviews, with or without ratings.
    pub reviews: Cells<u32>,
    /// The mean rating of each review, in 27720ths.
    pub overall: Cells<Cell>,
    /// The ratings of each dimension.
    pub dimensions: BTreeMap<Dimension, Cells<Cell>>,
    /// Recommendations.
    pub would_recommend: Cells<Recommendations>,
}

impl Tallies {
    /// Counts a review that is published.
    pub fn add(&mut self, review: &RatedReview) {
        *entry(&mut self.reviews, review) += 1;
        if let Some(overall) = review.ratings.overall() {
            add_rating(entry(&mut self.overall, review), overall);
        }
        for (dimension, rating) in review.ratings.given() {
            add_rating(entry(self.dimensions.entry(dimension).or_default(), review), i64::from(rating));
        }
        if let Some(yes) = review.would_recommend {
            let cell = entry(&mut self.would_recommend, review);
            cell.n += 1;
            cell.yes += u32::from(yes);
        }
    }

    /// Takes out a review that is no longer published, or that is about to be counted anew after an
    /// edit. Nothing changes when it was not in.
    pub fn remove(&mut self, review: &RatedReview) -> Result<(), TallyMismatch> {
        let mut rest = self.clone();
        take(&mut rest.reviews, review, |n| n.checked_sub(1))?;
        if let Some(overall) = review.ratings.overall() {
            take(&mut rest.overall, review, |cell| subtract_rating(cell, overall))?;
        }
        for (dimension, rating) in review.ratings.given() {
            let cells = rest.dimensions.get_mut(&dimension).ok_or(TallyMismatch)?;
            take(cells, review, |cell| subtract_rating(cell, i64::from(rating)))?;
            if cells.is_empty() {
                rest.dimensions.remove(&dimension);
            }
        }
        if let Some(yes) = review.would_recommend {
            take(&mut rest.would_recommend, review, |cell| {
                let rest = Recommendations { n: cell.n.checked_sub(1)?, yes: cell.yes.checked_sub(u32::from(yes))? };
                (rest.yes <= rest.n).then_some(rest)
            })?;
        }
        *self = rest;
        Ok(())
    }

    /// Published reviews.
    #[must_use]
    pub fn review_count(&self) -> u32 {
        self.reviews.values().flat_map(BTreeMap::values).sum()
    }

    /// Published reviews whose author was verified.
    #[must_use]
    pub fn verified_review_count(&self) -> u32 {
        self.reviews.values().flatten().filter(|(verification, _)| verification.is_verified()).map(|(_, n)| n).sum()
    }

    /// Published reviews of one half-year whose author was verified.
    #[must_use]
    pub fn verified_in(&self, half_year: HalfYear) -> u32 {
        let of = self.reviews.get(&half_year).into_iter().flatten();
        of.filter(|(verification, _)| verification.is_verified()).map(|(_, n)| n).sum()
    }

    /// Published reviews whose author was verified in this way.
    #[must_use]
    pub fn reviews_by(&self, verification: Verification) -> u32 {
        self.reviews.values().filter_map(|by_verification| by_verification.get(&verification)).sum()
    }

    /// All recommendations together.
    #[must_use]
    pub fn recommendations(&self) -> Recommendations {
        self.would_recommend.values().flat_map(BTreeMap::values).fold(Recommendations::default(), |all, cell| {
            Recommendations { n: all.n + cell.n, yes: all.yes + cell.yes }
        })
    }
}

fn entry<'a, T: Default>(cells: &'a mut Cells<T>, review: &RatedReview) -> &'a mut T {
    cells.entry(review.half_year).or_default().entry(review.verification).or_default()
}

fn add_rating(cell: &mut Cell, rating: i64) {
    cell.n += 1;
    cell.sum += rating;
}

fn subtract_rating(cell: Cell, rating: i64) -> Option<Cell> {
    let rest = Cell { n: cell.n.checked_sub(1)?, sum: cell.sum - rating };
    (rest.sum >= 0 && (rest.n == 0) == (rest.sum == 0)).then_some(rest)
}

/// Replaces the review's cell by what `subtract` leaves of it, and drops it when nothing is left.
fn take<T: Copy + Default + PartialEq>(
    cells: &mut Cells<T>,
    review: &RatedReview,
    subtract: impl FnOnce(T) -> Option<T>,
) -> Result<(), TallyMismatch> {
    let by_verification = cells.get_mut(&review.half_year).ok_or(TallyMismatch)?;
    let cell = by_verification.get_mut(&review.verification).ok_or(TallyMismatch)?;
    *cell = subtract(*cell).ok_or(TallyMismatch)?;
    if *cell == T::default() {
        by_verification.remove(&review.verification);
    }
    if by_verification.is_empty() {
        cells.remove(&review.half_year);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_review() -> impl Strategy<Value = RatedReview> {
        let rating = || proptest::option::of(1u8..=5);
        let verification = proptest::sample::select(Verification::ALL);
        (4040i32..4052, verification, rating(), rating(), rating(), proptest::option::of(any::<bool>())).prop_map(
            |(half_year, verification, supervision, learning, value, would_recommend)| RatedReview {
                half_year: HalfYear::from_number(half_year).unwrap(),
                verification,
                ratings: Ratings { supervision, learning, value, ..Ratings::default() },
                would_recommend,
            },
        )
    }

    fn tallies_of<'a>(reviews: impl IntoIterator<Item = &'a RatedReview>) -> Tallies {
        let mut tallies = Tallies::default();
        reviews.into_iter().for_each(|review| tallies.add(review));
        tallies
    }

    fn review(supervision: Option<u8>) -> RatedReview {
        RatedReview {
            half_year: "2025-H1".parse().unwrap(),
            verification: Verification::None,
            ratings: Ratings { supervision, ..Ratings::default() },
            would_recommend: Some(true),
        }
    }

    #[test]
    fn the_stored_form_is_readable() {
        let tallies = tallies_of(&[review(Some(4)), review(None)]);
        assert_eq!(
            serde_json::to_string(&tallies).unwrap(),
            concat!(
                r#"{"reviews":{"2025-H1":{"none":2}},"overall":{"2025-H1":{"none":{"n":1,"sum":110880}}},"#,
                r#""dimensions":{"supervision":{"2025-H1":{"none":{"n":1,"sum":4}}}},"#,
                r#""would_recommend":{"2025-H1":{"none":{"n":2,"yes":2}}}}"#
            )
        );
        assert_eq!(serde_json::from_str::<Tallies>("{}").unwrap(), Tallies::default());
        assert_eq!((tallies.review_count(), tallies.verified_review_count()), (2, 0));
    }

    #[test]
    fn a_review_that_is_not_in_cannot_be_taken_out() {
        let mut tallies = tallies_of(&[review(Some(4))]);
        let before = tallies.clone();
        for wrong in [
            review(Some(5)),
            review(Some(3)),
            RatedReview { verification: Verification::UniversityEmail, ..review(Some(4)) },
        ] {
            assert_eq!(tallies.remove(&wrong), Err(TallyMismatch));
            assert_eq!(tallies, before);
        }
    }

    proptest! {
        #[test]
        fn adding_and_removing_restores_the_tallies(reviews in proptest::collection::vec(any_review(), 0..20), more in any_review()) {
            let before = tallies_of(&reviews);
            let mut tallies = before.clone();
            tallies.add(&more);
            prop_assert_ne!(&tallies, &before);
            tallies.remove(&more).unwrap();
            prop_assert_eq!(&tallies, &before);
            for review in reviews.iter().rev() {
                tallies.remove(review).unwrap();
            }
            prop_assert_eq!(tallies, Tallies::default());
        }

        #[test]
        fn the_order_of_reviews_does_not_matter(reviews in proptest::collection::vec(any_review(), 0..20)) {
            prop_assert_eq!(tallies_of(&reviews), tallies_of(reviews.iter().rev()));
        }

        #[test]
        fn the_stored_form_is_read_back(reviews in proptest::collection::vec(any_review(), 0..20)) {
            let tallies = tallies_of(&reviews);
            let text = serde_json::to_string(&tallies).unwrap();
            prop_assert_eq!(serde_json::from_str::<Tallies>(&text).unwrap(), tallies);
        }
    }
}
