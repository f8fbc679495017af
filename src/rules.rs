//! What the rules of several features share: faults that a JSON schema cannot express, refused
//! state changes, slugs.
//!
//! The semantic checks of input types are `validator` functions. A [`ValidationError`] of theirs
//! carries a `code` (closed, machine-readable), a `message` (how to mend it) and, where the fault
//! lies deeper than the field that it is reported on, the parameter `at`: a JSON Pointer relative
//! to that field, or to the object itself for checks of a whole object.

use std::{borrow::Cow, collections::BTreeSet};

use validator::ValidationError;

use crate::{
    reference::{is_country, is_currency, is_language_tag},
    search_text::fold,
    time::Month,
};

/// A state change that the rules do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{action}` is not possible while the status is `{from}`")]
pub struct TransitionError {
    /// The present status.
    pub from: &'static str,
    /// The refused action.
    pub action: &'static str,
}

/// A semantic fault of the field that it is reported on.
#[must_use]
pub fn fault(code: &'static str, message: &'static str) -> ValidationError {
    ValidationError::new(code).with_message(Cow::Borrowed(message))
}

/// A semantic fault of something inside the field that it is reported on: `at` is a relative JSON
/// Pointer such as `/2`.
#[must_use]
pub fn fault_at(code: &'static str, message: &'static str, at: &str) -> ValidationError {
    let mut error = fault(code, message);
    error.add_param(Cow::Borrowed("at"), &at);
    error
}

/// A fault of a member, reported on the object that it belongs to.
#[must_use]
pub fn inside(member: &str, mut fault: ValidationError) -> ValidationError {
    let below = fault.params.get("at").and_then(serde_json::Value::as_str).unwrap_or_default();
    let at = format!("/{member}{below}");
    fault.add_param(Cow::Borrowed("at"), &at);
    fault
}

/// Each value occurs once.
pub fn unique<T: PartialEq>(values: &[T]) -> Result<(), ValidationError> {
    unique_by(values, |value| value)
}

/// The key of each value occurs once; reported on the first repetition.
pub fn unique_by<'a, T, K: PartialEq>(values: &'a [T], key: impl Fn(&'a T) -> K) -> Result<(), ValidationError> {
    for (index, value) in values.iter().enumerate() {
        if values[..index].iter().any(|earlier| key(earlier) == key(value)) {
            return Err(fault_at("duplicate_item", "Each entry may occur once.", &format!("/{index}")));
        }
    }
    Ok(())
}

/// The text is a country code.
pub fn country(code: &str) -> Result<(), ValidationError> {
    is_country(code)
        .then_some(())
        .ok_or_else(|| fault("unknown_country", "Use an ISO 3166-1 alpha-2 code; see /v1/reference/countries."))
}

/// The text is a currency code.
pub fn currency(code: &str) -> Result<(), ValidationError> {
    is_currency(code)
        .then_some(())
        .ok_or_else(|| fault("unknown_currency", "Use an ISO 4217 code; see /v1/reference/currencies."))
}

/// The text is a language tag.
pub fn language(tag: &str) -> Result<(), ValidationError> {
    is_language_tag(tag)
        .then_some(())
        .ok_or_else(|| fault("invalid_language_tag", "Use a BCP 47 tag such as es or pt-BR."))
}

/// First month of the oldest period that may be written about: ten years back.
const PERIOD_MONTHS_BACK: u16 = 120;

/// The period does not end after this month and did not begin more than ten years ago. `this_month`
/// comes from the clock.
pub fn period_is_recent(start: Month, end: Month, this_month: Month) -> Result<(), ValidationError> {
    if end > this_month {
        return Err(fault_at("in_the_future", "The period must have begun; give the months up to now.", "/end_month"));
    }
    if start < this_month.minus_months(PERIOD_MONTHS_BACK) {
        return Err(fault_at("too_long_ago", "The period must lie within the last ten years.", "/start_month"));
    }
    Ok(())
}

/// Length of the longest slug, in characters.
pub const SLUG_MAX: usize = 80;
const SLUG_MIN: usize = 3;

/// A slug from a title: ASCII letters and digits of the folded text, joined by single dashes, at
/// most [`SLUG_MAX`] long.
///
/// A title with fewer than three such characters (for example one in another script) gives
/// `fallback`.
#[must_use]
pub fn slug_of(title: &str, fallback: &str) -> String {
    let mut slug = String::new();
    for word in fold(title).split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let dash = usize::from(!slug.is_empty());
        let room = SLUG_MAX.saturating_sub(slug.len() + dash);
        if room < word.len() && !slug.is_empty() {
            break;
        }
        if dash == 1 {
            slug.push('-');
        }
        slug.push_str(&word[..word.len().min(room)]);
    }
    if slug.len() < SLUG_MIN { fallback.to_owned() } else { slug }
}

