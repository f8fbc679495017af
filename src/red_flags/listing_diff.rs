//! The listing that a report was made against, compared with today's.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ids::{ProgramId, ReportId};

/// One place in which two listings differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListingDifference {
    /// The place: a JSON Pointer (RFC 6901) into both listings.
    #[schema(min_length = 1, max_length = 300, pattern = "^/", example = "/supervision/roles/0/on_site")]
    pub pointer: String,
    /// What stood there when the report was made, as JSON text; null where there was nothing.
    #[schema(min_length = 1, max_length = 100_000, example = "true")]
    pub before: Option<String>,
    /// What stands there now, as JSON text; null where there is nothing any more.
    #[schema(min_length = 1, max_length = 100_000, example = "false")]
    pub after: Option<String>,
}

/// What has become of a listing since a report was made against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListingDiff {
    /// The report.
    pub report_id: ReportId,
    /// The program.
    pub program_id: ProgramId,
    /// Version of the listing that the report was made against.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub before_version: i32,
    /// Version of today's listing.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647, example = 3)]
    pub after_version: i32,
    /// The places in which they differ, members in alphabetical order. Entries of lists are compared by their place.
    #[schema(max_items = 100_000)]
    pub differences: Vec<ListingDifference>,
}

/// The places in which two documents differ, from the outside inwards. A member that is null is as good as absent.
#[must_use]
pub fn differences(before: &Value, after: &Value) -> Vec<ListingDifference> {
    let mut found = Vec::new();
    compare(Some(before), Some(after), "", &mut found);
    found
}

fn compare(before: Option<&Value>, after: Option<&Value>, pointer: &str, found: &mut Vec<ListingDifference>) {
    let present = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(Value::to_string);
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(two))) => members(one, two, pointer, found),
        (Some(Value::Array(one)), Some(Value::Array(two))) => {
            for place in 0..one.len().max(two.len()) {
                compare(one.get(place), two.get(place), &format!("{pointer}/{place}"), found);
            }
        }
        _ if present(before) != present(after) => found.push(ListingDifference {
            pointer: pointer.to_owned(),
            before: present(before),
            after: present(after),
        }),
        _ => {}
    }
}

fn members(one: &Map<String, Value>, two: &Map<String, Value>, pointer: &str, found: &mut Vec<ListingDifference>) {
    let mut names: Vec<&String> = one.keys().chain(two.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let token = name.replace('~', "~0").replace('/', "~1");
        compare(one.get(name), two.get(name), &format!("{pointer}/{token}"), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(before: &Value, after: &Value) -> Vec<(String, Option<String>, Option<String>)> {
        differences(before, after).into_iter().map(|one| (one.pointer, one.before, one.after)).collect()
    }

    #[test]
    fn every_difference_is_named_by_its_place_and_nothing_else_is() {
        let before = json!({"title": "One", "fees": [{"minor": 1}, {"minor": 2}], "safety": {"plan": null}, "a/b": 1});
        let after = json!({"title": "Two", "fees": [{"minor": 1}], "safety": {}, "a/b": 2, "housing": {"kind": "x"}});
        let some = |text: &str| Some(text.to_owned());
        let expected = [
            ("/a~1b".to_owned(), some("1"), some("2")),
            ("/fees/1".to_owned(), some("{\"minor\":2}"), None),
            ("/housing".to_owned(), None, some("{\"kind\":\"x\"}")),
            ("/title".to_owned(), some("\"One\""), some("\"Two\"")),
        ];
        assert_eq!(found(&before, &after), expected);
        assert!(found(&before, &before).is_empty());
    }
}
