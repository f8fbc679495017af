//! Slurs and obscene insults.
//!
//! A short list of words that no account of an internship needs. Words of anatomy and of
//! examinations, words with a medical sense (growth retardation, spastic, finger prick, bloody
//! diarrhoea) and mild words are not on it. Letters may be doubled, starred, or written as signs.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    CheckCode, Finding, Read,
    rules::{after, pattern},
};

const DETAIL: &str = "This looks like a slur or an obscene insult. Please say it in other words; what happened may be \
                      told as harshly as it was.";

/// Stems and the endings they may take; a space in a stem stands for spaces or hyphens.
pub const WORDS: &[(&str, &[&str])] = &[
    ("fuck", &["s", "ed", "er", "ers", "ing", "in", "up", "wit", "wits"]),
    ("motherfuck", &["er", "ers", "ing"]),
    ("shit", &["s", "ty", "tier", "tiest", "show", "hole", "holes", "head", "heads"]),
    ("bullshit", &["ting", "ter"]),
    ("dipshit", &["s"]),
    ("asshole", &["s"]),
    ("arsehole", &["s"]),
    ("dumbass", &["es"]),
    ("bitch", &["es", "y", "ing"]),
    ("cunt", &["s"]),
    ("twat", &["s"]),
    ("wanker", &["s"]),
    ("dickhead", &["s"]),
    ("cocksucker", &["s"]),
    ("whore", &["s"]),
    ("slut", &["s", "ty"]),
    ("bastard", &["s"]),
    ("faggot", &["s"]),
    ("tranny", &[]),
    ("trannies", &[]),
    ("nigger", &["s"]),
    ("nigga", &["s", "z"]),
    ("kaffir", &["s"]),
    ("kike", &["s"]),
    ("gook", &["s"]),
    ("paki", &["s"]),
    ("wetback", &["s"]),
    ("raghead", &["s"]),
    ("towelhead", &["s"]),
    ("darkie", &["s"]),
    ("jungle bunny", &[]),
    ("jungle bunnies", &[]),
    ("porch monkey", &["s"]),
    ("a retard", &["s"]),
    ("fucking retard", &["s"]),
    ("retards", &[]),
    ("retarded staff", &[]),
    ("retarded people", &[]),
    ("retarded idiot", &["s"]),
];

/// What a letter may be written as, besides itself.
fn signs(letter: char) -> &'static str {
    match letter {
        'a' => "4@*",
        'c' => "k*",
        'e' => "3*",
        'i' => "1!*",
        'o' => "0*",
        's' => "5$",
        'u' => "v*",
        _ => "",
    }
}

/// One pattern for the whole list: each word with signs for letters, and spaced out.
static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    let letter = |c: char| match c {
        ' ' => r"[\s-]{1,3}".to_owned(),
        c => format!("[{c}{}]{{1,3}}", signs(c)),
    };
    let word = |(stem, endings): &(&str, &[&str])| {
        let stem: String = stem.chars().map(letter).collect();
        format!("{stem}(?:{})?", endings.join("|"))
    };
    let spaced = |(stem, _): &(&str, &[&str])| {
        let letters: Vec<String> = stem.chars().map(|c| c.to_string()).collect();
        letters.join(r"[\s._*-]{1,2}")
    };
    let words = WORDS.iter().map(word);
    let spaced = WORDS.iter().filter(|(stem, _)| !stem.contains(' ')).map(spaced);
    let all: Vec<String> = words.chain(spaced).collect();
    pattern(&format!(r"(?i)(?:^|[^a-z0-9])(?P<at>(?:{}))(?-u:\b)", all.join("|")))
});

/// Finds slurs and obscene insults.
#[must_use]
pub fn find(parts: &[Read<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for read in parts {
        let text = read.folded.as_str();
        for found in PATTERN.captures_iter(text).filter_map(|groups| groups.name("at")) {
            if !is_harmless(found.as_str(), after(text, found.end(), 20)) {
                findings.push(read.finding(CheckCode::Profanity, found.range(), DETAIL));
            }
        }
    }
    findings
}

/// Names of plants, and preparations of drugs that release slowly ("a retard tablet").
fn is_harmless(word: &str, behind: &str) -> bool {
    let word = word.to_lowercase();
    let next = behind.trim_start().to_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| next.starts_with(word));
    let plant = word.starts_with("kaf") && begins(&["lime", "lily", "lilies", "leaf", "leaves"]);
    let drug = word.ends_with("retard") && begins(&["tablet", "capsule", "form", "preparation", "formulation", "dose"]);
    plant || drug
}
