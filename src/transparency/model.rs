//! What the figures are made of: pure functions of counts and waits.

/// The smallest figure that is shown.
pub const LEAST: i64 = 3;
/// The longest range, in months.
pub const MONTHS_MAX: i32 = 36;
const MICROS_PER_TENTH: i64 = 24 * 60 * 60 * 1_000_000 / 10;

/// A count, unless it is so small that it could tell of a person.
#[must_use]
pub fn shown(count: i64) -> Option<i64> {
    (count >= LEAST).then_some(count)
}

/// The share of `part` in `whole` as a number from 0 to 1 with two decimals; `None` where either side of it is so small
/// that it could tell of a person.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below the precision of a float")]
pub fn share(part: i64, whole: i64) -> Option<f64> {
    let is_small = |count: i64| (1..LEAST).contains(&count);
    if whole < LEAST || is_small(part) || is_small(whole - part) {
        return None;
    }
    Some((part as f64 / whole as f64 * 100.0).round() / 100.0)
}

/// Within how many days this percentage of cases was decided, to a tenth of a day (nearest rank); `None` for so few
/// cases that it could tell of a person. `waits` are microseconds, in any order.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "tenths of days are far below the precision of a float")]
pub fn percentile(waits: &[i64], percent: usize) -> Option<f64> {
    shown(i64::try_from(waits.len()).unwrap_or(i64::MAX))?;
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    let rank = (waits.len() * percent).div_ceil(100).max(1);
    let wait = sorted.get(rank - 1).copied().unwrap_or_default().max(0);
    Some((wait / MICROS_PER_TENTH) as f64 / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_not_shown() {
        assert_eq!([0, 1, 2, 3, 40].map(shown), [None, None, None, Some(3), Some(40)]);
    }

    #[test]
    fn a_share_that_gives_a_small_count_away_is_not_shown() {
        assert_eq!(share(3, 6), Some(0.5));
        assert_eq!(share(0, 3), Some(0.0));
        assert_eq!(share(3, 3), Some(1.0));
        for (part, whole) in [(1, 9), (2, 9), (8, 9), (7, 9), (1, 2), (2, 2), (0, 2), (0, 0)] {
            assert_eq!(share(part, whole), None, "{part} of {whole}");
        }
        assert_eq!(share(10, 30), Some(0.33));
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        const DAY: i64 = 24 * 60 * 60 * 1_000_000;
        let waits: Vec<_> = (1..=10).rev().map(|days| days * DAY).collect();
        assert_eq!(percentile(&waits, 50), Some(5.0));
        assert_eq!(percentile(&waits, 90), Some(9.0));
        assert_eq!(percentile(&waits[..3], 90), Some(10.0));
        assert_eq!(percentile(&waits[..2], 50), None);
        assert_eq!(percentile(&[DAY / 4; 3], 50), Some(0.2));
        assert_eq!(percentile(&[-DAY; 3], 50), Some(0.0));
    }
}
