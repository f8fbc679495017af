//! Imports a list of universities in the format of the public data set "world universities and domains".
//!
//! The file is a JSON array of objects with the members `name`, `country`, `alpha_two_code`, `domains`, `web_pages` and
//! `state-province` (which may be absent or null). It is the whole list: import it whole, not in parts. A file that is
//! not a JSON array is refused as a whole; in an array each row is judged by itself, all good rows are stored in one
//! transaction, and each bad one is reported with its index, its line and every reason.
//!
//! **What is refused**: a member that is missing, unknown, repeated or of the wrong type; a name of more than 200
//! characters or without a letter or digit; control characters; a code that is not in [`reference::countries`]
//! (ISO 3166-1 and XK); no domain or more than 50; a domain that is not a domain name in ASCII form, or one that a
//! registry sells names below (`ac.uk`); more than 20 pages, or one that is no http or https address; a row that
//! repeats an earlier one (same country, same name, a common domain).
//!
//! **What is mended**: runs of blanks become one; text is brought to normalisation form C; the control characters U+0080
//! to U+009F become the Windows-1252 characters that they once were; domains, schemes and hosts are put in lower case;
//! a leading `www.` is cut off a domain, because mail does not go there; repeated domains and pages of a row count once;
//! a state that is empty or the word "null" is absent. The country's name is not stored; its code is.
//!
//! **Which stored university a row is**: one of the same country and the same folded name. There can be several (there are
//! two Glendale Community Colleges); then it is the one that shares a domain with the row. Where file and store have just
//! one each, it is that one, whatever its domains. Otherwise the university is new. Its `source_key` is made when it is
//! added, `country/name`, with a domain behind it if that key is taken, and stays. So the order of rows does not matter,
//! and a university keeps its id when its domains, pages or state change, though not when its name does.
//!
//! Rows that are equal to what is stored are not touched. Stored universities that the file does not have stay.
//!
//! [`reference::countries`]: crate::reference::countries

mod row;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use serde_json::value::RawValue;
use uuid::Uuid;

use self::row::Entry;
use super::{
    domain::Domains,
    store::{self, UniversityRow},
};
use crate::{
    db::{self, Conn},
    http::{Error, strict_json},
    ids::UniversityId,
    time::Timestamp,
};

/// A short list for demonstrations, in the format of an import.
pub const SAMPLE: &str = include_str!("../demo/universities.json");

/// The name of the data set, in `universities.source`.
pub const SOURCE: &str = "world_universities";

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its place in the array, from 0.
    pub index: usize,
    /// The line of the file that it begins on, from 1.
    pub line: usize,
    /// What is wrong with it; each reason begins with the member's name where it is about one.
    pub reasons: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, row [{}]: {}", self.line, self.index, self.reasons.join("; "))
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The rows that were refused, in the order of the file.
    pub faults: Vec<Fault>,
    /// Universities that are new.
    pub added: usize,
    /// Universities that were changed.
    pub updated: usize,
    /// Universities that were as the file has them.
    pub unchanged: usize,
}

impl Report {
    /// One line for the operator.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { faults, added, updated, unchanged } = self;
        format!("{added} universities added, {updated} updated, {unchanged} unchanged, {} rows refused", faults.len())
    }
}

/// Imports the list in `text`; see the [module](self) for the rules. The good rows are committed together.
///
/// # Errors
/// [`Error::BadRequest`] when the text is not a JSON array, or what the database answers; nothing is stored then.
pub fn run(conn: &mut Conn, text: &str, now: Timestamp) -> Result<Report, Error> {
    let (entries, faults) = read(text)?;
    db::transaction(conn, &|conn| {
        let changes = compare(&entries, store::of_source(conn, SOURCE)?, now)?;
        store::insert(conn, &changes.added)?;
        for change in &changes.updated {
            store::update(conn, (&change.old.0, &change.old.1), &change.new.0, &change.new.1)?;
        }
        Ok(Report {
            faults: faults.clone(),
            added: changes.added.len(),
            updated: changes.updated.len(),
            unchanged: changes.unchanged,
        })
    })
}

/// Country and folded name.
type Group = (String, String);

fn group(entry: &Entry) -> Group {
    (entry.country.clone(), entry.name_key.clone())
}

/// Good rows and bad rows.
fn read(text: &str) -> Result<(Vec<Entry>, Vec<Fault>), Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rows: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| Error::BadRequest(format!("The file is not a JSON array of objects: {error}.")))?;
    let mut entries: Vec<Entry> = Vec::with_capacity(rows.len());
    let mut faults = Vec::new();
    let mut seen: HashMap<Group, Vec<(usize, usize)>> = HashMap::new();
    let (mut line, mut counted) = (1, 0);
    for (index, raw) in rows.into_iter().enumerate() {
        // The raw value borrows from the text, so the distance of the two is its place there.
        let start = raw.get().as_ptr().addr() - text.as_ptr().addr();
        line += text[counted..start].matches('\n').count();
        counted = start;
        let checked = strict(raw).and_then(row::read).and_then(|entry| {
            let earlier = seen.entry(group(&entry)).or_default();
            let same = earlier.iter().find(|(at, _)| !entries[*at].domains.is_disjoint(&entry.domains));
            if let Some((_, line)) = same {
                return Err(vec![format!("repeats the row on line {line}: same country and name, a common domain")]);
            }
            earlier.push((entries.len(), line));
            Ok(entry)
        });
        match checked {
            Ok(entry) => entries.push(entry),
            Err(reasons) => faults.push(Fault { index, line, reasons }),
        }
    }
    Ok((entries, faults))
}

