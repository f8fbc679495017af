//! Which key signs, which keys are published, and when a key has had its day: rules without I/O.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// For how long a key is published after the next one has begun to sign: the longest lifetime that `preceptor token
/// issue` gives (2160 hours), and an hour for the clocks of different machines.
pub const OVERLAP_SECONDS: i64 = (2160 + 1) * 3600;

/// Keys that are held at the most.
const MAX_KEYS: usize = 20;

/// One signing key in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The key's thumbprint (RFC 7638).
    pub kid: String,
    /// The file of its private half, in the same directory.
    pub file: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub sign_from: Timestamp,
    /// From when on it counts no more; `None` while no other key follows it.
    pub retire_at: Option<Timestamp>,
}

impl Entry {
    /// Whether tokens of this key are taken, and its public half is published.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.retire_at.is_none_or(|end| now < end)
    }

    /// Whether it waits for its time to sign.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> bool {
        now < self.sign_from
    }
}

/// Why the keys are not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// One change at a time: third parties learn of keys within minutes.
    #[error("the next key is there already and does not sign yet; `preceptor keys list` says from when on it does")]
    NextWaits,
    /// Each key stays for months after the next one; the published list is bounded.
    #[error(
        "there are 20 keys already; the oldest must have had its day first, or be ended by `preceptor keys retire`"
    )]
    TooMany,
    /// No such key.
    #[error("there is no key with this id; `preceptor keys list` names them")]
    Unknown,
}

/// The key that signs at `now`: of those whose time has come, the one whose time came last.
#[must_use]
pub fn signer(entries: &[Entry], now: Timestamp) -> Option<usize> {
    let ready = entries.iter().enumerate().filter(|(_, entry)| entry.holds(now) && !entry.waits(now));
    ready.max_by_key(|(_, entry)| (entry.sign_from, entry.created_at)).map(|(at, _)| at)
}

/// The keys after `next` was added. Keys whose time is over are left out; the present ones stay until their last token
/// can have expired.
pub fn with_next(entries: &[Entry], next: Entry, now: Timestamp) -> Result<Vec<Entry>, Unchanged> {
    if entries.iter().any(|entry| entry.waits(now)) {
        return Err(Unchanged::NextWaits);
    }
    let end = next.sign_from.plus_seconds(OVERLAP_SECONDS);
    let mut kept: Vec<_> = entries.iter().filter(|entry| entry.holds(now)).cloned().collect();
    if kept.len() >= MAX_KEYS {
        return Err(Unchanged::TooMany);
    }
    for entry in &mut kept {
        entry.retire_at.get_or_insert(end);
    }
    kept.push(next);
    Ok(kept)
}

/// The keys without the one named `kid`. When none is left that signs at `now`, the one that waits begins at once;
/// without one, `successor` takes its place.
pub fn without(entries: &[Entry], kid: &str, successor: Entry, now: Timestamp) -> Result<Vec<Entry>, Unchanged> {
    let ended = entries.iter().position(|entry| entry.kid == kid).ok_or(Unchanged::Unknown)?;
    let signs = signer(entries, now);
    let mut kept: Vec<_> = entries.iter().filter(|entry| entry.kid != kid && entry.holds(now)).cloned().collect();
    if signs.is_some_and(|at| at != ended) {
        // The one that signs goes on; and if the ended one was to follow it, nothing follows it now.
        if let Some(present) = signer(&kept, now).filter(|_| entries[ended].waits(now)) {
            kept[present].retire_at = None;
        }
        return Ok(kept);
    }
    match kept.iter_mut().find(|entry| entry.waits(now)) {
        Some(waiting) => waiting.sign_from = now,
        // Not the key from before: it was followed, and its end is near.
        None => kept.push(successor),
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.plus_seconds(seconds)
    }

    fn key(kid: &str, sign_from: i64) -> Entry {
        let file = format!("{kid}.pem");
        Entry { kid: kid.to_owned(), file, created_at: at(0), sign_from: at(sign_from), retire_at: None }
    }

    fn signs(entries: &[Entry], now: i64) -> &str {
        &entries[signer(entries, at(now)).unwrap()].kid
    }

    fn kids(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.kid.as_str()).collect()
    }

    #[test]
    fn the_next_key_signs_from_its_moment_and_the_old_one_holds_until_its_last_token_is_dead() {
        let both = with_next(&[key("old", 0)], key("new", 600), at(100)).unwrap();
        assert_eq!((signs(&both, 599), signs(&both, 600)), ("old", "new"));
        let end = 600 + OVERLAP_SECONDS;
        // The last token of the old key: made at 599 for 2160 hours.
        assert!(end > 599 + 2160 * 3600);
        assert!(both[0].holds(at(end - 1)) && !both[0].holds(at(end)));
        assert_eq!(both[1].retire_at, None);
        // The third key does not prolong the first.
        let three = with_next(&both, key("third", 2000), at(1000)).unwrap();
        assert_eq!(three[0].retire_at, Some(at(end)));
        assert_eq!(kids(&with_next(&three, key("fourth", end + 9), at(end)).unwrap()), ["new", "third", "fourth"]);
    }

    #[test]
    fn there_is_one_next_key_at_a_time() {
        let both = with_next(&[key("old", 0)], key("new", 600), at(100)).unwrap();
        assert_eq!(with_next(&both, key("newer", 700), at(599)), Err(Unchanged::NextWaits));
        assert!(with_next(&both, key("newer", 700), at(600)).is_ok());
    }

    #[test]
    fn a_retired_key_is_gone_and_there_is_always_one_that_signs() {
        let both = with_next(&[key("old", 0)], key("new", 600), at(100)).unwrap();
        let spare = || key("spare", 0);
        assert_eq!(without(&both, "other", spare(), at(100)), Err(Unchanged::Unknown));
        // The old one, once the new one signs.
        assert_eq!(kids(&without(&both, "old", spare(), at(700)).unwrap()), ["new"]);
        // The signing one, while the new one waits: the new one begins now.
        let left = without(&both, "old", spare(), at(200)).unwrap();
        assert_eq!((kids(&left), signs(&left, 200)), (vec!["new"], "new"));
        // The one that signs alone.
        let left = without(&[key("old", 0)], "old", key("spare", 50), at(50)).unwrap();
        assert_eq!((kids(&left), signs(&left, 50)), (vec!["spare"], "spare"));
        // The new one is the stolen one: a third takes its place, and the old one goes on being taken only.
        let left = without(&both, "new", key("spare", 700), at(700)).unwrap();
        assert_eq!((kids(&left), signs(&left, 700)), (vec!["old", "spare"], "spare"));
        assert!(left[0].retire_at.is_some());
        // The new one while it waits: all is as before it was made.
        let left = without(&both, "new", spare(), at(200)).unwrap();
        assert_eq!((kids(&left), signs(&left, 200), left[0].retire_at), (vec!["old"], "old", None));
    }
}
