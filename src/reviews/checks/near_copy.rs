//! Nearly the same text again: of another review, or of an earlier one by the same author.
//!
//! `MinHash` over shingles of three words: of all shingles of a text the least value under each of
//! 64 hash functions is kept. Two texts agree in as many of the 64 as they share shingles (Broder,
//! "On the resemblance and containment of documents", 1997), so nobody has to read the other text,
//! and a sketch does not give it back. A copy with every tenth word changed still shares about half
//! of its shingles; independent accounts of one program share hardly any. The long parts and the
//! text as a whole are compared, each with each, so a paragraph copied into another part is found.

use super::{Candidate, CheckCode, Context, Finding, Read, fold::Folded, read};

/// Texts of fewer words are not compared: short praise is alike without being copied.
pub const WORDS_MIN: usize = 20;

/// Words of a shingle.
const SHINGLE: usize = 3;

/// Hash functions.
const HASHES: usize = 64;

/// Values that a sketch is found by; a power of two.
pub const KEYS: usize = 8;
/// The bits of a key that tell its place.
const PLACES: u32 = 7;

/// From so many equal values on, two texts count as nearly the same: a share of shingles of 0.28.
/// Texts that share a tenth reach it less than once in a million comparisons.
pub const ALIKE_MIN: usize = 18;

const OF_ANOTHER: &str = "This is nearly the text of another review of this program or provider. Please tell in your \
                          own words what you saw; a person looks at it until then.";
const OF_ONESELF: &str = "This is nearly the text of another review that you wrote. Please tell what was particular to \
                          this program; a person looks at it until then.";

/// What is kept of a text to compare it with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    least: [u32; HASHES],
}

impl Sketch {
    /// The sketch of a text; `None` when it has fewer than 20 words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::of_words(&words(&Folded::new(text)))
    }

    fn of_words(words: &[u64]) -> Option<Self> {
        if words.len() < WORDS_MIN {
            return None;
        }
        let mut least = [u32::MAX; HASHES];
        for shingle in words.windows(SHINGLE) {
            let hash = shingle.iter().fold(0, |hash, word| mix(hash ^ *word));
            let mut seed = 0_u64;
            for least in &mut least {
                seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
                // The upper half; the lower 32 bits fall off.
                *least = (*least).min(u32::try_from(mix(hash ^ seed) >> 32).unwrap_or(u32::MAX));
            }
        }
        Some(Self { least })
    }

    /// In how many of the 64 values two sketches agree.
    #[must_use]
    pub fn alike(&self, other: &Self) -> usize {
        self.least.iter().zip(&other.least).filter(|(one, other)| one == other).count()
    }

    /// What the sketch is found by among many: eight of its values, each with its place. Two texts that share half of
    /// their shingles have none in common once in 256 times, texts at the limit of likeness 7 times in 100.
    #[must_use]
    pub fn keys(&self) -> [i32; KEYS] {
        let mut keys = [0; KEYS];
        for ((key, place), least) in keys.iter_mut().zip(0_u32..).zip(self.least) {
            *key = (least & !PLACES | place).cast_signed();
        }
        keys
    }

    /// 256 bytes, to be stored. They do not depend on the machine, and the hash functions never
    /// change without a new computation of what is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.least.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` for another number of bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<4>();
        let least: Vec<u32> = chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect();
        rest.is_empty().then_some(())?;
        Some(Self { least: least.try_into().ok()? })
    }
}

/// What a review with these sketches is found by: the keys of all of them, each once, in ascending order.
#[must_use]
pub fn keys(sketches: &[Sketch]) -> Vec<i32> {
    let mut keys: Vec<i32> = sketches.iter().flat_map(Sketch::keys).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The sketches of a review, to be kept with it: of each part that is long enough, and of all
/// parts together where that is another text.
#[must_use]
pub fn sketches(text: &Candidate<'_>) -> Vec<Sketch> {
    let parts: Vec<Vec<u64>> = read(text).iter().map(|read| words(&read.folded)).collect();
    let mut sketches: Vec<Sketch> = parts.iter().filter_map(|words| Sketch::of_words(words)).collect();
    if parts.len() > 1 {
        sketches.extend(Sketch::of_words(&parts.concat()));
    }
    sketches
}

/// Compares the parts, and where no part is found, the whole.
pub(super) fn find(parts: &[Read<'_>], context: &Context) -> Vec<Finding> {
    let detail = |sketch: &Sketch| {
        let among = |others: &[Sketch]| others.iter().any(|other| sketch.alike(other) >= ALIKE_MIN);
        if among(&context.own) { Some(OF_ONESELF) } else { among(&context.others).then_some(OF_ANOTHER) }
    };
    let words: Vec<Vec<u64>> = parts.iter().map(|read| words(&read.folded)).collect();
    let of_part = |(read, words): (&Read<'_>, &Vec<u64>)| {
        Some(read.finding_on_all(CheckCode::NearCopy, detail(&Sketch::of_words(words)?)?))
    };
    let mut findings: Vec<Finding> = parts.iter().zip(&words).filter_map(of_part).collect();
    if findings.is_empty()
        && let Some(detail) = Sketch::of_words(&words.concat()).as_ref().and_then(detail)
    {
        findings.push(Finding { check: CheckCode::NearCopy, place: None, detail: detail.to_owned() });
    }
    findings
}

/// The hashes of the words: runs of letters and digits in lower case; of scripts that put no
/// spaces between words, each character.
fn words(folded: &Folded) -> Vec<u64> {
    let mut words = Vec::new();
    let mut word: Option<u64> = None;
    for c in folded.as_str().chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() && c < '\u{2e80}' {
            word = Some(mix(word.unwrap_or(0) ^ u64::from(u32::from(c))));
        } else {
            words.extend(word.take());
            if c.is_alphanumeric() {
                words.push(mix(u64::from(u32::from(c))));
            }
        }
    }
    words.extend(word);
    words
}

/// Spreads the bits of a number (the finaliser of `SplitMix64`, Steele, Lea, Flood 2014).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
