use diesel::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    db::{Engine, migrations, schema::universities},
    search_text::query_tokens,
    universities::store::Filter,
};

struct Place {
    conn: Conn,
    _dir: tempfile::TempDir,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let mut conn = db::connect(Engine::Sqlite(dir.path().join("test.db"))).unwrap();
    migrations::migrate(&mut conn).unwrap();
    Place { conn, _dir: dir }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::EPOCH.plus_seconds(1_700_000_000 + seconds)
}

fn uni(name: &str, country: &str, domains: &[&str]) -> Value {
    json!({
        "name": name, "country": "A country", "alpha_two_code": country, "domains": domains,
        "web_pages": [format!("http://www.{}/", domains[0])], "state-province": null,
    })
}

fn import(place: &mut Place, rows: &Value) -> Report {
    run(&mut place.conn, &rows.to_string(), at(0)).unwrap()
}

fn counts(report: &Report) -> (usize, usize, usize, usize) {
    (report.added, report.updated, report.unchanged, report.faults.len())
}

fn names(place: &mut Place, filter: &Filter) -> Vec<String> {
    store::list(&mut place.conn, filter, None, 100).unwrap().into_iter().map(|row| row.name).collect()
}

#[test]
fn the_sample_is_good_and_a_second_import_changes_nothing() {
    let mut place = place();
    let first = run(&mut place.conn, SAMPLE, at(0)).unwrap();
    assert_eq!((counts(&first), first.faults), ((40, 0, 0, 0), vec![]));
    let second = run(&mut place.conn, SAMPLE, at(1)).unwrap();
    assert_eq!(counts(&second), (0, 0, 40, 0));
    let touched = universities::table.filter(universities::updated_at.gt(at(0))).count();
    assert_eq!(touched.get_result::<i64>(&mut place.conn), Ok(0));
    assert_eq!(second.summary(), "0 universities added, 0 updated, 40 unchanged, 0 rows refused");
}

#[test]
fn ids_stand_in_the_order_of_the_file() {
    let ids: Vec<_> =
        [0, 1, 63, 64, 255, 256, 16_383, 16_384, 65_536, 1 << 23].map(|number| id_of_new(number, at(0))).into();
    assert!(ids.is_sorted());
    let mut place = place();
    run(&mut place.conn, SAMPLE, at(0)).unwrap();
    let first = store::first_registered(&mut place.conn).unwrap().unwrap();
    assert_eq!(store::find(&mut place.conn, first).unwrap().unwrap().name, "Kathmandu University");
    assert_eq!(store::exists(&mut place.conn, first), Ok(true));
    assert_eq!(store::exists(&mut place.conn, id_of_new(0, at(9))), Ok(false));
}

#[test]
fn bad_rows_are_named_by_line_and_the_good_ones_are_stored() {
    let mut place = place();
    let text = include_str!("../../../tests/data/universities-sample.json");
    let report = run(&mut place.conn, text, at(0)).unwrap();
    assert_eq!(counts(&report), (22, 0, 0, 3));
    let shown: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "line 26, row [3]: alpha_two_code: ZZ is not an ISO 3166-1 code; \
             domains[0]: not a domain name: \"https://nowhere.edu/mail\"",
            "line 90, row [11]: domains: missing; rank: no such member",
            "line 194, row [24]: repeats the row on line 82: same country and name, a common domain",
        ]
    );
}

#[test]
fn changes_keep_the_id_and_reach_domains_and_search() {
    let mut place = place();
    let mut rows = json!([uni("Old Name", "GB", &["a.edu", "b.edu"]), uni("Other", "FR", &["c.fr"])]);
    import(&mut place, &rows);
    let before = store::list(&mut place.conn, &Filter::default(), None, 10).unwrap();
    rows[0]["name"] = json!("  OLD   Náme ");
    rows[0]["domains"] = json!(["b.edu", "D.edu"]);
    rows[0]["state-province"] = json!("Kent");
    let report = run(&mut place.conn, &rows.to_string(), at(5)).unwrap();
    assert_eq!(counts(&report), (0, 1, 1, 0));
    let after = store::list(&mut place.conn, &Filter::default(), None, 10).unwrap();
    assert_eq!((after[0].id, after[0].version, after[0].updated_at), (before[0].id, 2, at(5)));
    assert_eq!((after[0].name.as_str(), after[0].state_province.as_deref()), ("OLD Náme", Some("Kent")));
    assert_eq!(after[1], before[1]);
    assert_eq!(store::domains_of(&mut place.conn, &[after[0].id]).unwrap()[&after[0].id], ["b.edu", "d.edu"]);
    let below = |domain: &str| Filter { domain: Some(domain.parse().unwrap()), ..Filter::default() };
    assert_eq!(names(&mut place, &below("mail.student.d.edu")), ["OLD Náme"]);
    assert!(names(&mut place, &below("a.edu")).is_empty());
    let words = |text: &str| Filter { words: Some(query_tokens(text)), ..Filter::default() };
    assert_eq!(names(&mut place, &words("name old")), ["OLD Náme"]);
    assert!(names(&mut place, &words("name other")).is_empty());
    assert!(names(&mut place, &words("--")).is_empty());
}