/// Syntax is sound here: what can be wrong still is a repeated member.
fn strict(raw: &RawValue) -> Result<serde_json::Value, Vec<String>> {
    strict_json::parse(raw.get().as_bytes()).map_err(|_| vec!["a member stands twice".to_owned()])
}

/// A stored university or one to be stored.
type Record = (UniversityRow, Domains);

struct Change {
    old: Record,
    new: Record,
}

#[derive(Default)]
struct Changes {
    added: Vec<Record>,
    updated: Vec<Change>,
    unchanged: usize,
}

/// What must be done so that the store has the entries.
fn compare(entries: &[Entry], stored: Vec<Record>, now: Timestamp) -> Result<Changes, Error> {
    let mut rows_of: HashMap<Group, usize> = HashMap::with_capacity(entries.len());
    for entry in entries {
        *rows_of.entry(group(entry)).or_default() += 1;
    }
    let mut keys: HashSet<String> = stored.iter().map(|(row, _)| row.source_key.clone()).collect();
    let mut known: HashMap<Group, Vec<Record>> = HashMap::with_capacity(stored.len());
    for record in stored {
        known.entry((record.0.country.clone(), record.0.name_key.clone())).or_default().push(record);
    }
    let alone: HashSet<Group> = known
        .iter()
        .filter(|(group, records)| records.len() == 1 && rows_of.get(*group) == Some(&1))
        .map(|(group, _)| group.clone())
        .collect();
    let mut changes = Changes::default();
    for entry in entries {
        let group = group(entry);
        let candidates = known.get_mut(&group);
        let old = candidates.and_then(|records| {
            let same = |record: &Record| alone.contains(&group) || !record.1.is_disjoint(&entry.domains);
            records.iter().position(same).map(|at| records.swap_remove(at))
        });
        let web_pages = serde_json::to_string(&entry.web_pages).map_err(Error::internal)?;
        let Some(old) = old else {
            let key = free_key(entry, &keys);
            keys.insert(key.clone());
            let id = id_of_new(changes.added.len(), now);
            changes.added.push((new_row(id, entry, web_pages, key, now), entry.domains.clone()));
            continue;
        };
        let row = &old.0;
        let equal = row.name == entry.name
            && row.state_province == entry.state_province
            && row.web_pages == web_pages
            && old.1 == entry.domains;
        if equal {
            changes.unchanged += 1;
            continue;
        }
        let new = UniversityRow {
            name: entry.name.clone(),
            state_province: entry.state_province.clone(),
            web_pages,
            version: row.version + 1,
            updated_at: now,
            ..row.clone()
        };
        changes.updated.push(Change { old, new: (new, entry.domains.clone()) });
    }
    Ok(changes)
}

/// `country/name`, `country/name/domain`, or one with a number behind it: the first that is not taken.
fn free_key(entry: &Entry, taken: &HashSet<String>) -> String {
    let plain = format!("{}/{}", entry.country, entry.name_key);
    let with_domain = entry.domains.iter().map(|domain| format!("{plain}/{domain}"));
    let numbered = (2..=taken.len() + 2).map(|number| format!("{plain}/{number}"));
    let free = std::iter::once(plain.clone()).chain(with_domain).chain(numbered).find(|key| !taken.contains(key));
    free.unwrap_or(plain)
}

/// An id whose first bits after the time count the rows of this import (RFC 9562 section 6.2, method 1), so that ids
/// stand in the order of the file. Four bits of the first and two of the third byte are overwritten by the version and
/// the variant.
fn id_of_new(number: usize, now: Timestamp) -> UniversityId {
    let mut random = [0; 10];
    random.copy_from_slice(&Uuid::new_v4().as_bytes()[..10]);
    let [.., high, middle, low] = number.to_be_bytes();
    random[..4].copy_from_slice(&[high >> 6, (high << 2) | (middle >> 6), middle & 0x3f, low]);
    UniversityId::new_v7(now, random)
}

fn new_row(id: UniversityId, entry: &Entry, web_pages: String, source_key: String, now: Timestamp) -> UniversityRow {
    UniversityRow {
        id,
        name: entry.name.clone(),
        name_key: entry.name_key.clone(),
        country: entry.country.clone(),
        state_province: entry.state_province.clone(),
        web_pages,
        source: SOURCE.to_owned(),
        source_key,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