/// The slug to try when `slug` is taken: `slug-2`, `slug-3`, …, shortened to fit.
#[must_use]
pub fn numbered_slug(slug: &str, number: u32) -> String {
    let suffix = format!("-{number}");
    let keep = SLUG_MAX.saturating_sub(suffix.len()).min(slug.len());
    format!("{}{suffix}", slug[..keep].trim_end_matches('-'))
}

/// Longest part of a slug that is kept before a number, so that numbers of up to seven digits fit.
const SLUG_STEM: usize = SLUG_MAX - 8;

/// What [`free_slug`] puts a number after.
fn slug_stem(slug: &str) -> &str {
    slug[..slug.len().min(SLUG_STEM)].trim_end_matches('-')
}

/// Where the numbered forms of `slug` lie among all slugs in bytewise order: from the first text to before the second.
#[must_use]
pub fn numbered_slugs(slug: &str) -> (String, String) {
    let stem = slug_stem(slug);
    // ':' follows '9'.
    (format!("{stem}-0"), format!("{stem}-:"))
}

/// `slug` itself, or else its numbered form with the lowest number, that is not among `taken`.
#[must_use]
pub fn free_slug(slug: String, taken: &BTreeSet<String>) -> String {
    if !taken.contains(&slug) {
        return slug;
    }
    let numbered = (2..).map(|number| numbered_slug(slug_stem(&slug), number));
    numbered.into_iter().find(|form| !taken.contains(form)).unwrap_or(slug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_taken_slug_gets_the_lowest_free_number() {
        let taken = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect::<BTreeSet<_>>();
        let free = |slug: &str, all: &[&str]| free_slug(slug.to_owned(), &taken(all));
        assert_eq!(free("nursing", &["nursing-2"]), "nursing");
        assert_eq!(free("nursing", &["nursing", "nursing-2", "nursing-4"]), "nursing-3");
        let long = "x".repeat(SLUG_MAX);
        assert_eq!(free(&long, &[&long]), format!("{}-2", "x".repeat(SLUG_STEM)));
        let (from, before) = numbered_slugs("nursing");
        for slug in ["nursing-2", "nursing-19"] {
            assert!((from.as_str()..before.as_str()).contains(&slug));
        }
        assert!(!(from.as_str()..before.as_str()).contains(&"nursing-a"));
    }

    #[test]
    fn a_repeated_entry_is_pointed_at() {
        assert!(unique(&[1, 2, 3]).is_ok());
        let error = unique(&[1, 2, 1, 2]).unwrap_err();
        assert_eq!((error.code.as_ref(), &error.params["at"]), ("duplicate_item", &serde_json::json!("/2")));
    }

    #[test]
    fn a_period_lies_in_the_last_ten_years() {
        let month = |text: &str| text.parse::<Month>().unwrap();
        let now = month("2025-06");
        assert!(period_is_recent(month("2015-06"), month("2025-06"), now).is_ok());
        let code = |start, end| period_is_recent(month(start), month(end), now).unwrap_err().code.into_owned();
        assert_eq!(code("2025-06", "2025-07"), "in_the_future");
        assert_eq!(code("2015-05", "2025-06"), "too_long_ago");
    }

    #[test]
    fn slugs_are_plain() {
        for (title, slug) in [
            ("Clínica São João: Observation & Care!", "clinica-sao-joao-observation-care"),
            ("  Nursing -- in Kathmandu 2025 ", "nursing-in-kathmandu-2025"),
            ("Straßenmedizin Ærø", "strassenmedizin-aero"),
            ("医学实习", "program"),
            ("A", "program"),
        ] {
            assert_eq!(slug_of(title, "program"), slug);
        }
        assert_eq!(slug_of(&"x".repeat(200), "program").len(), SLUG_MAX);
        assert_eq!(numbered_slug("nursing", 2), "nursing-2");
        assert_eq!(numbered_slug(&"x".repeat(80), 12).len(), SLUG_MAX);
    }

    proptest! {
        #[test]
        fn every_title_gives_a_valid_slug(title in "\\PC{0,140}", number in 2u32..10_000) {
            for slug in [slug_of(&title, "program"), numbered_slug(&slug_of(&title, "program"), number)] {
                prop_assert!((SLUG_MIN..=SLUG_MAX).contains(&slug.len()), "{}", slug);
                let plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
                prop_assert!(slug.split('-').all(|part| !part.is_empty() && plain(part)), "{}", slug);
            }
        }
    }
}
