//! Small cohorts: a verified review of a program and half-year that hardly anybody else has reviewed would tell who
//! wrote it, because the provider knows who was there and can see who has written. So the first ones wait for each
//! other, or for a day that is drawn by lot.

use crate::{
    ids::DecisionId,
    time::{Day, Timestamp},
};

/// Fewest days that a review waits for others.
pub const DELAY_MIN: u8 = 7;
/// Most days that a review waits for others.
pub const DELAY_MAX: u8 = 28;
/// The largest cohort that can be called small.
pub const SMALL_MAX: u32 = 20;

const SECONDS_PER_DAY: i64 = 86_400;

/// How the reviews of small cohorts are kept together, with what one write needs that is random.
#[derive(Debug, Clone)]
pub struct CohortRule {
    /// From so many verified reviews of one program and half-year on they are public; 1 publishes each at once.
    pub small: u32,
    /// Days that this review waits if no other draws it along: [`DELAY_MIN`] to [`DELAY_MAX`], drawn by lot.
    pub delay_days: u8,
    /// Ids for the records of the reviews that become public with this one.
    pub records: Vec<DecisionId>,
}

impl CohortRule {
    /// Every review is public at once.
    #[must_use]
    pub const fn off() -> Self {
        Self { small: 1, delay_days: DELAY_MIN, records: Vec::new() }
    }

    /// Draws what one write needs from 16 random bytes; `record` makes the ids of records.
    #[must_use]
    pub fn drawn(small: u32, random: [u8; 16], record: impl Fn() -> DecisionId) -> Self {
        let span = u128::from(DELAY_MAX - DELAY_MIN + 1);
        let delay = u8::try_from(u128::from_le_bytes(random) % span).unwrap_or_default();
        let records = if small > 1 { (0..SMALL_MAX).map(|_| record()).collect() } else { Vec::new() };
        Self { small, delay_days: DELAY_MIN + delay, records }
    }

    /// When a review that is written now becomes public at the latest: the start of a day, so that its hour tells
    /// nothing. `shared` are the moments at which others of the program do; it joins the first that is far enough.
    #[must_use]
    pub fn release(&self, shared: &[Timestamp], now: Timestamp) -> Timestamp {
        let least = now.plus_seconds(i64::from(DELAY_MIN) * SECONDS_PER_DAY);
        let joined = shared.iter().filter(|at| **at >= least).min();
        // The start of the day behind the moment drawn, and never later than the longest delay.
        let drawn = now.plus_seconds(i64::from(self.delay_days.min(DELAY_MAX - 1)) * SECONDS_PER_DAY).day();
        joined.copied().unwrap_or_else(|| Day::from_number(drawn.number() + 1).unwrap_or(Day::NEVER).start())
    }

    /// What the author of a waiting review reads.
    #[must_use]
    pub fn explained(&self, until: Timestamp) -> String {
        format!(
            "There are fewer than {} verified reviews of this program and half-year, so that a single one could tell who \
             wrote it. Yours becomes public together with others, on {} at the latest.",
            self.small,
            until.day()
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_review_waits_for_7_to_28_days_and_ends_with_a_day(
            random in any::<[u8; 16]>(), second in 0_i64..40 * 86_400, others in prop::collection::vec(0_i32..40, 0..4)
        ) {
            let now = at("2026-03-01T00:00:00.000000Z").plus_seconds(second);
            let rule = CohortRule::drawn(3, random, || DecisionId::new_v7(now, [7; 10]));
            let shared: Vec<_> = others
                .iter()
                .filter(|days| **days <= i32::from(DELAY_MAX))
                .map(|days| Day::from_number(now.day().number() + days).unwrap().start())
                .collect();
            let release = rule.release(&shared, now);
            prop_assert_eq!(release, release.day().start());
            let waited = (release.as_micros() - now.as_micros()) / 1_000_000;
            prop_assert!((i64::from(DELAY_MIN) * 86_400..=i64::from(DELAY_MAX) * 86_400).contains(&waited), "{}", waited);
        }
    }

    #[test]
    fn a_review_joins_the_release_of_others_unless_it_is_too_soon() {
        let now = at("2026-03-01T12:00:00.000000Z");
        let rule = CohortRule { small: 3, delay_days: 20, records: Vec::new() };
        let (soon, later) = (at("2026-03-08T00:00:00.000000Z"), at("2026-03-09T00:00:00.000000Z"));
        assert_eq!(rule.release(&[soon, later], now), later);
        assert_eq!(rule.release(&[soon], now), at("2026-03-22T00:00:00.000000Z"));
    }

    #[test]
    fn every_delay_is_drawn() {
        let drawn: std::collections::BTreeSet<u8> = (0..=255)
            .map(|n| CohortRule::drawn(3, u128::to_le_bytes(n), || DecisionId::new_v7(Timestamp::EPOCH, [0; 10])))
            .map(|rule| rule.delay_days)
            .collect();
        assert_eq!(drawn, (DELAY_MIN..=DELAY_MAX).collect());
    }
}
