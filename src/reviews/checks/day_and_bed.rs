//! The day and the bed together, which tell who a patient was.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::rules::pattern;

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:[0-9]{1,2}(?:st|nd|rd|th)?\s(?:of\s)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]{0,6}|(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?\s(?:the\s)?[0-9]{1,2}(?:st|nd|rd|th)?|[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2})(?-u:\b)",
    )
});
static BED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:(?P<bed>bed|cot|crib|cubicle|bay|incubator)|room|ward)\s{0,2}(?:no\.?|number|nr\.?|#)?\s{0,2}[a-z]?[0-9]{1,4}(?-u:\b)",
    )
});
static SOMEBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:patient|woman|man|girl|boy|child|baby|mother|infant|newborn|twins?|died|admitted|operated|delivered|stillbirth|amputat[a-z]{1,4}|he|she|him|her|his)(?-u:\b)",
    )
});
/// Where the author slept is nobody's sickbed.
static LODGING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:dorm|dormitory|hostel|guest\s?house|hotel|host\sfamily|apartment|flat|housing|bunk|residence|slept|(?:i|we)\s(?:stayed|lived|moved|shared)|my\s(?:bed|room))(?-u:\b)",
    )
});

/// A sentence ends before a space or at a line's end, so that `12.03.2024` stays whole.
static SENTENCE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r"[.!?]{1,3}\s|\n"));

/// From the day to the bed, in bytes of the folded text, once for each sentence that has both and
/// tells of one patient.
#[must_use]
pub fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    let ends = SENTENCE_END.find_iter(text).map(|end| end.end()).chain([text.len()]);
    for to in ends {
        let sentence = text.get(from..to).unwrap_or("");
        if let (Some(date), Some(bed)) = (DATE.find(sentence), BED.captures(sentence)) {
            let place = bed.get_match();
            let somebody = bed.name("bed").is_some() || SOMEBODY.is_match(sentence);
            if somebody && !LODGING.is_match(sentence) {
                found.push(from + date.start().min(place.start())..from + date.end().max(place.end()));
            }
        }
        from = to;
    }
    found
}
