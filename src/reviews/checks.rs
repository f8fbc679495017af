//! The automatic checks of a review's text.
//!
//! One table, the same for every review: the checks are given neither ratings nor the
//! recommendation, so they cannot treat praise and blame differently. A finding holds a review for
//! a person; it never refuses one, and it says to the author what to change. A clean text gives no
//! finding.
//!
//! Texts are compared in a folded form (see [`fold`]), so that zero-width characters, full-width
//! letters and look-alike digits hide nothing; places are given in characters of the original.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{fold::Folded, near_copy::Sketch};
use super::model::{ReviewInput, ReviewText};
use crate::text_enum::text_enum;

pub mod day_and_bed;
pub mod fold;
pub mod language;
pub mod links;
pub mod near_copy;
pub mod patient;
pub mod personal_data;
pub mod phone;
pub mod profanity;
pub mod rules;

text_enum! {
    /// A part of a review's text.
    pub enum ReviewPart {
        /// What the participant did.
        WhatIDid = "what_i_did",
        /// How they were supervised.
        Supervision = "supervision",
        /// What was good.
        Good = "good",
        /// What was not.
        Problems = "problems",
        /// Advice for others.
        Advice = "advice",
        /// One of the provider's claims, in the author's words.
        ClaimsChecked = "claims_checked",
        /// More about incentive and relationship.
        Disclosure = "disclosure",
    }
}

text_enum! {
    /// What a check of a review's text looks for.
    pub enum CheckCode {
        /// Addresses, numbers and names by which somebody can be reached or found.
        PersonalData = "personal_data",
        /// A patient who could be recognised.
        IdentifiablePatient = "identifiable_patient",
        /// Links to other places.
        Links = "links",
        /// Text that is nearly that of another review, or of an earlier one by the same author.
        NearCopy = "near_copy",
        /// Text in another language than English; it needs a person who reads it.
        LanguageNotEnglish = "language_not_english",
        /// Slurs and obscene insults.
        Profanity = "profanity",
        /// Many more reviews than usual on one day.
        Burst = "burst",
    }
}

/// Where in a review something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The part of the text.
    pub part: ReviewPart,
    /// First character, counted from 0 in Unicode characters (not bytes, not UTF-16 units).
    #[schema(minimum = 0, maximum = 2_147_483_647, example = 14)]
    pub start: u32,
    /// The character after the last one; greater than `start`.
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 26)]
    pub end: u32,
}

/// What a check found. The sentence never repeats what was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The check.
    pub check: CheckCode,
    /// Where; null when it concerns the review as a whole.
    pub place: Option<Place>,
    /// What was found and what the author can do, in one or two sentences.
    #[schema(min_length = 1, max_length = 300, example = "This looks like a telephone number. Please remove it.")]
    pub detail: String,
}

/// The text to check: its parts, each at most once, but for claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidate<'a> {
    /// The parts that were written.
    pub parts: Vec<(ReviewPart, &'a str)>,
}

impl<'a> From<&'a ReviewText> for Candidate<'a> {
    fn from(text: &'a ReviewText) -> Self {
        let all = [
            (ReviewPart::WhatIDid, &text.what_i_did),
            (ReviewPart::Supervision, &text.supervision),
            (ReviewPart::Good, &text.good),
            (ReviewPart::Problems, &text.problems),
            (ReviewPart::Advice, &text.advice),
        ];
        Self { parts: all.into_iter().filter_map(|(part, text)| Some((part, text.as_deref()?))).collect() }
    }
}

impl<'a> From<&'a ReviewInput> for Candidate<'a> {
    /// Whatever its author writes freely.
    fn from(content: &'a ReviewInput) -> Self {
        let Self { mut parts } = (&content.text).into();
        parts.extend(content.claims_checked.iter().map(|checked| (ReviewPart::ClaimsChecked, checked.claim.as_str())));
        parts.extend(content.disclosure.details.as_deref().map(|details| (ReviewPart::Disclosure, details)));
        Self { parts }
    }
}

/// Why a text may not be read by others, because it leads to a person: one sentence for each place.
#[must_use]
pub fn names_somebody(text: &str) -> Vec<String> {
    let candidate = Candidate { parts: vec![(ReviewPart::Problems, text)] };
    let findings = check(&candidate, &Context::default()).into_iter();
    let of_people = |check| matches!(check, CheckCode::PersonalData | CheckCode::IdentifiablePatient);
    findings.filter(|finding| of_people(finding.check)).map(|finding| finding.detail).collect()
}

/// How many reviews arrive somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Arrivals {
    /// Reviews of the last 24 hours, the one that is checked included.
    pub last_day: u32,
    /// The usual number in 24 hours, as a mean over a longer time before.
    pub usual: f64,
}

