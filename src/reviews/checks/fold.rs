//! Text as the checks compare it, with the way back to the original.
//!
//! Characters that show nothing are left out, compatibility forms are decomposed (full-width,
//! superscript, mathematical letters; `NFKD` of each character), accents are dropped, dashes,
//! quotes, digits of every script and the commonest Cyrillic and Greek look-alikes become ASCII,
//! and letters that stand for digits among digits (`07I2 O45`) become digits. Case is kept, because
//! names are told by it.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

/// A folded text. Its bytes are found again in the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    text: String,
    /// For each byte of `text` the number of the original character it comes from; at the end the
    /// number of characters of the original.
    origins: Vec<u32>,
}

impl Folded {
    /// Folds a text; linear in its length.
    #[must_use]
    pub fn new(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut origins = Vec::with_capacity(original.len() + 1);
        let mut count = 0_u32;
        for c in original.chars() {
            if !is_invisible(c) {
                for c in std::iter::once(c).nfkd().filter(|c| canonical_combining_class(*c) == 0) {
                    let c = plain(c);
                    text.push(c);
                    origins.extend(std::iter::repeat_n(count, c.len_utf8()));
                }
            }
            count = count.saturating_add(1);
        }
        origins.push(count);
        Self { text: digits_for_letters(text), origins }
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Number of characters of the original.
    #[must_use]
    pub fn original_chars(&self) -> u32 {
        self.origins.last().copied().unwrap_or(0)
    }

    /// The characters of the original that a range of bytes of the folded text comes from, with
    /// what was left out directly behind them (accents, zero-width characters). Never empty for a
    /// range that is not.
    #[must_use]
    pub fn original(&self, folded: Range<usize>) -> Range<u32> {
        let at = |byte: usize| self.origins.get(byte).copied().unwrap_or_else(|| self.original_chars());
        let start = at(folded.start);
        let last = at(folded.end.saturating_sub(1).max(folded.start));
        let end = at(folded.end).max(last.saturating_add(1)).min(self.original_chars());
        start..end
    }
}

/// Characters that show nothing: joiners, marks of direction, soft hyphens, selectors, tags.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The zeros of the scripts that have decimal digits of their own; the other nine follow each.
const ZEROS: &[char] = &[
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
    '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}', '\u{17e0}', '\u{1810}',
    '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}', '\u{a620}',
    '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}',
];

/// The ASCII character that one stands for or looks like; itself where there is none.
fn plain(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let digit = ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero as u32).filter(|digit| *digit < 10));
    if let Some(digit) = digit.and_then(|digit| char::from_digit(digit, 10)) {
        return digit;
    }
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{30fc}' | '\u{2043}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' | '\u{2bc}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '«' | '»' => '"',
        '\u{3002}' | '\u{2024}' | '\u{6d4}' => '.',
        '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        'а' | 'α' => 'a',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'с' | 'ϲ' => 'c',
        'С' | 'Ϲ' => 'C',
        'е' | 'ҽ' => 'e',
        'Е' | 'Ε' => 'E',
        'һ' => 'h',
        'Н' | 'Η' => 'H',
        'і' | 'ι' | 'ı' => 'i',
        'І' | 'Ι' => 'I',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'К' | 'Κ' => 'K',
        'ӏ' | 'ł' => 'l',
        'Ł' => 'L',
        'м' => 'm',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'о' | 'ο' | 'ø' => 'o',
        'О' | 'Ο' | 'Ø' => 'O',
        'р' | 'ρ' => 'p',
        'Р' | 'Ρ' => 'P',
        'ѕ' => 's',
        'Ѕ' => 'S',
        'т' | 'τ' => 't',
        'Т' | 'Τ' => 'T',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'Х' | 'Χ' => 'X',
        'у' | 'γ' => 'y',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        'ԁ' | 'đ' | 'ð' => 'd',
        'Đ' | 'Ð' => 'D',
        other => other,
    }
}

/// Fewest digits in a word for its `O`, `o`, `I`, `l` to count as digits; at least half of the word
/// is digits besides.
const DIGITS_AMONG: usize = 2;

/// Within words of digits and of `O`, `o`, `I`, `l`, `|` only, those letters become 0 and 1; every
/// replacement is one byte, so places stay.
fn digits_for_letters(text: String) -> String {
    let look_alike = |byte: u8| byte.is_ascii_digit() || b"OoIl|".contains(&byte);
    let bytes = text.as_bytes();
    let mut changed: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        let word = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'|').count();
        let run = &bytes[at..at + word];
        let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits >= DIGITS_AMONG && digits < word && digits * 2 >= word && run.iter().all(|byte| look_alike(*byte)) {
            let changed = changed.get_or_insert_with(|| bytes.to_vec());
            for byte in &mut changed[at..at + word] {
                match *byte {
                    b'O' | b'o' => *byte = b'0',
                    b'I' | b'l' | b'|' => *byte = b'1',
                    _ => {}
                }
            }
        }
        at += word.max(1);
    }
    changed.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}
