//! Rules as data: a pattern, what it must find, and what it must not.

use std::ops::Range;

use regex::{Captures, Regex};

use super::{CheckCode, Finding, Read};

/// What a pattern matched in a folded text.
#[derive(Debug)]
pub struct Hit<'h> {
    /// The whole folded text.
    pub text: &'h str,
    /// The match; group `at`, where there is one, is the part that is reported.
    pub groups: Captures<'h>,
}

impl<'h> Hit<'h> {
    /// The text of a named group; empty where it did not take part.
    #[must_use]
    pub fn group(&self, name: &str) -> &'h str {
        self.groups.name(name).map_or("", |found| found.as_str())
    }

    /// What is reported, in bytes of the folded text.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        let all = self.groups.get_match();
        self.groups.name("at").unwrap_or(all).range()
    }

    /// Up to `bytes` bytes before the match.
    #[must_use]
    pub fn before(&self, bytes: usize) -> &'h str {
        before(self.text, self.groups.get_match().start(), bytes)
    }

    /// Up to `bytes` bytes behind the match.
    #[must_use]
    pub fn after(&self, bytes: usize) -> &'h str {
        after(self.text, self.groups.get_match().end(), bytes)
    }
}

/// Up to `bytes` bytes of `text` before `at`, cut at a character's boundary.
#[must_use]
pub fn before(text: &str, at: usize, bytes: usize) -> &str {
    let from = (at.saturating_sub(bytes)..=at).find(|from| text.is_char_boundary(*from));
    from.and_then(|from| text.get(from..at)).unwrap_or("")
}

/// Up to `bytes` bytes of `text` from `at` on, cut at a character's boundary.
#[must_use]
pub fn after(text: &str, at: usize, bytes: usize) -> &str {
    let most = at.saturating_add(bytes).min(text.len());
    let to = (at..=most).rev().find(|to| text.is_char_boundary(*to));
    to.and_then(|to| text.get(at..to)).unwrap_or("")
}

/// One rule of a check.
///
/// Every repetition of a pattern is bounded, so that walking all matches of a long text stays
/// linear; word boundaries are ASCII (`(?-u:\b)`), which keeps the automaton fast.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, for tests and for whoever maintains it.
    pub name: &'static str,
    /// What it looks for in the folded text.
    pub pattern: &'static str,
    /// Whether a match counts, where a pattern cannot say it.
    pub counts: fn(&Hit<'_>) -> bool,
    /// What the author reads.
    pub detail: &'static str,
    /// A sentence in which it finds something.
    pub example: &'static str,
    /// A sentence that looks alike and in which its check finds nothing.
    pub look_alike: &'static str,
}

/// Every match counts.
#[must_use]
pub const fn always(_: &Hit<'_>) -> bool {
    true
}

/// The compiled rules of one check.
pub type Compiled = Vec<(&'static Rule, Regex)>;

/// Compiles the patterns.
#[must_use]
pub fn compile(rules: &'static [Rule]) -> Compiled {
    rules.iter().map(|rule| (rule, pattern(rule.pattern))).collect()
}

/// Compiles a pattern of the source.
///
/// # Panics
/// When the pattern is not valid, which a test would have shown.
#[must_use]
#[expect(clippy::expect_used, reason = "patterns are constants, and a test compiles each")]
pub fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of the source is valid")
}

/// What the rules of a check find, in every part.
#[must_use]
pub fn apply(check: CheckCode, rules: &Compiled, parts: &[Read<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for read in parts {
        let text = read.folded.as_str();
        for (rule, regex) in rules {
            let hits = regex.captures_iter(text).map(|groups| Hit { text, groups });
            let counted =
                hits.filter(|hit| (rule.counts)(hit)).map(|hit| read.finding(check, hit.range(), rule.detail));
            findings.extend(counted);
        }
    }
    findings
}
