//! Texts in other languages than English.
//!
//! The other checks know English only, so a person who reads the language has to look. It is no
//! reproach, and short or mixed texts, of which nothing is certain, pass.

use whatlang::{Info, Lang};

use super::{CheckCode, Finding, Read};

/// Texts with fewer letters tell too little of their language.
pub const LETTERS_MIN: usize = 60;

/// Scripts without an alphabet, or not the Latin one, tell sooner.
const LETTERS_MIN_OTHER_SCRIPT: usize = 15;

/// Least confidence of the recogniser, from 0 to 1.
const CONFIDENCE_MIN: f64 = 0.95;

/// Finds parts that are in another language; parts too short to tell are read together.
#[must_use]
pub fn find(parts: &[Read<'_>]) -> Vec<Finding> {
    let (long, short): (Vec<&Read<'_>>, Vec<&Read<'_>>) =
        parts.iter().partition(|read| letters(read.text) >= LETTERS_MIN);
    let mut findings: Vec<Finding> =
        long.into_iter().filter_map(|read| finding(read, other_language(read.text)?)).collect();
    let together = short.iter().map(|read| read.text).collect::<Vec<_>>().join("\n");
    if let Some(language) = other_language(&together) {
        findings
            .extend(short.into_iter().filter(|read| letters(read.text) > 0).filter_map(|read| finding(read, language)));
    }
    findings
}

fn finding(read: &Read<'_>, language: Lang) -> Option<Finding> {
    let detail = format!(
        "This seems to be in {}. A person who reads it looks at it before it is published; there is nothing for you to \
         change.",
        language.eng_name()
    );
    (!read.text.is_empty()).then(|| read.finding_on_all(CheckCode::LanguageNotEnglish, &detail))
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// The language, when it is certainly not English.
fn other_language(text: &str) -> Option<Lang> {
    let letters = letters(text);
    let latin = text.chars().filter(|c| c.is_alphabetic() && (*c < '\u{250}' || ('\u{1e00}'..'\u{1f00}').contains(c)));
    let latin = latin.count();
    // Most letters are of another script.
    let other_script = latin * 2 < letters;
    let least = if other_script { LETTERS_MIN_OTHER_SCRIPT } else { LETTERS_MIN };
    let certain = |info: &Info| other_script || info.confidence() >= CONFIDENCE_MIN;
    let found = (letters >= least).then(|| whatlang::detect(text)).flatten();
    found.filter(|info| info.lang() != Lang::Eng && certain(info)).map(|info| info.lang())
}