#[test]
fn universities_of_one_name_are_told_apart_by_domain_in_any_order() {
    let mut place = place();
    let arizona = uni("Glendale Community College", "US", &["gccaz.edu"]);
    let california = uni("Glendale community college", "US", &["glendale.edu"]);
    assert_eq!(counts(&import(&mut place, &json!([arizona, california]))), (2, 0, 0, 0));
    assert_eq!(counts(&import(&mut place, &json!([california, arizona]))), (0, 0, 2, 0));
    assert_eq!(counts(&import(&mut place, &json!([california]))), (0, 0, 1, 0));
    let keys: Vec<String> = universities::table
        .order(universities::source_key)
        .select(universities::source_key)
        .load(&mut place.conn)
        .unwrap();
    assert_eq!(keys, ["US/glendale community college", "US/glendale community college/glendale.edu"]);
    // A third one of that name, whose key is free, and one that is alone on both sides and has moved.
    let moved = uni("Alone", "US", &["alone.edu"]);
    assert_eq!(
        counts(&import(&mut place, &json!([arizona, uni("Glendale Community College", "US", &["new.edu"]), moved]))),
        (2, 0, 1, 0)
    );
    assert_eq!(counts(&import(&mut place, &json!([uni("Alone", "US", &["elsewhere.edu"])]))), (0, 1, 0, 0));
}

#[test]
fn rows_are_mended_where_the_meaning_is_plain() {
    let row = json!({
        "name": "Academy \u{93}Leon\u{94} of\tArt", "country": "Kosovo", "alpha_two_code": "xk",
        "domains": ["WWW.Art.edu", "art.edu"], "web_pages": ["HTTP://WWW.Art.EDU:8001/A?b", "https://art.edu"],
        "state-province": "null",
    });
    let entry = row::read(row).unwrap();
    assert_eq!(entry.name, "Academy “Leon” of Art");
    assert_eq!((entry.country.as_str(), entry.state_province), ("XK", None));
    assert_eq!(entry.domains.into_iter().collect::<Vec<_>>(), ["art.edu"]);
    assert_eq!(entry.web_pages, ["http://www.art.edu:8001/A?b", "https://art.edu"]);
}

#[test]
fn each_fault_of_a_row_is_told() {
    let cases = [
        (json!({"name": ""}), "name: empty"),
        (json!({"name": "´"}), "name: no letter or digit in it"),
        (json!({"name": 7}), "name: not a text"),
        (json!({"name": "A\u{202e}B"}), "name: holds control characters or overrides of text direction"),
        (json!({"name": "a".repeat(201)}), "name: too long"),
        (json!({"alpha_two_code": "UK"}), "alpha_two_code: UK is not an ISO 3166-1 code"),
        (json!({"domains": []}), "domains: from 1 to 50 items"),
        (json!({"domains": "a.edu"}), "domains: not an array"),
        (json!({"domains": ["a.edu", null]}), "domains[1]: not a text: null"),
        (json!({"domains": ["ac.uk"]}), "domains[0]: below this name everyone can have a domain: \"ac.uk\""),
        (json!({"web_pages": ["ftp://a.edu"]}), "web_pages[0]: not an http or https address: \"ftp://a.edu\""),
        (json!({"web_pages": ["http://u@a.edu"]}), "web_pages[0]: not an http or https address: \"http://u@a.edu\""),
        (json!({"state-province": 1}), "state-province: neither a text nor null"),
    ];
    for (change, reason) in cases {
        let mut row = uni("Good", "GB", &["good.edu"]);
        assert!(row::read(row.clone()).is_ok());
        for (member, value) in change.as_object().unwrap() {
            row[member] = value.clone();
        }
        assert_eq!(row::read(row).unwrap_err(), [reason]);
    }
    assert_eq!(row::read(json!("text")).unwrap_err(), ["not an object"]);
    let twice = "[{\"name\": \"A\", \"name\": \"B\"}]";
    assert_eq!(read(twice).unwrap().1[0].reasons, ["a member stands twice"]);
}

#[test]
fn a_file_that_is_no_array_changes_nothing() {
    let mut place = place();
    for text in ["", "{}", "[{]", "[1,", "null"] {
        assert!(matches!(run(&mut place.conn, text, at(0)), Err(Error::BadRequest(_))), "{text}");
    }
    assert_eq!(counts(&run(&mut place.conn, "\u{feff}[]", at(0)).unwrap()), (0, 0, 0, 0));
}