/// What a text is compared with. Whoever gathers it leaves out the review that is being edited.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Context {
    /// Sketches of the same author's other reviews.
    pub own: Vec<Sketch>,
    /// Sketches of other authors' reviews of the same program or provider.
    pub others: Vec<Sketch>,
    /// Reviews of the program.
    pub program: Arrivals,
    /// Reviews of all programs of the provider.
    pub provider: Arrivals,
    /// So many reviews in a day are never a burst; 5 when absent.
    pub burst_floor: Option<u32>,
}

/// One part with its folded form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<'a> {
    /// Which part it is.
    pub part: ReviewPart,
    /// As written.
    pub text: &'a str,
    /// As compared.
    pub folded: Folded,
}

impl Read<'_> {
    /// A finding at a range of bytes of the folded text.
    #[must_use]
    pub fn finding(&self, check: CheckCode, folded: Range<usize>, detail: &str) -> Finding {
        let Range { start, end } = self.folded.original(folded);
        Finding { check, place: Some(Place { part: self.part, start, end }), detail: detail.to_owned() }
    }

    /// A finding about the part as a whole.
    #[must_use]
    pub fn finding_on_all(&self, check: CheckCode, detail: &str) -> Finding {
        let end = self.folded.original_chars();
        Finding { check, place: Some(Place { part: self.part, start: 0, end }), detail: detail.to_owned() }
    }
}

/// Most findings that one check gives; a text that is all telephone numbers needs no longer list.
pub const FINDINGS_MAX: usize = 20;

/// A check: what it looks for, and how.
type Check = (CheckCode, fn(&[Read<'_>], &Context) -> Vec<Finding>);

/// The table of checks, in the order of their findings.
pub const CHECKS: &[Check] = &[
    (CheckCode::PersonalData, |parts, _| personal_data::find(parts)),
    (CheckCode::IdentifiablePatient, |parts, _| patient::find(parts)),
    (CheckCode::Links, |parts, _| links::find(parts)),
    (CheckCode::NearCopy, near_copy::find),
    (CheckCode::LanguageNotEnglish, |parts, _| language::find(parts)),
    (CheckCode::Profanity, |parts, _| profanity::find(parts)),
    (CheckCode::Burst, |_, context| burst(context)),
];

/// Reads the text with every check. The findings are ordered by check, part and place; of one
/// check they do not overlap, and there are at most [`FINDINGS_MAX`]. Empty parts are skipped.
#[must_use]
pub fn check(text: &Candidate<'_>, context: &Context) -> Vec<Finding> {
    let parts = read(text);
    CHECKS.iter().flat_map(|(_, find)| without_overlaps(find(&parts, context))).collect()
}

/// The folded parts, in the order of the parts.
#[must_use]
pub fn read<'a>(text: &Candidate<'a>) -> Vec<Read<'a>> {
    let written = text.parts.iter().filter(|(_, text)| !text.is_empty());
    let mut parts: Vec<_> = written.map(|&(part, text)| Read { part, text, folded: Folded::new(text) }).collect();
    parts.sort_by_key(|read| read.part);
    parts
}

/// Sorted; where two overlap, they become one with the detail of the first.
fn without_overlaps(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        if let (Some(Place { part, end, .. }), Some(place)) =
            (kept.last_mut().and_then(|last| last.place.as_mut()), finding.place)
            && *part == place.part
            && *end > place.start
        {
            *end = place.end.max(*end);
        } else if kept.len() < FINDINGS_MAX {
            kept.push(finding);
        } else {
            break;
        }
    }
    kept
}

/// Days with up to this many reviews are never a burst: a cohort comes home together.
pub const BURST_FLOOR: u32 = 5;

/// How many times the usual number is a burst.
const BURST_FACTOR: f64 = 4.0;

/// More reviews in 24 hours than the floor and than four times the usual number.
fn burst(context: &Context) -> Vec<Finding> {
    let places = [(context.program, "this program"), (context.provider, "programs of this provider")];
    let floor = f64::from(context.burst_floor.unwrap_or(BURST_FLOOR));
    let bursts = places
        .into_iter()
        .filter(|(arrivals, _)| f64::from(arrivals.last_day) > (BURST_FACTOR * arrivals.usual).max(floor));
    let finding = |(_, what)| Finding {
        check: CheckCode::Burst,
        place: None,
        detail: format!(
            "Unusually many reviews of {what} arrived within a day, so a person looks at each. There is nothing for you \
             to change."
        ),
    };
    bursts.map(finding).collect()
}

#[cfg(test)]
mod tests;
